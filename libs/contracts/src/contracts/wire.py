"""How every model of the project looks on the wire: camelCase keys, UTC times with milliseconds."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel


def iso_utc(moment: datetime) -> str:
    """Write an aware time as ISO-8601 UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).isoformat("T", "milliseconds").removesuffix("+00:00") + "Z"


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as exc:  # pydantic takes a ValueError for a refusal and lets any other escape
        raise ValueError("time is outside the years 1 to 9999 in UTC") from exc


UtcTime = Annotated[
    AwareDatetime,
    AfterValidator(_in_utc),
    PlainSerializer(iso_utc, return_type=str, when_used="json"),
]
"""An aware time, UTC in memory, `2026-01-31T12:00:00.000Z` on the wire."""


class WireModel(BaseModel):
    """Base of everything that crosses a process boundary.

    Unknown keys are ignored, since fields are only ever added: today's reader must accept
    tomorrow's message. Refusals do not repeat the input: it may hold a token, and they get logged.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    def to_json(self) -> str:
        """Compact JSON with wire names."""
        return self.model_dump_json(by_alias=True)

"""How every model of the project looks on the wire: camelCase keys, UTC times with milliseconds."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer
from pydantic.alias_generators import to_camel


def iso_utc(moment: datetime) -> str:
    """Write an aware time as ISO-8601 UTC with milliseconds and `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


UtcTime = Annotated[
    AwareDatetime,
    AfterValidator(lambda moment: moment.astimezone(UTC)),
    PlainSerializer(iso_utc, return_type=str, when_used="json"),
]
"""An aware time, UTC in memory, `2026-01-31T12:00:00.000Z` on the wire."""


class WireModel(BaseModel):
    """Base of everything that crosses a process boundary.

    Unknown keys are ignored, since fields are only ever added: today's reader must accept
    tomorrow's message.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    def to_json(self) -> str:
        """Compact JSON with wire names."""
        return self.model_dump_json(by_alias=True)

"""What every body of the HTTP contract has in common."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel


def _plain_number(value: Decimal) -> Any:
    return int(value) if value == value.to_integral_value() else float(value)


Number = Annotated[
    Decimal, PlainSerializer(_plain_number, when_used="json"), WithJsonSchema({"type": "number"})
]
"""Exact in Python, a number in JSON: 3000 or 99.5."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class RequestBody(BaseModel):
    """A body that a caller sends. Unknown fields are ignored: frontends send more than a route reads."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True)


def example(value: dict[str, Any]) -> ConfigDict:
    """Model settings that put one example into the API documentation."""
    return ConfigDict(json_schema_extra={"examples": [value]})


def is_none(value: object) -> bool:
    """For fields that are left out rather than null."""
    return value is None

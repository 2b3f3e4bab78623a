"""What every body of the HTTP contract has in common."""

from collections.abc import Callable
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints, WithJsonSchema
from pydantic.alias_generators import to_camel

Body = TypeVar("Body", bound=BaseModel)


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


def body_from(model: type[Body], **sources: str) -> Callable[[object], Body]:
    """What makes a body of any object: each field is the attribute of the same name, or that of `sources`.

    All is checked, as by pydantic's `from_attributes`, which takes twice as long.
    """
    names = tuple(model.model_fields)
    values_of = attrgetter(*(sources.get(name, name) for name in names))

    def make(source: object) -> Body:
        return model.model_validate(dict(zip(names, values_of(source), strict=True)))

    return make


def example(value: dict[str, Any]) -> ConfigDict:
    """Model settings that put one example into the API documentation."""
    return ConfigDict(json_schema_extra={"examples": [value]})


def is_none(value: object) -> bool:
    """For fields that are left out rather than null."""
    return value is None

"""Setting named fields of a dataclass from JSON, with their declared types checked."""

import types
from dataclasses import fields
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


class BadValueError(ValueError):
    """A field that does not exist, may not change, or cannot hold the value; the text says which."""


def assign(target: Any, values: dict[str, Any], *, fixed: frozenset[str] = frozenset()) -> None:
    """Set the named fields, all or none.

    Raises:
        BadValueError: before anything is changed.
    """
    hints = get_type_hints(type(target))
    known = {field.name for field in fields(target)} - fixed
    for name, value in values.items():
        if name not in known:
            raise BadValueError(f"unknown: {name}; known: {', '.join(sorted(known))}")
        if not fits(value, hints[name]):
            raise BadValueError(f"{name} cannot be {value!r}")
    for name, value in values.items():
        setattr(target, name, value)


def fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value is of the hinted type; whole numbers are good for floats, booleans for neither."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return value in inner
    if origin in {Union, types.UnionType}:
        return any(fits(value, one) for one in inner)
    if origin is list:
        return isinstance(value, list) and all(fits(item, inner[0]) for item in value)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float) if hint is float else isinstance(value, hint)

"""How a row leaves the store: as a small frozen dataclass whose fields are columns."""

from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def columns(row_class: type[T], alias: str) -> str:
    """The select list of a row class: each column named, so that a new column disturbs no running code.

    `alias` may be a whole row in a column, as in `(page.r)`; what is read has the last name of it, `r`.
    """
    name = alias.strip("()").rpartition(".")[-1]
    return ", ".join(f"{alias}.{field.name} AS {name}_{field.name}" for field in fields(row_class))


def read(row_class: type[T], record: asyncpg.Record, alias: str) -> T:
    """The part of a record that `columns` selected with the same alias."""
    names, values_of = _reader(row_class, alias)
    return row_class(**dict(zip(names, values_of(record), strict=True)))


@cache
def _reader(
    row_class: type[Any], alias: str
) -> tuple[tuple[str, ...], Callable[[asyncpg.Record], tuple[Any, ...]]]:
    # Put together once: every page reads the same few row classes, ten rows at a time.
    names = tuple(field.name for field in fields(row_class))
    return names, itemgetter(*(f"{alias}_{name}" for name in names))

"""How a row leaves the store: as a small frozen dataclass whose fields are columns."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def columns(row_class: type[T], alias: str) -> str:
    """The select list of a row class: each column named, so that a new column disturbs no running code."""
    return ", ".join(f"{alias}.{field.name} AS {alias}_{field.name}" for field in fields(row_class))


def read(row_class: type[T], record: asyncpg.Record, alias: str) -> T:
    """The part of a record that `columns` selected with the same alias."""
    values: dict[str, Any] = {field.name: record[f"{alias}_{field.name}"] for field in fields(row_class)}
    return row_class(**values)

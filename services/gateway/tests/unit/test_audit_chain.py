"""What the hash of an audit entry covers: everything that it says, its place, and the hash before."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from gateway.audit_chain import BEGINNING, hash_of
from gateway.store.audit import Entry

ENTRY = Entry(
    id=1,
    at=datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC),
    customer_id=uuid4(),
    user_id=uuid4(),
    action="login",
    result="ok",
    detail={"session": "a"},
)
OTHERWISE: dict[str, Any] = {
    "id": 2,
    "at": ENTRY.at + timedelta(microseconds=1),
    "customer_id": uuid4(),
    "user_id": None,
    "action": "logout",
    "result": "failed",
    "detail": {"session": "b"},
}


@pytest.mark.parametrize("name", [field.name for field in fields(Entry)])
def test_another_value_of_any_field_is_another_hash(name: str) -> None:
    changed = replace(ENTRY, **{name: OTHERWISE[name]})
    assert hash_of(changed, seq=1, previous=BEGINNING) != hash_of(ENTRY, seq=1, previous=BEGINNING)


def test_another_place_or_another_past_is_another_hash() -> None:
    here = hash_of(ENTRY, seq=1, previous=BEGINNING)
    assert hash_of(ENTRY, seq=2, previous=BEGINNING) != here
    assert hash_of(ENTRY, seq=1, previous=here) != here

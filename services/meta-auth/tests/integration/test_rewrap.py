"""The key that seals tokens is changed while people connect and runs ask for their grants."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from meta_auth_harness import Browser, Database, Operate, Sandbox, Service, eventually
from pydantic import SecretStr

from chassis.database import Connection, across_customers, create_pool
from meta_auth import check_store
from meta_auth.vault import Vault

OLD, NEW = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
BEFORE = {"TOKEN_KEYS": json.dumps({"old": OLD}), "TOKEN_KEY_ID": "old"}
BOTH = {"TOKEN_KEYS": json.dumps({"old": OLD, "new": NEW}), "TOKEN_KEY_ID": "new"}
ONLY_NEW = {"TOKEN_KEYS": json.dumps({"new": NEW}), "TOKEN_KEY_ID": "new"}


@pytest.fixture
async def people(sandbox: Sandbox, start_service: Callable[..., Service], admin: Connection) -> list[Browser]:
    """Twelve connections, all sealed with the old key, and no other rows."""
    await admin.execute("DELETE FROM meta_connections")
    service = start_service(**BEFORE)
    browsers = [Browser(service=service) for _ in range(12)]
    for each in browsers:
        assert (await each.connect())["outcome"] == "connected"
    return browsers


async def test_keys_are_changed_under_load_without_an_error_and_the_old_one_can_go(
    people: list[Browser], start_service: Callable[..., Service], operate: Operate
) -> None:
    service = start_service(**BOTH)
    stop = asyncio.Event()
    answered = {"grants": 0, "reconnects": 0}

    async def ask(each: Browser) -> None:
        while not stop.is_set():
            assert (await service.grant(each.customer))["accessToken"].startswith("EAA")
            answered["grants"] += 1

    async def reconnect(each: Browser) -> None:
        there = Browser(service=service, customer=each.customer, user=each.user)
        while not stop.is_set():
            assert (await there.connect())["outcome"] == "connected"
            answered["reconnects"] += 1

    load = [asyncio.create_task(ask(each)) for each in people[:6]]
    load += [asyncio.create_task(reconnect(each)) for each in people[6:8]]
    await eventually(_values(answered), all)
    rounds = [await operate("rewrap", **BOTH) for _ in range(2)]
    stop.set()
    await asyncio.gather(*load)
    assert [each.returncode for each in rounds] == [0, 0], rounds[0].stdout + rounds[0].stderr
    assert "0 rows on old keys" in rounds[0].stdout
    assert "0 rows re-wrapped under 'new'" in rounds[1].stdout
    assert min(answered.values()) > 1
    last = start_service(**ONLY_NEW)
    for each in people:
        assert (await last.grant(each.customer))["accessToken"].startswith("EAA")


async def test_a_trial_run_counts_and_changes_nothing(
    people: list[Browser], operate: Operate, admin: Connection
) -> None:
    before = await _rows(admin)
    done = await operate("rewrap", "--dry-run", **BOTH)
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["12 rows on old keys", "  12 on 'old'"]
    assert await _rows(admin) == before


async def test_rewrapping_changes_the_wrapping_and_nothing_else(
    people: list[Browser], operate: Operate, admin: Connection
) -> None:
    before = await _rows(admin)
    assert (await operate("rewrap", **BOTH)).returncode == 0
    after = await _rows(admin)
    for old, new in zip(before, after, strict=True):
        changed = {name for name in old if old[name] != new[name]}
        assert changed == {"wrapped_key", "key_id"}
    assert {row["key_id"] for row in after} == {"new"}


async def test_a_token_that_was_replaced_meanwhile_is_not_touched(
    people: list[Browser], migrated: Database
) -> None:
    """The wrapping of the old token around the new one would be a token that nobody can open."""
    vault = Vault(keys={"old": SecretStr(OLD), "new": SecretStr(NEW)}, key_id="new")
    pool = await create_pool(migrated.serving_url, name="test", size=2)
    async with across_customers(pool) as acquired:
        rows = await check_store.find_on_other_keys(acquired, "new", after=UUID(int=0), limit=100)
    [row] = [each for each in rows if each.customer_id == people[0].customer]
    assert row.sealed is not None
    assert (await people[0].connect())["outcome"] == "connected"
    async with across_customers(pool) as acquired:
        assert not await check_store.replace_wrapping(acquired, row, vault.rewrap(row.sealed, row.place))
    await pool.close()
    assert (await people[0].service.grant(people[0].customer))["accessToken"].startswith("EAA")


async def test_swapped_rows_and_flipped_bits_fail_closed_and_are_named(
    people: list[Browser], operate: Operate, admin: Connection, start_service: Callable[..., Service]
) -> None:
    first, second, third = people[:3]
    rows = {
        each.customer: await admin.fetchrow(
            "SELECT sealed_token, wrapped_key FROM meta_connections WHERE customer_id = $1", each.customer
        )
        for each in (first, second)
    }
    for each, other in ((first, second), (second, first)):
        await admin.execute(
            "UPDATE meta_connections SET sealed_token = $2, wrapped_key = $3 WHERE customer_id = $1",
            each.customer,
            *rows[other.customer].values(),
        )
    await admin.execute(
        "UPDATE meta_connections SET wrapped_key = set_bit(wrapped_key, 200, 1 - get_bit(wrapped_key, 200))"
        " WHERE customer_id = $1",
        third.customer,
    )
    service = start_service(**BOTH)
    for each in (first, second, third):
        assert (await service.grant(each.customer))["accessToken"] is None
        assert (await service.call("GET", "/smoke", each.customer)).status_code == 400
    done = await operate("rewrap", **BOTH)
    assert done.returncode == 1
    assert "9 rows re-wrapped under 'new', 0 changed meanwhile, 3 unreadable" in done.stdout
    assert "3 rows on old keys" in done.stdout
    assert (await service.grant(people[3].customer))["accessToken"].startswith("EAA")


async def test_without_the_old_key_nothing_is_touched(
    people: list[Browser], operate: Operate, admin: Connection
) -> None:
    before = await _rows(admin)
    done = await operate("rewrap", **ONLY_NEW)
    assert done.returncode == 1
    assert "0 rows re-wrapped under 'new', 0 changed meanwhile, 12 unreadable" in done.stdout
    assert await _rows(admin) == before


def _values(counts: dict[str, int]) -> Callable[[], Awaitable[list[int]]]:
    async def read() -> list[int]:
        return list(counts.values())

    return read


async def _rows(admin: Connection) -> list[dict[str, Any]]:
    return [dict(row) for row in await admin.fetch("SELECT * FROM meta_connections ORDER BY id")]

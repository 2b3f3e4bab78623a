"""The services' own statements, once with their condition on the customer cut out: still no foreign row."""

import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from ads_publisher import store as publisher
from chassis.database import Pool, across_customers, transaction
from gateway.store import ads, progress, runs
from meta_auth import store as meta_auth

Statement = Callable[[Any, UUID], Awaitable[Any]]
"""A statement about the customer that it is given; every id in the lab is that of its customer."""


class Forgetful:
    """A connection for statements that somebody has spoilt: `customer_id = $1` is always true."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.spoilt = 0

    def __getattr__(self, name: str) -> Any:
        async def run(query: str, *values: Any) -> Any:
            query, by_number = re.subn(
                r"(?<!SET )\b(?:\w+\.)?customer_id = (\$\d+)", r"(\1::uuid IS NOT NULL)", query
            )
            query, by_join = re.subn(r"\b(?:\w+\.)?customer_id = customer\.id", "true", query)
            self.spoilt += by_number + by_join
            return await getattr(self._connection, name)(query, *values)

        return run


async def _overview(connection: Any, customer: UUID) -> Any:
    return await runs.overview(connection, customer, limit=10)


async def _list(connection: Any, customer: UUID) -> Any:
    return await runs.list_runs(connection, customer, limit=10, before=None)


async def _progress(connection: Any, customer: UUID) -> Any:
    return await progress.read_progress(connection, customer, customer, after=0)


async def _journal(connection: Any, customer: UUID) -> Any:
    attempts, _, _ = await publisher.load_journal(connection, customer_id=customer, ad_account_id="act_1")
    return attempts


READS: dict[str, tuple[str, Statement]] = {
    "overview": ("gateway_rows", _overview),
    "publish_inputs": ("gateway_rows", ads.publish_inputs),
    "find_objects": ("gateway_rows", ads.find_objects),
    "list_runs": ("gateway_rows", _list),
    "find_run": ("gateway_rows", lambda conn, who: runs.find_run(conn, who, who)),
    "find_run_with_steps": ("gateway_rows", lambda conn, who: runs.find_run_with_steps(conn, who, who)),
    "open_run": ("gateway_rows", lambda conn, who: runs.open_run(conn, who, "publish")),
    "read_progress": ("gateway_rows", _progress),
    "find_connection": ("meta_auth_rows", meta_auth.find_connection),
    "load_journal": ("ads_publisher_rows", _journal),
}
WRITES: dict[str, tuple[str, Statement]] = {
    "settings_failed": (
        "gateway_rows",
        lambda conn, who: ads.settings_failed(conn, who, "spoilt", status=None),
    ),
    "empty_connection": ("meta_auth_rows", meta_auth.empty_connection),
    "turn_to_error": ("meta_auth_rows", lambda conn, who: meta_auth.turn_to_error(conn, who, 1, "spoilt")),
    "record_gone": (
        "ads_publisher_rows",
        lambda conn, who: publisher.record_gone(conn, customer_id=who, object_id="11"),
    ),
}


@pytest.mark.parametrize("name", READS)
async def test_a_read_that_forgets_its_condition_tells_nothing_of_another_customer(
    pools: dict[str, Pool], ours: UUID, theirs: UUID, name: str
) -> None:
    schema, read = READS[name]
    async with across_customers(pools[schema]) as everything:
        assert str(theirs) in repr(await read(everything, theirs))
    async with transaction(pools[schema], customer=ours) as acquired:
        forgetful = Forgetful(acquired)
        told = repr(await read(forgetful, theirs))
        assert forgetful.spoilt > 0
    assert str(theirs) not in told


@pytest.mark.parametrize("name", WRITES)
async def test_a_write_that_forgets_its_condition_changes_nothing_of_another_customer(
    pools: dict[str, Pool], ours: UUID, theirs: UUID, name: str
) -> None:
    schema, write = WRITES[name]
    table = {"gateway_rows": "ad_settings", "meta_auth_rows": "meta_connections"}.get(
        schema, "publish_attempts"
    )
    rows = f"SELECT to_jsonb(t)::text FROM {table} AS t WHERE customer_id = $1"
    async with across_customers(pools[schema]) as everything:
        before = await everything.fetchval(rows, theirs)
    async with transaction(pools[schema], customer=ours) as acquired:
        forgetful = Forgetful(acquired)
        await write(forgetful, theirs)
        assert forgetful.spoilt > 0
    async with across_customers(pools[schema]) as everything:
        assert await everything.fetchval(rows, theirs) == before

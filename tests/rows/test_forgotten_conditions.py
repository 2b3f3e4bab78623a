"""The services' own statements, once with their condition on the customer cut out: still no foreign row."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from rows_lab import Lab

from ads_publisher import store as publisher
from chassis.database import Pool, across_customers, connection, transaction
from gateway.store import accepting, ads, progress, runs
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


async def _list(connection: Any, customer: UUID) -> Any:
    return await runs.list_runs(connection, customer, limit=10, before=None)


async def _progress(connection: Any, customer: UUID) -> Any:
    return await progress.read_progress(connection, customer, customer, after=0)


async def _journal(connection: Any, customer: UUID) -> Any:
    [journal] = await publisher.load_journals(connection, [(customer, "act_1")])
    return journal.attempts


READS: dict[str, tuple[str, Statement]] = {
    "find_objects": ("gateway_rows", ads.find_objects),
    "list_runs": ("gateway_rows", _list),
    "find_run": ("gateway_rows", lambda conn, who: runs.find_run(conn, who, who)),
    "find_run_with_steps": ("gateway_rows", lambda conn, who: runs.find_run_with_steps(conn, who, who)),
    "open_run": ("gateway_rows", lambda conn, who: runs.open_run(conn, who, "publish")),
    "read_progress": ("gateway_rows", _progress),
    "find_connection": ("meta_auth_rows", meta_auth.find_connection),
    "load_journals": ("ads_publisher_rows", _journal),
}


@dataclass(frozen=True, kw_only=True)
class Function:
    """One that names its customer by itself, and the table that it has to keep to."""

    name: str
    arguments: str
    table: str
    conditions: int
    read: Statement


FUNCTIONS = {
    "gateway_rows": Function(
        name="overview",
        arguments="$1, 10",
        table="ad_runs",
        conditions=4,
        read=lambda conn, who: runs.overview(conn, who, limit=10),
    ),
    "meta_auth_rows": Function(
        name="own_connection",
        arguments="$1",
        table="meta_connections",
        conditions=1,
        read=meta_auth.read_connection,
    ),
}
WRITES: dict[str, tuple[str, Statement]] = {
    "tell_settings": (
        "gateway_rows",
        lambda conn, who: ads.tell_settings(conn, [ads.SettingsNews(customer_id=who, error="spoilt")]),
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


async def test_a_run_cannot_be_begun_for_another_customer(
    pools: dict[str, Pool], ours: UUID, theirs: UUID
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with transaction(pools["gateway_rows"], customer=ours) as acquired:
            await accepting.begin_run(
                Forgetful(acquired),  # type: ignore[arg-type]  # it spoils what a connection would run
                theirs,
                run_id=uuid4(),
                job_id=uuid4(),
                job_type="sync",
                trace_id=None,
                ring_seconds=60,
            )


@pytest.mark.parametrize("schema", FUNCTIONS)
async def test_a_function_that_names_its_customer_shows_it_and_leaves_nobody_behind(
    pools: dict[str, Pool], ours: UUID, theirs: UUID, schema: str
) -> None:
    function = FUNCTIONS[schema]
    async with connection(pools[schema]) as acquired:
        told = repr(await function.read(acquired, ours))
        assert await acquired.fetch(f"SELECT FROM {function.table}") == []
    assert str(ours) in told
    assert str(theirs) not in told


@pytest.mark.parametrize("schema", FUNCTIONS)
async def test_a_function_that_names_its_customer_may_forget_its_conditions(
    lab: Lab, pools: dict[str, Pool], ours: UUID, theirs: UUID, schema: str
) -> None:
    function = FUNCTIONS[schema]
    admin = await lab.connect()
    spoilt = await admin.fetchval(f"SELECT pg_get_functiondef('{schema}.{function.name}'::regproc)")
    spoilt, conditions = re.subn(r"\b\w+\.customer_id = (customer\.id|wanted)", "true", spoilt)
    await admin.execute(spoilt.replace(f"{schema}.{function.name}", f"{schema}.spoilt"))
    rows = f"SELECT whole::text FROM {schema}.spoilt({function.arguments}) AS whole"
    seen_by_all = await admin.fetch(rows, ours)
    async with connection(pools[schema]) as acquired:
        seen = await acquired.fetch(rows, ours)
    await admin.execute(f"DROP FUNCTION {schema}.spoilt")
    await admin.close()
    assert conditions == function.conditions
    assert str(theirs) in repr(seen_by_all)
    assert str(ours) in repr(seen)
    assert str(theirs) not in repr(seen)


@pytest.mark.parametrize("schema", FUNCTIONS)
async def test_not_everybody_may_call_a_function_that_names_its_customer(lab: Lab, schema: str) -> None:
    admin = await lab.connect()
    may = "SELECT has_function_privilege($1, $2::regproc, 'EXECUTE')"
    function = f"{schema}.{FUNCTIONS[schema].name}"
    assert await admin.fetchval(may, schema, function)
    assert not await admin.fetchval(may, "public", function)
    await admin.close()

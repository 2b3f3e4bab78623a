"""No customer's row is shown to, or written for, another customer: by Postgres, whatever the code forgets."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from rows_lab import OWNER_COLUMN, PACKAGES, UNPROTECTED, Lab

from chassis.database import Pool, across_customers, connection, transaction

TABLES = [(schema, table) for schema, tables in OWNER_COLUMN.items() for table in tables]
REFUSED = "violates row-level security policy"
POLICIES = """
SELECT c.relname AS "table", c.relrowsecurity AND c.relforcerowsecurity AS forced,
       coalesce(array_agg(p.polname::text ORDER BY p.polname) FILTER (WHERE p.polname IS NOT NULL), '{}')
           AS policies,
       coalesce(bool_and(p.polqual IS NOT NULL AND p.polwithcheck IS NOT NULL AND p.polcmd = '*'), false)
           AS both_clauses,
       EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'customer_id')
           AS has_customer
FROM pg_class AS c LEFT JOIN pg_policy AS p ON p.polrelid = c.oid
WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
GROUP BY c.oid, c.relname
"""


async def rows_of(acquired: Any, table: str, column: str) -> list[UUID]:
    return [row[0] for row in await acquired.fetch(f"SELECT {column} FROM {table}")]


@pytest.mark.parametrize("schema", PACKAGES)
async def test_every_table_is_protected_or_has_a_reason_not_to_be(lab: Lab, schema: str) -> None:
    admin = await lab.connect()
    found = {row["table"]: row for row in await admin.fetch(POLICIES, schema)}
    await admin.close()
    assert found.keys() == OWNER_COLUMN[schema].keys() | UNPROTECTED[schema].keys() | {"outbox"}
    for table in OWNER_COLUMN[schema]:
        assert found[table]["forced"], table
        assert found[table]["both_clauses"], table
        assert found[table]["policies"] == ["all_customers", "own"], table
    for table in UNPROTECTED[schema]:
        assert not found[table]["has_customer"], f"{table} has a customer and no row security"
    assert found["outbox"]["forced"]


@pytest.mark.parametrize("schema", PACKAGES)
async def test_the_serving_role_owns_nothing_bypasses_nothing_and_inherits_nothing(
    lab: Lab, schema: str
) -> None:
    admin = await lab.connect()
    facts = await admin.fetchrow(
        "SELECT rolsuper OR rolbypassrls OR rolcreaterole AS mighty,"
        " (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owned,"
        " pg_has_role(rolname, $2, 'USAGE') AS inherits, pg_has_role(rolname, $2, 'MEMBER') AS may_turn_into"
        " FROM pg_roles AS r WHERE rolname = $1",
        schema,
        f"{schema}_jobs",
    )
    assert not await admin.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", f"{schema}_jobs")
    await admin.close()
    assert dict(facts) == {"mighty": False, "owned": 0, "inherits": False, "may_turn_into": True}


async def test_only_the_known_functions_look_past_row_security(lab: Lab) -> None:
    admin = await lab.connect()
    found = await admin.fetch(
        "SELECT proname, has_function_privilege('public', p.oid, 'EXECUTE') AS by_all FROM pg_proc AS p"
        " WHERE prosecdef AND pronamespace::regnamespace::text = ANY($1)",
        list(PACKAGES),
    )
    await admin.close()
    assert {row["proname"]: row["by_all"] for row in found} == dict.fromkeys(
        ("session_by_hash", "end_session", "user_by_email", "user_by_reset"), False
    )


@pytest.mark.parametrize(("schema", "table"), TABLES)
async def test_foreign_rows_cannot_be_read_changed_or_removed(
    pools: dict[str, Pool], ours: UUID, theirs: UUID, schema: str, table: str
) -> None:
    column = OWNER_COLUMN[schema][table]
    async with transaction(pools[schema], customer=ours) as acquired:
        assert await rows_of(acquired, table, column) == [ours]
        if table == "audit_log":  # nobody may
            return
        assert await acquired.execute(f"UPDATE {table} SET {column} = {column}") == "UPDATE 1"
        assert await acquired.execute(f"DELETE FROM {table} WHERE {column} = '{theirs}'") == "DELETE 0"


@pytest.mark.parametrize(("schema", "table"), TABLES)
async def test_no_row_can_be_added_for_or_given_to_another_customer(
    pools: dict[str, Pool], ours: UUID, theirs: UUID, schema: str, table: str
) -> None:
    column = OWNER_COLUMN[schema][table]
    copy = (
        f"INSERT INTO {table} OVERRIDING SYSTEM VALUE"
        f" SELECT * FROM jsonb_populate_record(NULL::{table}, $1::jsonb)"
    )
    async with across_customers(pools[schema]) as acquired:
        row = await acquired.fetchval(f"SELECT to_jsonb(t) FROM {table} AS t WHERE {column} = $1", theirs)
    for customer in (ours, None):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=REFUSED):
            async with transaction(pools[schema], customer=customer) as acquired:
                await acquired.execute(copy, row)
    if table != "audit_log":
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=REFUSED):
            async with transaction(pools[schema], customer=ours) as acquired:
                await acquired.execute(f"UPDATE {table} SET {column} = '{theirs}'")


@pytest.mark.parametrize(("schema", "table"), TABLES)
async def test_without_a_customer_there_are_no_rows(
    lab: Lab, pools: dict[str, Pool], ours: UUID, schema: str, table: str
) -> None:
    column = OWNER_COLUMN[schema][table]
    async with transaction(pools[schema]) as acquired:
        assert await rows_of(acquired, table, column) == []
    async with connection(pools[schema]) as acquired:
        assert await rows_of(acquired, table, column) == []
    bare = await lab.connect(schema)  # as anybody who has found the password
    assert await rows_of(bare, table, column) == []
    await bare.close()


@pytest.mark.parametrize("schema", PACKAGES)
async def test_events_are_added_by_the_serving_role_and_seen_by_the_relay_only(
    pools: dict[str, Pool], ours: UUID, schema: str
) -> None:
    add = "INSERT INTO outbox (event_id, stream, subject, body) VALUES (gen_random_uuid(), 's', 'x', '')"
    async with transaction(pools[schema], customer=ours) as acquired:
        assert await acquired.execute(add) == "INSERT 0 1"
        assert await acquired.fetch("SELECT * FROM outbox") == []
        assert await acquired.execute("UPDATE outbox SET sent_at = now()") == "UPDATE 0"
    async with across_customers(pools[schema]) as acquired:
        assert await acquired.fetchval("SELECT count(*) FROM outbox WHERE subject = 'x'") >= 1


@pytest.mark.parametrize("schema", PACKAGES)
async def test_what_a_transaction_saw_is_gone_with_it(
    pools: dict[str, Pool], ours: UUID, theirs: UUID, schema: str
) -> None:
    """Connections are handed on as they are: neither a customer nor the role of the jobs may stay behind."""
    pool, table = pools[schema], next(iter(OWNER_COLUMN[schema]))
    column = OWNER_COLUMN[schema][table]

    async def left_behind() -> list[UUID]:
        async with connection(pool) as one, connection(pool) as other:
            return await rows_of(one, table, column) + await rows_of(other, table, column)

    async def broken(customer: UUID | None) -> None:
        async with transaction(pool, customer=customer) if customer else across_customers(pool) as acquired:
            await acquired.fetch("SELECT 1/0")

    for customer in (ours, None):
        with pytest.raises(asyncpg.DivisionByZeroError):
            await broken(customer)
        assert await left_behind() == []
    async with across_customers(pool) as acquired:
        assert set(await rows_of(acquired, table, column)) >= {ours, theirs}
    async with transaction(pool, customer=theirs) as acquired:
        assert await rows_of(acquired, table, column) == [theirs]
    assert await left_behind() == []


@pytest.mark.parametrize("schema", PACKAGES)
async def test_a_use_case_that_is_cancelled_leaves_no_customer_behind(
    pools: dict[str, Pool], ours: UUID, schema: str
) -> None:
    pool = pools[schema]

    async def hang(started: asyncio.Event) -> None:
        async with transaction(pool, customer=ours) as acquired:
            started.set()
            await acquired.execute("SELECT pg_sleep(60)")

    for _ in range(3):
        started = asyncio.Event()
        task = asyncio.create_task(hang(started))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    async with connection(pool) as one, connection(pool) as other:
        for acquired in (one, other):
            assert await acquired.fetchval("SELECT current_setting('app.customer_id')") == ""


@pytest.mark.parametrize("schema", PACKAGES)
@pytest.mark.parametrize("other", PACKAGES)
@pytest.mark.parametrize("role", ["", "_jobs", "_owner"])
async def test_each_service_reads_and_writes_its_own_schema_only(
    lab: Lab, schema: str, other: str, role: str
) -> None:
    session = (
        await lab.connect(schema) if role != "_owner" else await asyncpg.connect(lab.url(f"{schema}_owner"))
    )
    try:
        if role == "_jobs":
            await session.execute(f"SET ROLE {schema}_jobs")
        if other == schema:
            await session.execute("SELECT count(*) FROM outbox")
            await session.execute(
                "INSERT INTO outbox (event_id, stream, subject, body)"
                " VALUES (gen_random_uuid(), 's', 'grants', '')"
            )
            return
        for statement in (f"SELECT * FROM {other}.outbox", f"DELETE FROM {other}.outbox"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await session.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await session.execute(f"SET ROLE {other}_jobs")
    finally:
        await session.close()

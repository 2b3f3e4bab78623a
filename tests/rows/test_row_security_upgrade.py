"""Row security comes to a database with data, under the load of code that has never heard of it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from rows_lab import OWNER_COLUMN, PACKAGES, Lab, make_lab_of_before

CreateDatabase = Callable[[], Awaitable[str]]


async def seen(session: Any, schema: str) -> list[UUID]:
    """Whose rows a session sees, in all tables."""
    columns = OWNER_COLUMN[schema].items()
    return [
        row[0] for table, column in columns for row in await session.fetch(f"SELECT {column} FROM {table}")
    ]


async def serve_as_before(session: Any, schema: str, done: asyncio.Event) -> int:
    """What old code does, again and again; returns how often. Anything refused is raised."""
    table, column = next(iter(OWNER_COLUMN[schema].items()))
    rounds = 0
    while not done.is_set():
        async with session.transaction():
            assert len(await session.fetch(f"SELECT {column} FROM {table} FOR UPDATE")) == 2
            await session.execute(f"UPDATE {table} SET {column} = {column}")
            await session.execute(
                "INSERT INTO outbox (event_id, stream, subject, body) VALUES (gen_random_uuid(), '', '', '')"
            )
            assert await session.execute("UPDATE outbox SET sent_at = now()") != "UPDATE 0"
        rounds += 1
    return rounds


@pytest.mark.parametrize("schema", PACKAGES)
async def test_old_code_serves_on_while_a_database_with_data_is_migrated(
    create_database: CreateDatabase, schema: str
) -> None:
    lab = await make_lab_of_before(await create_database(), schema)
    for _ in range(2):
        await lab.seed(schema, uuid4())
    old = await lab.connect(schema)
    done = asyncio.Event()
    serving = asyncio.create_task(serve_as_before(old, schema, done))
    await lab.provision(schema)
    await lab.migrate(schema)
    done.set()
    assert await serving > 0
    assert len(set(await seen(old, schema))) == 2
    await old.close()


@pytest.mark.parametrize("schema", PACKAGES)
async def test_new_code_is_held_to_its_customer_from_the_first_moment_and_old_code_after_a_day(
    create_database: CreateDatabase, schema: str
) -> None:
    lab = await make_lab_of_before(await create_database(), schema)
    theirs, ours = uuid4(), uuid4()
    for customer in (theirs, ours):
        await lab.seed(schema, customer)
    await lab.provision(schema)
    await lab.migrate(schema)
    old = await lab.connect(schema)
    new = await lab.connect(schema, **{"app.customer_id": ""})
    assert await seen(new, schema) == []
    await new.execute("SELECT set_config('app.customer_id', $1, false)", str(ours))
    assert set(await seen(new, schema)) == {ours}
    assert set(await seen(old, schema)) == {ours, theirs}
    await let_a_day_go_by(lab, schema)
    assert await seen(old, schema) == []
    for session in (old, new):
        await session.close()


async def test_a_migration_without_the_role_of_the_jobs_says_what_to_run_first(
    create_database: CreateDatabase,
) -> None:
    schema = f"alone_{uuid4().hex[:8]}"
    lab = await make_lab_of_before(await create_database(), schema, package="meta_auth")
    admin = await lab.connect()
    await admin.execute(f"DROP ROLE {schema}_jobs")
    await admin.close()
    with pytest.raises(RuntimeError, match="run `provision` of this version before `migrate`"):
        await lab.migrate(schema, package="meta_auth")
    await lab.provision(schema)
    await lab.migrate(schema, package="meta_auth", revision="0003")


async def let_a_day_go_by(lab: Lab, schema: str) -> None:
    """Move the end of the grace for old code into the past."""
    owner = await asyncpg.connect(lab.url(f"{schema}_owner"))
    policies = await owner.fetch(
        "SELECT polrelid::regclass::text AS table, pg_get_expr(polqual, polrelid) AS condition"
        " FROM pg_policy WHERE polname = 'old_code'"
    )
    assert len(policies) == len(OWNER_COLUMN[schema]) + 1
    for policy in policies:
        past, replaced = re.subn("< '[^']+'", "< '2026-01-01'", policy["condition"])
        assert replaced == 1
        await owner.execute(f"ALTER POLICY old_code ON {policy['table']} USING ({past}) WITH CHECK ({past})")
    await owner.close()

"""The database: migrations lead to the tables, roles may do no more than they need."""

from importlib.resources import files
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from gateway_harness import Database, Person
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.database import Connection
from gateway.context import Schema
from gateway.store.housekeeping import KEEP
from gateway.tables import metadata


def test_the_code_knows_its_migrations_as_alembic_does() -> None:
    scripts = ScriptDirectory(str(files("gateway") / "migrations"))
    known = frozenset(script.revision for script in scripts.walk_revisions())
    assert Schema.of_this_code() == Schema(head=scripts.get_current_head() or "", known=known)


async def test_the_migrations_lead_to_exactly_the_declared_tables(database: Database) -> None:
    engine = create_async_engine(database.owner_url.replace("postgresql://", "postgresql+asyncpg://"))

    def differences(connection: Any) -> list[Any]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with engine.connect() as connection:
        found = await connection.run_sync(differences)
    await engine.dispose()
    # Alembic's own table is the one thing that is not ours.
    assert [change for change in found if getattr(change[1], "name", "") != "alembic_version"] == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "ALTER TABLE users ADD COLUMN x int",
        "DROP TABLE sessions",
        "TRUNCATE users",
        "UPDATE audit_log SET result = 'ok'",
        "DELETE FROM audit_log",
    ],
)
async def test_the_serving_role_cannot_change_the_schema_or_the_audit_log(
    database: Database, person: Person, statement: str
) -> None:
    connection = await asyncpg.connect(database.serving_url)
    try:
        # The right is missing. That triggers would refuse as well is for others to show.
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_the_database_itself_refuses_a_second_open_run(person: Person, admin: Connection) -> None:
    run = await person.publish()
    copy = (
        "INSERT INTO ad_runs (id, customer_id, job_id, job_type, trigger, status, ring_at)"
        " SELECT gen_random_uuid(), customer_id, job_id, job_type, trigger, 'running', ring_at"
        " FROM ad_runs WHERE id = $1"
    )
    with pytest.raises(asyncpg.UniqueViolationError, match="ad_runs_one_open"):
        await admin.execute(copy, run.run_id)


async def test_old_rows_are_removed_and_others_stay(person: Person, admin: Connection) -> None:
    run = await person.publish()
    await admin.execute(
        "UPDATE outbox SET sent_at = now() - interval '30 days' WHERE subject = $1", str(run.run_id)
    )
    for statement, age in KEEP.items():
        await admin.execute(statement, age)
    assert await admin.fetchval("SELECT count(*) FROM outbox WHERE subject = $1", str(run.run_id)) == 1
    assert (await person.http.get("/ads/status")).status_code == 200


async def test_newest_runs_are_read_from_the_index_however_many_there_are(
    person: Person, admin: Connection
) -> None:
    await admin.execute(
        "INSERT INTO ad_runs (id, customer_id, job_id, job_type, trigger, status, ring_at, created_at)"
        " SELECT gen_random_uuid(), $1, gen_random_uuid(), 'publish', 'manual', 'success', now(),"
        " now() - n * interval '1 s' FROM generate_series(1, 20000) AS n",
        person.me["customerId"],
    )
    await admin.execute("ANALYZE ad_runs")
    plan = await admin.fetch(
        "EXPLAIN SELECT * FROM ad_runs WHERE customer_id = $1 ORDER BY created_at DESC, id DESC LIMIT 10",
        person.me["customerId"],
    )
    assert "ad_runs_newest" in "\n".join(row[0] for row in plan)
    assert len((await person.get("/ads/status"))["lastRuns"]) == 10

"""The migrations and the tables say the same, and the serving role cannot change either."""

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from meta_auth_harness import Database
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

from meta_auth.tables import metadata


async def test_the_migrated_schema_is_the_one_in_the_tables(migrated: Database) -> None:
    engine = create_async_engine(
        migrated.owner_url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=pool.NullPool
    )

    def differences(sync: SyncConnection) -> list[object]:
        context = MigrationContext.configure(
            sync,
            opts={"compare_type": True, "include_name": lambda name, *_: name != "alembic_version"},
        )
        return list(compare_metadata(context, metadata))

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_the_serving_role_cannot_change_the_schema(migrated: Database) -> None:
    connection = await asyncpg.connect(migrated.serving_url)
    for statement in ("CREATE TABLE mine (id int)", "DROP TABLE outbox", "ALTER TABLE outbox ADD x int"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    await connection.close()


async def test_a_connected_row_without_a_token_cannot_be_stored(migrated: Database) -> None:
    connection = await asyncpg.connect(migrated.owner_url)
    with pytest.raises(asyncpg.CheckViolationError, match="meta_connections_token_check"):
        await connection.execute(
            "INSERT INTO meta_connections (id, customer_id, version, token_version, status, is_placeholder)"
            " VALUES (gen_random_uuid(), gen_random_uuid(), 1, 1, 'connected', false)"
        )
    await connection.close()

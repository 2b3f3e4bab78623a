"""The migrations and the tables say the same."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from ads_publisher.tables import metadata


async def test_the_migrated_schema_is_the_one_of_the_tables(migrated_url: str) -> None:
    engine = create_async_engine(
        migrated_url.replace("postgresql://", "postgresql+asyncpg://", 1),
        poolclass=pool.NullPool,
        connect_args={"server_settings": {"search_path": "ads_publisher"}},
    )

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection)
        return [
            change for change in compare_metadata(context, metadata) if "alembic_version" not in repr(change)
        ]

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()

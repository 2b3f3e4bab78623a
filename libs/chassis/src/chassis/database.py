"""Postgres: one asyncpg pool per process, one transaction per use case, Alembic for the schema."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import MetaData, pool
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.errors import Unavailable

if TYPE_CHECKING:  # asyncpg's classes are generic for the type checker only
    Connection = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

ACQUIRE_TIMEOUT_SECONDS = 3.0
"""A request waits no longer for a free connection; then it is told to come back."""
STATEMENT_TIMEOUT_SECONDS = 10.0
LOST_CONNECTION = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    # "Another operation is in progress": a pooled connection heard the server's farewell, not yet its end.
    asyncpg.InternalClientError,
    asyncpg.TooManyConnectionsError,
    OSError,
    TimeoutError,
)
"""What asyncpg raises when Postgres is away or has just gone; all of it heals by itself."""


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=json.dumps, decoder=json.loads, format="text"
        )


async def create_pool(url: str, *, name: str, size: int = 10) -> Pool:
    """Open the pool of a service. `name` shows in `pg_stat_activity`."""
    created: Pool = await asyncpg.create_pool(
        url,
        min_size=2,
        max_size=size,
        init=_prepare,
        timeout=ACQUIRE_TIMEOUT_SECONDS,
        command_timeout=STATEMENT_TIMEOUT_SECONDS,
        server_settings={"application_name": name},
    )
    return created


@asynccontextmanager
async def transaction(database: Pool) -> AsyncIterator[Connection]:
    """One transaction on one connection.

    Raises:
        Unavailable: Postgres does not answer. What was written in the block may or may not be committed
            when the link was lost at the commit itself; every caller is safe to be repeated.
    """
    try:
        async with (
            database.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection,
            connection.transaction(),
        ):
            yield connection
    except LOST_CONNECTION as exc:
        raise Unavailable("The database does not answer. Try again in a moment.") from exc


@asynccontextmanager
async def connection(database: Pool) -> AsyncIterator[Connection]:
    """One connection without a transaction: for a single statement.

    Raises:
        Unavailable: Postgres does not answer.
    """
    try:
        async with database.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as acquired:
            yield acquired
    except LOST_CONNECTION as exc:
        raise Unavailable("The database does not answer. Try again in a moment.") from exc


async def is_alive(database: Pool) -> bool:
    """True when Postgres answers a statement within a second."""
    try:
        async with database.acquire(timeout=1.0) as acquired:
            await acquired.fetchval("SELECT 1", timeout=1.0)
    except (*LOST_CONNECTION, asyncpg.PostgresError):
        return False
    return True


def migrate(url: str, *, package: str) -> None:
    """Bring the schema of a service up to date with the migrations in `<package>.migrations`."""
    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    config.attributes["url"] = url
    command.upgrade(config, "head")


async def run_migrations(metadata: MetaData) -> None:
    """Body of every `migrations/env.py`: run on the connection of the owner role."""
    url: str = context.config.attributes["url"]
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=pool.NullPool
    )

    def run(sync: SyncConnection) -> None:
        context.configure(connection=sync, target_metadata=metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()

    async with engine.connect() as acquired:
        await acquired.run_sync(run)
        await acquired.commit()
    await engine.dispose()


def affected(status: str) -> int:
    """Number of rows that a command changed, from asyncpg's status text such as `UPDATE 3`."""
    return int(status.rsplit(" ", 1)[-1])

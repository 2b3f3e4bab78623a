"""Postgres: one asyncpg pool per process, one transaction per use case, Alembic for the schema.

Rows belong to customers, and Postgres itself sees to it: a transaction sees those of its customer only.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg
from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import MetaData, pool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.errors import Unavailable
from chassis.telemetry import get_logger

if TYPE_CHECKING:  # asyncpg's classes are generic for the type checker only
    Connection = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

ACQUIRE_TIMEOUT_SECONDS = 3.0
"""A request waits no longer for a free connection; then it is told to come back."""
STATEMENT_TIMEOUT_SECONDS = 10.0
MIGRATION_LOCK_SECONDS = 2.0
"""Requests of the running code wait behind a migration that waits: so long they can, and nobody notices."""
MIGRATION_RETRY_SECONDS = 1.0
MIGRATION_TRIES = 60
_LOCK_NOT_AVAILABLE = "55P03"
NO_CUSTOMER: Final = {"app.customer_id": ""}
"""What a session begins with: nobody's rows. Sessions of code from before row security lack it."""
JOBS_SUFFIX: Final = "_jobs"
"""Ends the name of the role that sees the rows of all customers; the serving role may turn into it."""
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

_log = get_logger(__name__)


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
        server_settings={"application_name": name, **NO_CUSTOMER},
        reset=_leave_as_it_is,
    )
    return created


async def _leave_as_it_is(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    # asyncpg's own reset is a round trip after each use. It has ended an open transaction before it comes
    # here, and nothing that ours do to a session outlives one.
    pass


@asynccontextmanager
async def transaction(database: Pool, *, customer: UUID | None = None) -> AsyncIterator[Connection]:
    """One transaction on one connection. It sees and writes the rows of `customer` only, else of nobody.

    Raises:
        Unavailable: Postgres does not answer. What was written in the block may or may not be committed
            when the link was lost at the commit itself; every caller is safe to be repeated.
    """
    async with _begun(database, f"BEGIN; {_act_for(customer)}" if customer else "BEGIN") as begun:
        yield begun


async def act_for(connection: Connection, customer: UUID) -> None:
    """See the rows of this customer from here on in the open transaction, which has just learnt who it is."""
    await connection.execute(_act_for(customer))


def _act_for(customer: UUID) -> str:
    # Without a parameter, so that it may share a round trip; only a UUID has `hex` as a text of 32 digits.
    return f"SELECT set_config('app.customer_id', '{customer.hex}', true)"


@asynccontextmanager
async def across_customers(database: Pool) -> AsyncIterator[Connection]:
    """One transaction that sees the rows of all customers: for jobs that belong to none, and for operators.

    Raises:
        Unavailable: as `transaction`.
    """
    async with _begun(database, f"BEGIN; {_act_for_all(local=True)}") as begun:
        yield begun


@asynccontextmanager
async def _begun(database: Pool, begin: str) -> AsyncIterator[Connection]:
    try:
        async with database.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as acquired:
            # In one round trip, which asyncpg's own transactions would need two for.
            await acquired.execute(begin)
            try:
                yield acquired
            except BaseException:
                await acquired.execute("ROLLBACK")
                raise
            await acquired.execute("COMMIT")
    except LOST_CONNECTION as exc:
        raise Unavailable("The database does not answer. Try again in a moment.") from exc


@asynccontextmanager
async def seeing_all_customers(connection: Connection) -> AsyncIterator[None]:
    """See the rows of all customers within this block of an open transaction."""
    await connection.execute(_act_for_all(local=True))
    yield
    # An error ends the transaction, and the role with it.
    await connection.execute("SELECT set_config('role', 'none', true)")


async def see_all_customers(connection: Connection) -> None:
    """Like `across_customers`, for the whole session of a connection outside of the pool."""
    await connection.execute(_act_for_all(local=False))


def _act_for_all(*, local: bool) -> str:
    return f"SELECT set_config('role', session_user || '{JOBS_SUFFIX}', {local})"


@asynccontextmanager
async def connection(database: Pool) -> AsyncIterator[Connection]:
    """One connection without a transaction: for a single statement about nobody's rows.

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
    """Bring the schema of a service up to date with `<package>.migrations`, while it is in use.

    A change of a table waits for its lock no longer than `MIGRATION_LOCK_SECONDS`, since everybody else
    queues behind the one who waits; then it stands back and tries again. What is done stays done.

    Raises:
        sqlalchemy.exc.DBAPIError: a migration failed, or met a lock in each of `MIGRATION_TRIES` tries.
    """
    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    config.attributes["url"] = url
    for tries in range(1, MIGRATION_TRIES + 1):
        try:
            command.upgrade(config, "head")
        except DBAPIError as exc:
            if getattr(exc.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE or tries == MIGRATION_TRIES:
                raise
            _log.warning("migration_waits_for_lock", package=package, tries=tries)
            time.sleep(MIGRATION_RETRY_SECONDS)
        else:
            return


async def run_migrations(metadata: MetaData) -> None:
    """Body of every `migrations/env.py`: run on the connection of the owner role."""
    url: str = context.config.attributes["url"]

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        # Not SQLAlchemy's own: it reads addresses otherwise, and stops at `?sslmode=require`.
        return await asyncpg.connect(
            url, server_settings={"lock_timeout": f"{MIGRATION_LOCK_SECONDS * 1000:.0f}"}
        )

    engine = create_async_engine("postgresql+asyncpg://", poolclass=pool.NullPool, async_creator=connect)

    def run(sync: SyncConnection) -> None:
        # One at a time: the second of two that were started together finds nothing left to do.
        _ = sync.exec_driver_sql("SELECT pg_advisory_lock(hashtext('migrate'), hashtext(current_schema()))")
        sync.commit()
        context.configure(connection=sync, target_metadata=metadata, transaction_per_migration=True)
        # Of the first try, when this is another: see `chassis.row_security`.
        is_new = context.get_context().get_current_revision() is None
        _ = context.config.attributes.setdefault("is_new", is_new)
        with context.begin_transaction():
            context.run_migrations()

    async with engine.connect() as acquired:
        await acquired.run_sync(run)
        await acquired.commit()
    await engine.dispose()


def affected(status: str) -> int:
    """Number of rows that a command changed, from asyncpg's status text such as `UPDATE 3`."""
    return int(status.rsplit(" ", 1)[-1])

"""Postgres: one asyncpg pool per process, one transaction per use case.

Rows belong to customers, and Postgres itself sees to it: a transaction sees those of its customer only.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Final, Self
from uuid import UUID

import asyncpg

from chassis.errors import Unavailable
from chassis.telemetry import get_logger

if TYPE_CHECKING:  # asyncpg's classes are generic for the type checker only
    Connection = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    AsyncpgPool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection

ACQUIRE_TIMEOUT_SECONDS = 3.0
"""A request waits no longer for a free connection; then it is told to come back."""
STATEMENT_TIMEOUT_SECONDS = 10.0
SILENT_SECONDS: Final = 10.0
"""A transaction that says nothing for this long is ended by Postgres. A frozen process, or one behind a cut
link, would keep its rows locked: whoever took its work over would wait until it woke."""
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
_to_notify: Final[dict[Connection, set[str]]] = {}
"""What to say when the open transaction of a connection is committed."""


class Pool:
    """Hands out its connections in the order in which they were asked for.

    asyncpg's own gives what a waiter was woken for to whoever comes by before it runs, and puts the waiter
    behind all others: with 100 tasks on ten connections some waited seven times as long, and gave up.
    """

    def __init__(self, pool: "AsyncpgPool", *, size: int) -> None:
        self._pool = pool
        self._turns = asyncio.Semaphore(size)

    @asynccontextmanager
    async def acquire(self, *, seconds: float = ACQUIRE_TIMEOUT_SECONDS) -> AsyncIterator[Connection]:
        """Lend a connection.

        Raises:
            TimeoutError: none was free in so many seconds, or a new one could not be made.
        """
        if self._turns.locked():
            async with asyncio.timeout(seconds):
                await self._turns.acquire()
        else:
            await self._turns.acquire()  # at once
        try:
            # Whose turn it is has a connection at once, or makes one, which has its own time limit.
            async with self._pool.acquire() as acquired:
                yield acquired
        finally:
            self._turns.release()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Wait for the connections that are lent, and close."""
        await self._pool.close()

    def terminate(self) -> None:
        """Close without waiting."""
        self._pool.terminate()


async def _prepare(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, schema="pg_catalog", encoder=json.dumps, decoder=json.loads, format="text"
        )


async def create_pool(url: str, *, name: str, size: int = 10, silent_seconds: float = SILENT_SECONDS) -> Pool:
    """Open the pool of a service. `name` shows in `pg_stat_activity`.

    With `silent_seconds` 0 a transaction may be silent for ever: for commands whose output somebody reads.
    """
    created: AsyncpgPool = await asyncpg.create_pool(
        url,
        min_size=2,
        max_size=size,
        init=_prepare,
        timeout=ACQUIRE_TIMEOUT_SECONDS,
        command_timeout=STATEMENT_TIMEOUT_SECONDS,
        server_settings={
            "application_name": name,
            "idle_in_transaction_session_timeout": f"{silent_seconds * 1000:.0f}",
            **NO_CUSTOMER,
        },
        reset=_leave_as_it_is,
    )
    return Pool(created, size=size)


async def _leave_as_it_is(_: "asyncpg.Connection[asyncpg.Record]") -> None:
    # asyncpg's own reset is a round trip after each use. It has ended an open transaction before it comes
    # here, and nothing that ours do to a session outlives one.
    pass


@asynccontextmanager
async def transaction(
    database: Pool, *, customer: UUID | None = None, begin: str | None = None
) -> AsyncIterator[Connection]:
    """One transaction on one connection. It sees and writes the rows of `customer` only, else of nobody.

    `begin` is a first statement, without parameters, which costs no round trip of its own.

    Raises:
        Unavailable: Postgres does not answer. What was written in the block may or may not be committed
            when the link was lost at the commit itself; every caller is safe to be repeated.
    """
    first = ["BEGIN", _act_for(customer) if customer else None, begin]
    async with _begun(database, "; ".join(filter(None, first))) as begun:
        yield begun


async def act_for(connection: Connection, customer: UUID) -> None:
    """See the rows of this customer from here on in the open transaction, which has just learnt who it is."""
    await connection.execute(_act_for(customer))


def _act_for(customer: UUID) -> str:
    # Without a parameter, so that it may share a round trip; only a UUID has `hex` as a text of 32 digits.
    return f"SELECT set_config('app.customer_id', '{customer.hex}', true)"


@asynccontextmanager
async def across_customers(database: Pool, *, begin: str | None = None) -> AsyncIterator[Connection]:
    """One transaction that sees the rows of all customers: for jobs that belong to none, and for operators.

    `begin` as in `transaction`.

    Raises:
        Unavailable: as `transaction`.
    """
    first = ["BEGIN", _act_for_all(local=True), begin]
    async with _begun(database, "; ".join(filter(None, first))) as begun:
        yield begun


def transaction_of(
    database: Pool, customers: Iterable[UUID], *, begin: str | None = None
) -> AbstractAsyncContextManager[Connection]:
    """One transaction about rows of these customers: of one alone if there is one, else `across_customers`.

    What several have written together is bound to each by the statements' own conditions.
    """
    one, *more = set(customers)
    if more:
        return across_customers(database, begin=begin)
    return transaction(database, customer=one, begin=begin)


def text_for(statement: str, customers: Iterable[UUID]) -> str:
    """A statement as it is sent within `transaction_of` these customers.

    To Postgres it is another one for the role that sees all: a plan is good for one role only, and would be
    made anew whenever that changes.
    """
    return statement if len(set(customers)) == 1 else f"/* all customers */ {statement}"


@asynccontextmanager
async def _begun(database: Pool, begin: str) -> AsyncIterator[Connection]:
    try:
        async with database.acquire() as acquired:
            # In one round trip, which asyncpg's own transactions would need two for.
            await acquired.execute(begin)
            notices = _to_notify[acquired] = set()
            try:
                yield acquired
            except BaseException:
                await acquired.execute("ROLLBACK")
                raise
            finally:
                del _to_notify[acquired]
            await acquired.execute("; ".join(["COMMIT", *notices]))
    except LOST_CONNECTION as exc:
        raise Unavailable("The database does not answer. Try again in a moment.") from exc


def notify_at_commit(connection: Connection, channel: str, about: UUID | None = None) -> None:
    """Wake who listens to `<channel>_<schema>` once the open transaction, one of this module's, is committed.

    With the commit, in one round trip, and not in the transaction: Postgres lets those that notify commit
    only one after the other, each with its own fsync. When Postgres dies between the two, listeners are cut
    off, and look for themselves when they are back.
    """
    payload = about or ""
    _to_notify[connection].add(f"SELECT pg_notify('{channel}_' || current_schema(), '{payload}')")


@asynccontextmanager
async def seeing_all_customers(connection: Connection) -> AsyncIterator[None]:
    """See the rows of all customers within this block of an open transaction."""
    before = await connection.fetchval("SELECT current_setting('role')")
    await connection.execute(_act_for_all(local=True))
    yield
    # An error ends the transaction, and the role with it.
    await connection.execute("SELECT set_config('role', $1, true)", before)


async def see_all_customers(connection: Connection) -> None:
    """Like `across_customers`, for the whole session of a connection outside of the pool."""
    await connection.execute(_act_for_all(local=False))


def _act_for_all(*, local: bool) -> str:
    return f"SELECT set_config('role', session_user || '{JOBS_SUFFIX}', {local})"


@asynccontextmanager
async def connection(database: Pool) -> AsyncIterator[Connection]:
    """One connection without a transaction, for a single statement about nobody's rows.

    Or for one that calls a function which says itself whose they are.

    Raises:
        Unavailable: Postgres does not answer.
    """
    try:
        async with database.acquire() as acquired:
            yield acquired
    except LOST_CONNECTION as exc:
        raise Unavailable("The database does not answer. Try again in a moment.") from exc


async def is_alive(database: Pool) -> bool:
    """True when Postgres answers a statement within a second."""
    try:
        async with database.acquire(seconds=1.0) as acquired:
            await acquired.fetchval("SELECT 1", timeout=1.0)
    except (*LOST_CONNECTION, asyncpg.PostgresError):
        return False
    return True


def affected(status: str) -> int:
    """Number of rows that a command changed, from asyncpg's status text such as `UPDATE 3`."""
    return int(status.rsplit(" ", 1)[-1])

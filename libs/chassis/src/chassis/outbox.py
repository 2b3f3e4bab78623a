"""The transactional outbox and its relay.

An event is a row written in the transaction of the change that it tells of. The relay sends rows to
their Redis stream and marks them. It may send twice (every consumer has an inbox), it never loses.
"""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, MetaData, Table, Text, Uuid, func

from chassis.database import LOST_CONNECTION, STATEMENT_TIMEOUT_SECONDS, Connection
from chassis.failpoints import failpoint
from chassis.periodic import leave_if_cancelled
from chassis.telemetry import get_logger
from contracts.events import AnyEvent

NOTIFY_CHANNEL: Final = "outbox"
BATCH: Final = 500
"""Rows per round trip to Redis: 500 took 31 ms where it was measured."""
POLL_SECONDS: Final = 5.0
"""The relay is woken by NOTIFY; the poll only covers a notification lost with its connection."""
LOCK_POLL_SECONDS: Final = 2.0
"""How soon a standby relay takes over after the active one's connection has gone."""
SILENT_SECONDS: Final = 10.0
"""Postgres ends the session of a relay that is silent for this long, and with it the lock. A frozen process,
or one behind a cut link, would keep both: nobody else could relay until it woke. Twice `POLL_SECONDS`."""
RETRY_SECONDS: Final = 0.2
"""First wait after a lost connection, doubled up to `LONGEST_RETRY_SECONDS`."""
LONGEST_RETRY_SECONDS: Final = 2.0
TIDY_SECONDS: Final = 3600.0
KEEP_SENT: Final = timedelta(days=7)
"""How long a sent event may still be asked for; a run is over in less."""
STREAM_FIELD: Final = "__data__"
"""The one field of a FastStream entry."""

_log = get_logger(__name__)


def outbox_table(metadata: MetaData) -> Table:
    """Declare the outbox in a service's schema."""
    table = Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid, nullable=False),
        Column("stream", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("sent_at", DateTime(timezone=True)),
    )
    Index("outbox_unsent", table.c.id, postgresql_where=table.c.sent_at.is_(None))
    Index("outbox_subject", table.c.subject)
    return table


async def add_event(connection: Connection, stream: str, event: AnyEvent) -> None:
    """Put an event into the outbox, in the caller's transaction; the relay is woken at commit."""
    await connection.execute(
        # pg_notify in the same statement: no insert can forget it. The channel carries the schema, since
        # channels are shared by the whole database.
        "WITH added AS (INSERT INTO outbox (event_id, stream, subject, body) VALUES ($1, $2, $3, $4))"
        " SELECT pg_notify($5 || '_' || current_schema(), '')",
        event.id,
        stream,
        event.subject,
        event.to_json(),
        NOTIFY_CHANNEL,
    )


async def send_again(connection: Connection, subject: str | UUID) -> None:
    """Mark all events about `subject` as unsent: someone has lost them. Consumers drop what they know."""
    await connection.execute(
        "WITH again AS (UPDATE outbox SET sent_at = NULL WHERE subject = $1 AND sent_at IS NOT NULL)"
        " SELECT pg_notify($2 || '_' || current_schema(), '')",
        str(subject),
        NOTIFY_CHANNEL,
    )


async def remove_old_rows(connection: Connection) -> None:
    """Delete events that were sent long ago; nobody asks for them again."""
    await connection.execute("DELETE FROM outbox WHERE sent_at < now() - $1::interval", KEEP_SENT)


class Relay:
    """Moves outbox rows to Redis. One relay per schema is active, chosen by an advisory lock.

    Order within a stream is the order of the rows, since there is one active relay. The lock lives
    as long as the relay's own database connection, so a dead process frees it at once.
    """

    def __init__(self, *, database_url: str, redis: Redis) -> None:
        self._database_url = database_url
        self._redis = redis
        self._wake = asyncio.Event()
        self._pause = RETRY_SECONDS
        self._tidy_at = time.monotonic()
        self.active = False

    async def run(self) -> None:
        """Run until cancelled; a lost database or Redis is waited for, at most 2 s at a time."""
        while True:
            try:
                await self._run_on_connection()
            except (*LOST_CONNECTION, asyncpg.PostgresError, RedisError) as exc:
                _log.warning("relay_interrupted", error=type(exc).__name__, retry_seconds=self._pause)
                await asyncio.sleep(self._pause)
                self._pause = min(self._pause * 2, LONGEST_RETRY_SECONDS)

    async def _run_on_connection(self) -> None:
        connection = await asyncpg.connect(
            self._database_url,
            timeout=3.0,
            command_timeout=STATEMENT_TIMEOUT_SECONDS,
            server_settings={
                "application_name": "relay",
                "idle_session_timeout": f"{SILENT_SECONDS * 1000:.0f}",
            },
        )
        # A lost connection takes its notifications along: look at once, not at the next poll.
        connection.add_termination_listener(self._on_notify)
        try:
            await self._become_active(connection)
            schema = await connection.fetchval("SELECT current_schema()")
            await connection.add_listener(f"{NOTIFY_CHANNEL}_{schema}", self._on_notify)
            while True:
                self._wake.clear()
                while await self.relay_batch(connection):
                    leave_if_cancelled()
                self._pause = RETRY_SECONDS
                await self._tidy(connection)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()
                if connection.is_closed():
                    raise asyncpg.InterfaceError("the relay's connection was closed")
        finally:
            self.active = False
            # A broken link cannot say goodbye; waiting for it would keep the lock from the next attempt.
            connection.terminate()

    async def _tidy(self, connection: Connection) -> None:
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + TIDY_SECONDS
            await remove_old_rows(connection)

    async def _become_active(self, connection: Connection) -> None:
        claim = "SELECT pg_try_advisory_lock(hashtext('outbox_relay'), hashtext(current_schema()))"
        while not await connection.fetchval(claim):  # noqa: ASYNC110 - the event is in Postgres
            await asyncio.sleep(LOCK_POLL_SECONDS)  # Postgres has no notification for a freed lock
        self.active = True

    def _on_notify(self, *_: object) -> None:
        self._wake.set()

    async def relay_batch(self, connection: Connection) -> int:
        """Send one batch of rows; returns how many there were."""
        rows = await connection.fetch(
            "SELECT id, stream, body FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT $1", BATCH
        )
        if not rows:
            return 0
        await failpoint("relay.before_xadd")
        async with self._redis.pipeline(transaction=False) as pipeline:
            for row in rows:
                _ = pipeline.xadd(row["stream"], {STREAM_FIELD: row["body"]})
            await pipeline.execute()
        # Dying here sends these rows again: that is the promise, not a fault.
        await failpoint("relay.after_xadd")
        await connection.execute(
            "UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])", [row["id"] for row in rows]
        )
        await failpoint("relay.after_mark")
        return len(rows)

"""The transactional outbox and its relay.

An event is a row written in the transaction of the change that it tells of. The relay sends rows to
their Redis stream and marks them. It may send twice (every consumer has an inbox), it never loses.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg
from opentelemetry.trace import Span, SpanKind
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chassis.database import (
    LOST_CONNECTION,
    SILENT_SECONDS,
    STATEMENT_TIMEOUT_SECONDS,
    Connection,
    Pool,
    across_customers,
    notify_at_commit,
    see_all_customers,
)
from chassis.failpoints import failpoint
from chassis.metrics import COUNT_LIMIT, Reading, meter
from chassis.periodic import leave_if_cancelled
from chassis.telemetry import begin_span, get_logger, mark_failed, traceparent_of
from contracts.events import AnyEvent

NOTIFY_CHANNEL: Final = "outbox"
BATCH: Final = 500
"""Rows that are read and marked at once."""
AT_ONCE: Final = 50
"""Rows per round trip to Redis: nothing else runs while they are put together, about 3 ms."""
POLL_SECONDS: Final = 5.0
"""The relay is woken by NOTIFY; the poll only covers a notification lost with its connection."""
LOCK_POLL_SECONDS: Final = 2.0
"""How soon a standby relay takes over after the active one's connection has gone."""
RETRY_SECONDS: Final = 0.2
"""First wait after a lost connection, doubled up to `LONGEST_RETRY_SECONDS`."""
LONGEST_RETRY_SECONDS: Final = 2.0
TIDY_SECONDS: Final = 3600.0
KEEP_SENT: Final = timedelta(days=7)
"""How long a sent event may still be asked for; a run is over in less."""
STREAM_FIELD: Final = "__data__"
"""The one field of an entry, which holds its JSON."""
_TRACEPARENT: Final = re.compile(r'"traceparent":"(00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})"')
"""In an envelope; a text of a user's that looks alike comes later, and with its quotes escaped."""

_log = get_logger(__name__)
_sent = meter.create_counter(
    "autoads.relay.sent", unit="{event}", description="Events that were sent to a stream"
)


async def add_event(connection: Connection, stream: str, event: AnyEvent) -> None:
    """Put an event into the outbox, in the caller's transaction; the relay is woken at commit."""
    await connection.execute(
        "INSERT INTO outbox (event_id, stream, subject, body) VALUES ($1, $2, $3, $4)",
        event.id,
        stream,
        event.subject,
        event.to_json(),
    )
    wake_relay(connection)


def wake_relay(connection: Connection) -> None:
    """Have the relay look into the outbox once the open transaction is committed."""
    notify_at_commit(connection, NOTIFY_CHANNEL)


async def send_again(connection: Connection, subject: str | UUID) -> None:
    """Mark all events about `subject` as unsent: someone has lost them. Consumers drop what they know.

    Only `across_customers` sees events; elsewhere this does nothing.
    """
    await connection.execute(
        "UPDATE outbox SET sent_at = NULL WHERE subject = $1 AND sent_at IS NOT NULL", str(subject)
    )
    wake_relay(connection)


async def remove_old_rows(connection: Connection) -> None:
    """Delete events that were sent long ago; nobody asks for them again."""
    await connection.execute("DELETE FROM outbox WHERE sent_at < now() - $1::interval", KEEP_SENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayLag:
    """Events that wait for their stream, at most `COUNT_LIMIT`, and the age of the oldest."""

    unsent: int
    oldest_seconds: float | None


async def relay_lag(connection: Connection) -> RelayLag:
    """How far the relay is behind. The index outbox_unsent keeps it cheap, whatever was sent before."""
    row = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM (SELECT FROM outbox WHERE sent_at IS NULL LIMIT $1) AS u) AS unsent,
               (SELECT extract(epoch FROM now() - created_at)::float8 FROM outbox
                WHERE sent_at IS NULL ORDER BY id LIMIT 1) AS oldest_seconds
        """,
        COUNT_LIMIT,
    )
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return RelayLag(**dict(row))


RELAY_GAUGES: Final = {
    "autoads.relay.active": ("{process}", "1 in the process that relays the outbox of its service"),
    "autoads.relay.unsent": ("{event}", "Events that are not in their stream yet"),
    "autoads.relay.oldest_unsent": ("s", "Age of the oldest of them"),
}


_END_SILENT: Final = f"""
SELECT pg_terminate_backend(holder.pid) FROM pg_locks AS held JOIN pg_stat_activity AS holder USING (pid)
WHERE held.locktype = 'advisory' AND held.granted AND holder.datname = current_database()
  AND held.classid::bigint = hashtext('outbox_relay')::bigint & x'ffffffff'::bigint
  AND held.objid::bigint = hashtext(current_schema())::bigint & x'ffffffff'::bigint
  AND holder.wait_event = 'ClientRead'
  AND holder.state_change < now() - interval '{SILENT_SECONDS} seconds'
"""
"""Ends the session of an active relay that says nothing, though it polls: a frozen process, or one behind a
cut link, would keep the lock until it woke. Postgres' own `idle_session_timeout` does not count the time in
which a session waits for the second half of a statement, as when its client was frozen while preparing it."""


class _Sending:
    """One event on its way: the span of that, and the body that names this span as what it comes from."""

    def __init__(self, row: asyncpg.Record) -> None:
        body: str = row["body"]
        found = _TRACEPARENT.search(body)
        self.stream: str = row["stream"]
        self.span: Span = begin_span(
            f"send {self.stream}",
            kind=SpanKind.PRODUCER,
            traceparent=found[1] if found else None,
            attributes={
                "messaging.system": "redis",
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "messaging.destination.name": self.stream,
                "messaging.message.id": str(row["event_id"]),
                "cloudevents.event_subject": row["subject"],
            },
        )
        traceparent = traceparent_of(self.span)
        if found and traceparent:
            body = body[: found.start(1)] + traceparent + body[found.end(1) :]
        self.body = body

    def end(self, error: BaseException | None) -> None:
        if error:
            mark_failed(self.span, type(error).__name__)
        else:
            _sent.add(1, {"stream": self.stream})
        self.span.end()


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
            server_settings={"application_name": "relay"},
        )
        # A lost connection takes its notifications along: look at once, not at the next poll.
        connection.add_termination_listener(self._on_notify)
        try:
            await self._become_active(connection)
            await see_all_customers(connection)
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
        while not await connection.fetchval(claim):
            await connection.execute(_END_SILENT)
            await asyncio.sleep(LOCK_POLL_SECONDS)  # Postgres has no notification for a freed lock
        self.active = True

    async def measure(self, database: Pool) -> dict[str, list[Reading]]:
        """How far the outbox is behind, and whether it is this process that relays it.

        Raises:
            Unavailable: the database does not answer.
        """
        async with across_customers(database) as acquired:
            lag = await relay_lag(acquired)
        return {
            "autoads.relay.active": [(int(self.active), {})],
            "autoads.relay.unsent": [(lag.unsent, {})],
            "autoads.relay.oldest_unsent": [(max(0.0, lag.oldest_seconds or 0.0), {})],
        }

    def _on_notify(self, *_: object) -> None:
        self._wake.set()

    async def relay_batch(self, connection: Connection) -> int:
        """Send one batch of rows; returns how many there were."""
        rows = await connection.fetch(
            "SELECT id, event_id, subject, stream, body FROM outbox"
            " WHERE sent_at IS NULL ORDER BY id LIMIT $1",
            BATCH,
        )
        if not rows:
            return 0
        await failpoint("relay.before_xadd")
        for first in range(0, len(rows), AT_ONCE):
            await self._send([_Sending(row) for row in rows[first : first + AT_ONCE]])
        # Dying here sends these rows again: that is the promise, not a fault.
        await failpoint("relay.after_xadd")
        await connection.execute(
            "UPDATE outbox SET sent_at = now() WHERE id = ANY($1::bigint[])", [row["id"] for row in rows]
        )
        await failpoint("relay.after_mark")
        return len(rows)

    async def _send(self, sendings: Sequence[_Sending]) -> None:
        error: BaseException | None = None
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for sending in sendings:
                    _ = pipeline.xadd(sending.stream, {STREAM_FIELD: sending.body})
                await pipeline.execute()
        except BaseException as exc:
            error = exc
            raise
        finally:
            for sending in sendings:
                sending.end(error)

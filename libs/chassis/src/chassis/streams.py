"""Redis streams through FastStream, with what FastStream leaves to its user.

- Groups are created at `0` by us: FastStream would start at `$` and lose what was sent before.
- Every consumer is a pair: a reader of new entries, and a reclaimer of entries whose consumer died.
- An entry that cannot be read goes to `<stream>.dead` in one transaction with its acknowledgement.
- When a group has gone (Redis emptied, or restarted without its file) FastStream stops its subscribers
  for good; the guard creates the group again and starts them again.
- Acknowledged entries are trimmed; FastStream never deletes any.
"""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from faststream import AckPolicy, StreamMessage
from faststream.redis import RedisBroker, StreamSub
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from chassis.errors import Retryable
from chassis.metrics import Reading, begin_at_zero, meter
from chassis.outbox import STREAM_FIELD
from chassis.periodic import leave_if_cancelled
from chassis.stream_telemetry import Handler, entry_id, stream_state, traced
from chassis.telemetry import get_logger
from contracts.wire import iso_utc

READ_BATCH: Final = 50
"""Entries per read. Without a limit one read pulls the whole backlog into one consumer."""
READ_WORKERS: Final = READ_BATCH
"""All that one read brought is handled at once, so that what belongs together can be written together."""
BLOCK_MS: Final = 2000
"""How long one read waits for an entry; must stay below redis-py's socket timeout of 5 s."""
RECLAIM_IDLE_MS: Final = 5000
"""An entry unacknowledged for this long belongs to a dead consumer: handlers take milliseconds."""
RECLAIM_EVERY_MS: Final = 1000
GUARD_SECONDS: Final = 1.0
TIDY_SECONDS: Final = 60.0
MAX_DELIVERIES: Final = 10
"""An entry on which a handler fails, for no passing reason, is set aside once it was delivered this often."""
FORGET_CONSUMER_MS: Final = 3_600_000
DRAIN_SECONDS: Final = 5.0
DEAD_SUFFIX: Final = ".dead"
_UNKNOWN_TYPE: Final = ("union_tag_invalid", "union_tag_not_found")

READ_SILENT_MS: Final = 10_000
"""A reader asks Redis every `BLOCK_MS`, entries or not; one that has not for this long does not read."""
ERROR_CLASSES: Final = (
    "unreadable_json",
    "unknown_type",
    "unknown_version",
    "invalid_field",
    "handler_failed",
)

_log = get_logger(__name__)
_buried = meter.create_counter(
    "autoads.dead_letters.buried",
    unit="{entry}",
    description="Entries that this process moved to a dead stream",
)


async def ensure_group(redis: Redis, stream: str, group: str) -> None:
    """Create the group at the beginning of the stream, if it is not there."""
    try:
        await redis.xgroup_create(stream, group, id="0", mkstream=True)
    except ResponseError as exc:
        if "BUSYGROUP" not in str(exc):
            raise


class Consumers:
    """The consumers of one service: every stream it reads, as one consumer group named after it."""

    def __init__(
        self, *, redis_url: str, redis: Redis, group: str, reclaim_idle_ms: int = RECLAIM_IDLE_MS
    ) -> None:
        self._redis = redis
        self._group = group
        self._reclaim_idle_ms = reclaim_idle_ms
        self._name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self._streams: list[str] = []
        self._to_acknowledge: dict[str, list[bytes]] = {}
        self._at_work: set[asyncio.Task[None]] = set()
        self._leaving = False
        self.broker = RedisBroker(
            redis_url,
            apply_types=False,
            graceful_timeout=DRAIN_SECONDS,
            logger=None,  # type: ignore[arg-type]  # None is how FastStream is told to log nothing per message
        )
        self.healthy_at: float | None = None
        """Monotonic time of the last moment when Redis knew that every stream was being read."""

    def subscribe(self, stream: str, kind: Any, handler: Handler) -> None:
        """Let `handler` see every entry of the stream at least once. It must be quick and repeatable.

        `kind` is what an entry is: a model of pydantic's, or a union of them.
        """
        reader = StreamSub(
            stream,
            group=self._group,
            consumer=self._name,
            max_records=READ_BATCH,
            polling_interval=BLOCK_MS,
            batch=True,
        )
        reclaimer = StreamSub(
            stream,
            group=self._group,
            consumer=f"{self._name}-again",  # Redis tells by its name that the reader reads
            min_idle_time=self._reclaim_idle_ms,
            polling_interval=RECLAIM_EVERY_MS,
            batch=True,
        )
        adapter = TypeAdapter(kind)
        for source, again, most in ((reader, False, READ_WORKERS), (reclaimer, True, 1)):
            subscriber = self.broker.subscriber(
                stream=source,
                ack_policy=AckPolicy.MANUAL,  # what is handled, and what is buried, is acknowledged here
                parser=_unparsed,
                decoder=_undecoded,
            )
            handle = traced(stream, self._group, handler, again=again)
            subscriber(self._handing_to(handle, adapter, most=most))
        self._streams.append(stream)

    async def run(self) -> None:
        """Consume until cancelled; a Redis that is away or was emptied is waited for and joined again."""
        next_tidy = time.monotonic() + TIDY_SECONDS
        try:
            while True:
                try:
                    await self._guard()
                    if time.monotonic() >= next_tidy:
                        next_tidy = time.monotonic() + TIDY_SECONDS
                        await self._tidy()
                except (RedisError, OSError, TimeoutError) as exc:
                    _log.warning("streams_interrupted", error=type(exc).__name__)
                leave_if_cancelled()
                await asyncio.sleep(GUARD_SECONDS)
        finally:
            self._leaving = True
            until = time.monotonic() + DRAIN_SECONDS
            try:
                await self.broker.stop()
            finally:
                await self._drain(until)

    async def _guard(self) -> None:
        for stream in self._streams:
            await ensure_group(self._redis, stream, self._group)
        _ = await self.broker.connect()
        for subscriber in self.broker.subscribers:
            if _has_stopped(subscriber):
                _log.info("subscriber_started", group=self._group)
                await subscriber.start()
        if all(subscriber.running for subscriber in self.broker.subscribers) and await self._reads():
            self.healthy_at = time.monotonic()

    async def _reads(self) -> bool:
        """Whether Redis has been asked by our reader of each stream lately: a task that lives may hang.

        Before 7.2 (and its field `inactive`) Redis notes only reads that brought something, and no consumer
        before its first: a quiet stream would look like a dead reader. There the running tasks have to do.
        """
        for stream in self._streams:
            consumers = await self._redis.xinfo_consumers(stream, self._group)
            if not consumers or any("inactive" not in consumer for consumer in consumers):
                continue
            idle = [consumer["idle"] for consumer in consumers if consumer["name"] == self._name.encode()]
            if not idle or min(idle) > READ_SILENT_MS:
                return False
        return True

    def begin_at_zero(self) -> None:
        """Show the counter of buried entries before the first."""
        labels = [{"stream": stream, "error": error} for stream in self._streams for error in ERROR_CLASSES]
        begin_at_zero(_buried, *labels)

    async def measure(self) -> dict[str, list[Reading]]:
        """How far the group is behind, and what nobody could read.

        Raises:
            redis.exceptions.RedisError: Redis does not answer.
        """
        found: dict[str, list[Reading]] = {}
        for stream in self._streams:
            for name, value in (await stream_state(self._redis, stream, self._group)).items():
                found.setdefault(name, []).append((value, {"stream": stream, "group": self._group}))
            dead = await self._redis.xlen(f"{stream}{DEAD_SUFFIX}")
            found.setdefault("autoads.dead_letters", []).append((dead, {"stream": stream}))
        return found

    async def is_behind(self, stream: str) -> bool:
        """Whether more than `READ_BATCH` entries have not been given to the group yet.

        Counted, as Redis does not always know a group's lag: not after a restart without its file, for one.

        Raises:
            redis.exceptions.RedisError: Redis does not answer, or has no such stream.
        """
        for state in await self._redis.xinfo_groups(stream):
            if state["name"] == self._group.encode():
                after = f"({state['last-delivered-id'].decode()}"
                unread = await self._redis.xrange(stream, min=after, count=READ_BATCH + 1)
                return len(unread or ()) > READ_BATCH
        return False

    async def _tidy(self) -> None:
        for stream in self._streams:
            await trim(self._redis, stream)
            for consumer in await self._redis.xinfo_consumers(stream, self._group):
                # Deleting a consumer discards its pending entries: only the empty ones may go.
                if consumer["pending"] == 0 and consumer["idle"] > FORGET_CONSUMER_MS:
                    await self._redis.xgroup_delconsumer(stream, self._group, consumer["name"])

    def _handing_to(
        self, handler: Handler, kind: TypeAdapter[Any], *, most: int
    ) -> Callable[[dict[str, Any]], Awaitable[None]]:
        """What FastStream gives a read to: each entry has a task, `most` of them at work at once.

        A read is one message to FastStream, which does more for a message than our handlers do.
        """
        places = asyncio.Semaphore(most)

        async def take(read: dict[str, Any]) -> None:
            for name, fields in zip(read["message_ids"], read["data"], strict=True):
                entry = {"channel": read["channel"], "message_ids": [name], "data": fields}
                await places.acquire()
                if self._leaving:
                    places.release()
                    return
                task = asyncio.create_task(self._handle(entry, handler, kind))
                self._at_work.add(task)
                task.add_done_callback(self._at_work.discard)
                task.add_done_callback(lambda _: places.release())
                if most == 1:
                    # What is claimed next would wait for it, and be taken for a dead consumer's by others.
                    _ = await asyncio.wait([task])

        return take

    async def _handle(self, entry: dict[str, Any], handler: Handler, kind: TypeAdapter[Any]) -> None:
        """Handle an entry; one that is neither acknowledged nor buried here is delivered again."""
        try:
            try:
                event = kind.validate_json(entry["data"].get(STREAM_FIELD.encode(), b""))
            except ValidationError as exc:
                await bury(self._redis, self._group, entry, exc)
            else:
                await self._hand_over(event, entry, handler)
        except (RedisError, OSError) as exc:
            _log.warning("entry_not_settled", stream=entry["channel"], error=type(exc).__name__)

    async def _hand_over(self, event: Any, entry: dict[str, Any], handler: Handler) -> None:
        stream = entry["channel"]
        try:
            await handler(event)
        except Retryable as exc:
            _log.warning("handler_delayed", stream=stream, reason=exc.message)
        except Exception as exc:  # noqa: BLE001 - without this line a bug would be repeated in silence
            _log.exception("handler_failed", stream=stream)
            if await self._deliveries(entry) >= MAX_DELIVERIES:
                await bury(self._redis, self._group, entry, exc, has_failed=True)
        else:
            await self._acknowledge(entry)

    async def _acknowledge(self, entry: dict[str, Any]) -> None:
        """In one command with all that were handled in the same moment."""
        stream = entry["channel"]
        self._to_acknowledge.setdefault(stream, []).extend(entry["message_ids"])
        await asyncio.sleep(0)
        if ids := self._to_acknowledge.pop(stream, None):
            await self._redis.xack(stream, self._group, *ids)

    async def _deliveries(self, entry: dict[str, Any]) -> int:
        """How often the entry has been delivered; 0 when the group does not know it any more."""
        [name] = entry["message_ids"]
        pending = await self._redis.xpending_range(entry["channel"], self._group, name, name, count=1)
        return max((int(known["times_delivered"]) for known in pending), default=0)

    async def _drain(self, until: float) -> None:
        """Let what is at work end, until a monotonic time; what does not is delivered again."""
        if self._at_work:
            _, late = await asyncio.wait(self._at_work, timeout=max(0.0, until - time.monotonic()))
            for task in late:
                _ = task.cancel()
            if late:
                _ = await asyncio.wait(late, timeout=1)


async def _unparsed(read: dict[str, Any]) -> StreamMessage[dict[str, Any]]:
    return StreamMessage(raw_message=read, body=read)


async def _undecoded(message: StreamMessage[dict[str, Any]]) -> dict[str, Any]:
    return message.raw_message


def _has_stopped(subscriber: Any) -> bool:
    """Whether a subscriber may be started (again); if so, it is made ready for that.

    One that has lost its group stops by itself, in steps. Started between them it would be stopped again, and
    stay so while it calls itself running; at the last step its tasks are gone. When it starts, it creates a
    missing group at `last_id`, or at the stream's end when that is `>`: entries sent meanwhile would be lost.
    """
    if subscriber.running or subscriber.tasks:
        return False
    subscriber.last_id, subscriber.read_id = "0", ">"
    return True


async def bury(
    redis: Redis, group: str, entry: dict[str, Any], exc: Exception, *, has_failed: bool = False
) -> None:
    """Move one entry to the dead stream, in one transaction with its acknowledgement.

    `exc` tells why it cannot be read; or, with `has_failed`, how its handler failed last.
    """
    stream, entry_id = entry["channel"], entry["message_ids"][0]
    if isinstance(exc, ValidationError) and not has_failed:
        error, reason = error_class(exc), _reason(exc)
    else:
        error, reason = "handler_failed", f"The handler failed {MAX_DELIVERIES} times: {type(exc).__name__}"
    fields: dict[Any, Any] = {
        **entry["data"],
        "error": error,
        "reason": reason[:1000],
        "source_stream": stream,
        "source_id": entry_id,
        "group": group,
        "at": iso_utc(datetime.now(UTC)),
    }
    async with redis.pipeline(transaction=True) as pipeline:
        _ = pipeline.xadd(f"{stream}{DEAD_SUFFIX}", fields)
        _ = pipeline.xack(stream, group, entry_id)
        await pipeline.execute()
    _buried.add(1, {"stream": stream, "error": error})
    _log.error("dead_letter", stream=stream, source_id=entry_id.decode(), reason=reason[:200])


def error_class(error: ValidationError) -> str:
    """What is wrong with an entry, in one word by which an operator can pick entries.

    One of `unreadable_json` (not a JSON object), `unknown_type`, `unknown_version` and `invalid_field`.
    """
    issues = [
        (issue["type"], issue["loc"][-1:], not issue["loc"])
        for issue in error.errors(include_input=False, include_url=False, include_context=False)
    ]
    literals = {name for kind, name, _ in issues if kind == "literal_error"}
    if ("type",) in literals or any(kind in _UNKNOWN_TYPE for kind, _, _ in issues):
        return "unknown_type"
    if literals & {("dataschema",), ("specversion",)}:
        return "unknown_version"
    # A complaint about the entry as a whole: it is no object, so no field was looked at.
    return "unreadable_json" if any(is_whole for _, _, is_whole in issues) else "invalid_field"


def _reason(error: ValidationError) -> str:
    return "; ".join(
        ": ".join(filter(None, [".".join(map(str, issue["loc"])), issue["msg"]]))
        for issue in error.errors(include_input=False, include_url=False, include_context=False)
    )


async def trim(redis: Redis, stream: str) -> None:
    """Delete the entries that every group has read and acknowledged, and only those."""
    keep_from: list[tuple[int, int]] = []
    for group in await redis.xinfo_groups(stream):
        pending = await redis.xpending(stream, group["name"])
        keep_from.append(entry_id(pending["min"] if pending["pending"] else group["last-delivered-id"]))
    if keep_from:
        await redis.xtrim(stream, minid="{}-{}".format(*min(keep_from)), approximate=True)

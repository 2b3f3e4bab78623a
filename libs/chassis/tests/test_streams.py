"""Every entry of a stream is handled, whatever happens to Redis, to the consumer or to the handler."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from sample_service.events import GROUP, STREAM, new_event
from sample_service.waiting import DEADLINE_SECONDS, eventually

from chassis.errors import Unavailable
from chassis.outbox import STREAM_FIELD
from chassis.streams import (
    DEAD_SUFFIX,
    MAX_DELIVERIES,
    READ_BATCH,
    READ_WORKERS,
    Consumers,
    ensure_group,
)
from contracts.events import AdsCommand, AdsSync
from local_stack.pytest_plugin import ValkeyServer

DEAD = STREAM + DEAD_SUFFIX
RECLAIM_IDLE_MS = 150
"""Handlers of these tests take microseconds, so a dead consumer may be given up on much sooner."""

Handler = Callable[[AdsCommand], Awaitable[None]]


class Recorder:
    """A handler that remembers what it saw, and fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.seen: list[UUID] = []
        self._failures = list(failures)

    async def __call__(self, event: AdsCommand) -> None:
        self.seen.append(event.id)
        if self._failures:
            raise self._failures.pop()

    def has(self, events: list[AdsSync]) -> bool:
        return {event.id for event in events} <= set(self.seen)


class Broken(Exception):
    """A bug in a handler."""


@asynccontextmanager
async def consuming(
    redis_url: str,
    redis: Redis,
    *handlers: Handler,
    group: str = GROUP,
    reclaim_idle_ms: int = RECLAIM_IDLE_MS,
) -> AsyncIterator[Consumers]:
    """Consumers that run beside the test, one handler for one stream each."""
    consumers = Consumers(redis_url=redis_url, redis=redis, group=group, reclaim_idle_ms=reclaim_idle_ms)
    for number, handler in enumerate(handlers):
        consumers.subscribe(STREAM if number == 0 else f"{STREAM}.{number}", AdsCommand, handler)
    task = asyncio.create_task(consumers.run())
    try:
        yield consumers
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest_asyncio.fixture
async def seen(redis_url: str, redis: Redis) -> AsyncIterator[Recorder]:
    """What a consumer that runs beside the test has handled."""
    recorder = Recorder()
    async with consuming(redis_url, redis, recorder):
        yield recorder


async def send(redis: Redis, count: int = 1, stream: str = STREAM) -> list[AdsSync]:
    events = [new_event() for _ in range(count)]
    for event in events:
        await redis.xadd(stream, {STREAM_FIELD: event.to_json()})
    return events


def nothing_pending(redis: Redis) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return bool((await redis.xpending(STREAM, GROUP))["pending"] == 0)

    return check


async def test_entries_sent_before_the_first_start_are_handled(redis_url: str, redis: Redis) -> None:
    recorder, events = Recorder(), await send(redis, count=3)
    async with consuming(redis_url, redis, recorder):
        await eventually(lambda: recorder.has(events))
        await eventually(nothing_pending(redis))


async def test_each_entry_is_handled_once_when_nothing_goes_wrong(redis: Redis, seen: Recorder) -> None:
    events = await send(redis, count=120)
    await eventually(lambda: seen.has(events))
    await eventually(nothing_pending(redis))
    assert len(seen.seen) == len(events)


async def test_every_subscribed_stream_is_read(redis_url: str, redis: Redis) -> None:
    one, other = Recorder(), Recorder()
    async with consuming(redis_url, redis, one, other):
        events, others = await send(redis), await send(redis, stream=f"{STREAM}.1")
        await eventually(lambda: one.has(events) and other.has(others))
    assert len(one.seen) == len(other.seen) == 1


async def test_a_new_start_goes_on_where_the_last_one_stopped(redis_url: str, redis: Redis) -> None:
    first, second = Recorder(), Recorder()
    async with consuming(redis_url, redis, first):
        before = await send(redis)
        await eventually(lambda: first.has(before))
        await eventually(nothing_pending(redis))
    after = await send(redis)
    async with consuming(redis_url, redis, second):
        await eventually(lambda: second.has(after))
    assert not second.has(before)


@pytest.mark.parametrize("failure", [Broken("planted"), Unavailable("planted")], ids=["bug", "outage"])
async def test_a_handler_that_fails_gets_the_entry_again(
    redis_url: str, redis: Redis, failure: Exception, logged: Callable[[], str]
) -> None:
    recorder = Recorder(failure, failure)
    async with consuming(redis_url, redis, recorder):
        (event,) = await send(redis)
        await eventually(lambda: len(recorder.seen) == 3)
        await eventually(nothing_pending(redis))
    assert set(recorder.seen) == {event.id}
    assert not await redis.exists(DEAD)
    assert ("handler_failed" in logged()) == isinstance(failure, Broken)
    assert ("handler_delayed" in logged()) == isinstance(failure, Unavailable)


async def test_an_entry_that_no_handler_can_take_is_set_aside_in_the_end(
    redis_url: str, redis: Redis
) -> None:
    recorder = Recorder(*[Broken()] * (2 * MAX_DELIVERIES))
    async with consuming(redis_url, redis, recorder):
        (event,) = await send(redis)
        await eventually(lambda: redis.exists(DEAD))
        await eventually(nothing_pending(redis))
    ((_, entry),) = await redis.xrange(DEAD)
    assert entry[b"error"] == b"handler_failed"
    assert str(event.id).encode() in entry[STREAM_FIELD.encode()]
    assert len(recorder.seen) == MAX_DELIVERIES


async def test_no_more_entries_are_at_work_than_there_are_places(redis_url: str, redis: Redis) -> None:
    recorder, release = Recorder(), asyncio.Event()

    async def slow(event: AdsCommand) -> None:
        await recorder(event)
        await release.wait()

    events = await send(redis, count=3 * READ_WORKERS)
    async with consuming(redis_url, redis, slow, reclaim_idle_ms=60_000):
        await eventually(lambda: len(recorder.seen) >= READ_WORKERS)
        await asyncio.sleep(0.2)
        assert len(recorder.seen) == READ_WORKERS
        assert (await redis.xpending(STREAM, GROUP))["pending"] <= READ_WORKERS + READ_BATCH
        release.set()
        await eventually(lambda: recorder.has(events))
        await eventually(nothing_pending(redis))


async def test_what_is_at_work_is_finished_when_consuming_ends(redis_url: str, redis: Redis) -> None:
    recorder, finished = Recorder(), list[UUID]()

    async def slow(event: AdsCommand) -> None:
        await recorder(event)
        await asyncio.sleep(0.3)
        finished.append(event.id)

    async with consuming(redis_url, redis, slow):
        (event,) = await send(redis)
        await eventually(lambda: recorder.has([event]))
    assert finished == [event.id]
    assert (await redis.xpending(STREAM, GROUP))["pending"] == 0


async def test_an_entry_that_fails_does_not_hold_up_the_ones_behind_it(redis_url: str, redis: Redis) -> None:
    recorder = Recorder(Broken())
    async with consuming(redis_url, redis, recorder):
        events = await send(redis, count=10)
        await eventually(lambda: recorder.has(events))


UNREADABLE = {
    "no JSON": b"{",
    "empty": b"",
    "no UTF-8": b"\xff\xfe",
    "no object": b"[1]",
    "null": b"null",
    "empty object": b"{}",
    "unknown type": b'{"type":"ADS_DELETE"}',
    "missing fields": b'{"type":"ADS_SYNC"}',
    "NaN": b'{"type":"ADS_SYNC","time":NaN}',
    "deeper than the reader": b"[" * 30_000,
    "a number of 5000 digits": b"9" * 5000,
    "in a frame of FastStream's": b"\x89BIN\r\n\x1a\n",
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
async def test_an_unreadable_entry_goes_to_the_dead_stream_with_its_reason(
    redis: Redis, seen: Recorder, body: bytes
) -> None:
    entry_id = await redis.xadd(STREAM, {STREAM_FIELD: body})
    (event,) = await send(redis)
    await eventually(lambda: redis.xlen(DEAD))
    await eventually(nothing_pending(redis))
    ((_, dead),) = await redis.xrange(DEAD)
    assert dead[STREAM_FIELD.encode()] == body
    assert dead[b"reason"]
    assert dead[b"source_stream"] == STREAM.encode()
    assert dead[b"source_id"] == entry_id
    assert dead[b"group"] == GROUP.encode()
    assert dead[b"at"].endswith(b"Z")
    await eventually(lambda: seen.seen == [event.id])


async def test_a_dead_entry_keeps_all_its_fields_and_its_reason_names_what_is_missing(
    redis: Redis, seen: Recorder
) -> None:
    await redis.xadd(STREAM, {STREAM_FIELD: '{"type":"ADS_SYNC"}', "note": "by hand"})
    await redis.xadd(STREAM, {"other": "field"})
    await eventually(lambda: _length_is(redis, DEAD, 2))
    (_, first), (_, second) = sorted(await redis.xrange(DEAD), key=lambda entry: entry[1][b"source_id"])
    assert first[b"note"] == b"by hand"
    assert b"customerid: Field required" in first[b"reason"]
    assert second[b"other"] == b"field"


async def test_the_reason_does_not_repeat_what_was_sent(redis: Redis, seen: Recorder) -> None:
    await redis.xadd(STREAM, {STREAM_FIELD: '{"type":"ADS_SYNC","id":"planted-secret"}'})
    await eventually(lambda: redis.xlen(DEAD))
    ((_, dead),) = await redis.xrange(DEAD)
    assert b"planted-secret" not in dead[b"reason"]


async def _length_is(redis: Redis, stream: str, length: int) -> bool:
    return int(await redis.xlen(stream)) == length


async def test_consuming_goes_on_when_redis_was_emptied(redis: Redis, seen: Recorder) -> None:
    for _ in range(2):
        before = await send(redis)
        await eventually(lambda before=before: seen.has(before))
        await redis.flushall()
        after = await send(redis)
        await eventually(lambda after=after: seen.has(after))


async def test_consuming_goes_on_when_redis_was_emptied_while_an_entry_is_handled(
    redis_url: str, redis: Redis
) -> None:
    recorder, release = Recorder(), asyncio.Event()

    async def slow(event: AdsCommand) -> None:
        await recorder(event)
        await release.wait()

    async with consuming(redis_url, redis, slow):
        before = await send(redis)
        await eventually(lambda: recorder.has(before))
        await redis.flushall()
        await eventually(lambda: redis.exists(STREAM))  # the group is made again, a second or less from now
        release.set()
        after = await send(redis)
        await eventually(lambda: recorder.has(after))
        await eventually(nothing_pending(redis))


async def test_no_group_misses_what_was_sent_while_it_started_on_an_emptied_redis(
    redis_url: str, redis: Redis
) -> None:
    recorders = [Recorder() for _ in range(8)]
    async with AsyncExitStack() as stack:
        for number, recorder in enumerate(recorders):
            await stack.enter_async_context(
                consuming(redis_url, redis, recorder, recorder, group=f"{GROUP}-{number}")
            )
        await eventually(lambda: redis.exists(STREAM))
        for _ in range(3):
            await redis.flushall()
            events = await send(redis)
        await eventually(lambda: all(recorder.has(events) for recorder in recorders))


async def test_consuming_goes_on_when_redis_was_away(
    redis: Redis, seen: Recorder, valkey_server: ValkeyServer
) -> None:
    before = await send(redis)
    await eventually(lambda: seen.has(before))
    await eventually(nothing_pending(redis))
    valkey_server.restart()
    await redis.aclose()  # its connections have gone; it opens new ones
    after = await send(redis)
    await eventually(lambda: seen.has(after))
    await eventually(nothing_pending(redis))


async def test_consumers_can_be_started_before_redis_is_there(
    redis_url: str, redis: Redis, valkey_server: ValkeyServer, logged: Callable[[], str]
) -> None:
    recorder = Recorder()
    valkey_server.stop()
    async with consuming(redis_url, redis, recorder) as consumers:
        try:
            await eventually(lambda: "streams_interrupted" in logged())
            assert consumers.healthy_at is None
        finally:
            valkey_server.start()
        events = await send(redis)
        await eventually(lambda: recorder.has(events))
        await eventually(lambda: consumers.healthy_at)


async def test_two_consumers_share_the_entries(redis_url: str, redis: Redis) -> None:
    one, other = Recorder(), Recorder()
    # Long enough that no consumer is taken for dead on a busy machine: that is another test's matter.
    idle = 60_000
    async with (
        consuming(redis_url, redis, one, reclaim_idle_ms=idle),
        consuming(redis_url, redis, other, reclaim_idle_ms=idle),
    ):

        async def both_worked() -> bool:
            await send(redis, count=10)
            return bool(one.seen and other.seen)

        await eventually(both_worked)
        await eventually(nothing_pending(redis))
    assert not set(one.seen) & set(other.seen)


async def test_entries_of_a_killed_consumer_are_handled_by_another(redis_url: str, redis: Redis) -> None:
    events = await send(redis, count=12)
    killed = subprocess.Popen(  # noqa: ASYNC220, S603 - our own program; starts at once
        [sys.executable, "-m", "sample_service.consumer", redis_url], cwd=Path(__file__).parent
    )
    try:
        await ensure_group(redis, STREAM, GROUP)
        await eventually(lambda: _pending_is(redis, len(events)))
    finally:
        killed.kill()
        killed.wait()
    recorder = Recorder()
    async with consuming(redis_url, redis, recorder):
        await eventually(lambda: recorder.has(events))
        await eventually(nothing_pending(redis))


async def _pending_is(redis: Redis, count: int) -> bool:
    return bool((await redis.xpending(STREAM, GROUP))["pending"] == count)


async def test_making_a_group_again_leaves_it_where_it_is(redis: Redis) -> None:
    await send(redis)
    await ensure_group(redis, STREAM, GROUP)
    await redis.xreadgroup(GROUP, "c", {STREAM: ">"})
    await ensure_group(redis, STREAM, GROUP)
    assert not await redis.xreadgroup(GROUP, "c", {STREAM: ">"})


async def test_consumers_end_when_they_are_told_to_at_whatever_moment(redis_url: str, redis: Redis) -> None:
    """On Python 3.11 a cancellation can be lost inside a Redis call, and the process would never end."""
    for round_trip in range(40):
        consumers = Consumers(redis_url=redis_url, redis=redis, group=GROUP)
        consumers.subscribe(STREAM, AdsCommand, Recorder())
        task = asyncio.create_task(consumers.run())
        await asyncio.wait([task], timeout=round_trip / 1000)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=DEADLINE_SECONDS)
        assert done

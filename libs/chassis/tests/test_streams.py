"""Every entry of a stream is handled, whatever happens to Redis, to the consumer or to the handler."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis
from sample_service.consuming import Held, Recorder, consuming, nothing_pending, pending_is, send
from sample_service.events import GROUP, STREAM
from sample_service.waiting import DEADLINE_SECONDS, eventually

from chassis.errors import Unavailable
from chassis.outbox import STREAM_FIELD
from chassis.streams import (
    DEAD_SUFFIX,
    MAX_DELIVERIES,
    Consumers,
    ensure_group,
)
from contracts.events import AdsCommand
from local_stack.pytest_plugin import ValkeyServer

DEAD = STREAM + DEAD_SUFFIX


class Broken(Exception):
    """A bug in a handler."""


@pytest_asyncio.fixture
async def seen(redis_url: str, redis: Redis) -> AsyncIterator[Recorder]:
    """What a consumer that runs beside the test has handled."""
    recorder = Recorder()
    async with consuming(redis_url, redis, recorder):
        yield recorder


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


def unreadable_row() -> ValidationError:
    """What a handler meets that cannot read something of its own."""
    try:
        TypeAdapter(int).validate_python("planted")
    except ValidationError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    "failure",
    [Broken("planted"), unreadable_row(), Unavailable("planted")],
    ids=["bug", "its own validation", "outage"],
)
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
    assert ("handler_failed" in logged()) != isinstance(failure, Unavailable)
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
    held = Held()
    async with consuming(redis_url, redis, held):
        before = await send(redis)
        await eventually(lambda: held.has(before))
        await redis.flushall()
        await eventually(lambda: redis.exists(STREAM))  # the group is made again, a second or less from now
        held.release.set()
        after = await send(redis)
        await eventually(lambda: held.has(after))
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
        await eventually(lambda: pending_is(redis, len(events)))
    finally:
        killed.kill()
        killed.wait()
    recorder = Recorder()
    async with consuming(redis_url, redis, recorder):
        await eventually(lambda: recorder.has(events))
        await eventually(nothing_pending(redis))


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

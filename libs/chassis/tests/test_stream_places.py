"""So many entries are at work and no more, and what becomes of them when consuming ends."""

import asyncio
from uuid import UUID

from redis.asyncio import Redis
from sample_service.consuming import Held, Recorder, consuming, nothing_pending, pending_is, send
from sample_service.events import GROUP, STREAM
from sample_service.waiting import eventually

from chassis.streams import READ_BATCH, READ_WORKERS
from contracts.events import AdsCommand


async def test_no_more_entries_are_at_work_than_there_are_places(redis_url: str, redis: Redis) -> None:
    held = Held()
    events = await send(redis, count=3 * READ_WORKERS)
    async with consuming(redis_url, redis, held, reclaim_idle_ms=60_000):
        await eventually(lambda: len(held.seen) >= READ_WORKERS)
        await asyncio.sleep(0.2)
        assert len(held.seen) == READ_WORKERS
        assert (await redis.xpending(STREAM, GROUP))["pending"] <= READ_WORKERS + READ_BATCH
        held.release.set()
        await eventually(lambda: held.has(events))
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


async def test_what_was_read_and_not_begun_is_left_to_others_when_consuming_ends(
    redis_url: str, redis: Redis
) -> None:
    held = Held()
    _ = await send(redis, count=READ_WORKERS + 20)
    async with consuming(redis_url, redis, held, reclaim_idle_ms=60_000):
        await eventually(lambda: len(held.seen) == READ_WORKERS)
        await eventually(lambda: pending_is(redis, READ_WORKERS + 20))
        asyncio.get_running_loop().call_later(0.3, held.release.set)
    assert len(held.seen) == READ_WORKERS
    assert (await redis.xpending(STREAM, GROUP))["pending"] == 20

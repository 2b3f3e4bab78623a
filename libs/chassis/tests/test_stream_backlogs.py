"""What a group has not read is noticed and kept; what every group is done with goes."""

from redis.asyncio import Redis
from sample_service.events import GROUP, STREAM

from chassis.outbox import STREAM_FIELD
from chassis.streams import READ_BATCH, Consumers, ensure_group, trim


async def test_a_group_is_behind_with_more_than_a_batch_unread_whatever_redis_knows(
    redis_url: str, redis: Redis
) -> None:
    consumers = Consumers(redis_url=redis_url, redis=redis, group=GROUP)
    await redis.xadd(STREAM, {STREAM_FIELD: "0"})
    assert not await consumers.is_behind(STREAM)  # there is no group yet
    await ensure_group(redis, STREAM, GROUP)
    await redis.xreadgroup(GROUP, "c", {STREAM: ">"})
    unread = [await redis.xadd(STREAM, {STREAM_FIELD: str(number)}) for number in range(READ_BATCH + 1)]
    await redis.xdel(STREAM, unread.pop(0))
    assert (await redis.xinfo_groups(STREAM))[0]["lag"] is None
    assert not await consumers.is_behind(STREAM)
    await redis.xadd(STREAM, {STREAM_FIELD: "one more"})
    assert await consumers.is_behind(STREAM)


async def test_trimming_removes_what_every_group_has_acknowledged_and_nothing_else(redis: Redis) -> None:
    ids = [await redis.xadd(STREAM, {STREAM_FIELD: str(number)}) for number in range(1000)]
    for group in ("one", "two"):
        await ensure_group(redis, STREAM, group)
        await redis.xreadgroup(group, "c", {STREAM: ">"}, count=1000)
    await redis.xack(STREAM, "one", *ids)
    await redis.xack(STREAM, "two", *ids[:500], *ids[501:])
    await trim(redis, STREAM)
    kept = [entry_id for entry_id, _ in await redis.xrange(STREAM)]
    assert kept[-500:] == ids[500:]
    assert len(kept) < 700  # whole blocks of about a hundred entries go


async def test_trimming_keeps_what_a_group_has_not_read_yet(redis: Redis) -> None:
    for number in range(500):
        await redis.xadd(STREAM, {STREAM_FIELD: str(number)})
    for group in ("quick", "idle"):
        await ensure_group(redis, STREAM, group)
    entries = await redis.xreadgroup("quick", "c", {STREAM: ">"}, count=500)
    await redis.xack(STREAM, "quick", *(entry_id for entry_id, _ in entries[0][1]))
    await trim(redis, STREAM)
    assert await redis.xlen(STREAM) == 500


async def test_trimming_a_stream_that_no_group_reads_removes_nothing(redis: Redis) -> None:
    for number in range(3):
        await redis.xadd(STREAM, {STREAM_FIELD: str(number)})
    await trim(redis, STREAM)
    assert await redis.xlen(STREAM) == 3

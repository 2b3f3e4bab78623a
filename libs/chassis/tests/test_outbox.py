"""A committed event reaches its stream, whatever dies in between; twice is allowed, never is not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sample_service.events import STREAM, new_event
from sample_service.room import Room
from sample_service.waiting import DEADLINE_SECONDS, eventually

from chassis.database import SILENT_SECONDS, Connection, Pool, transaction
from chassis.errors import Unavailable
from chassis.outbox import STREAM_FIELD, Relay, add_event, send_again
from contracts.events import AdsSync, read_event
from local_stack.pytest_plugin import PostgresServer, ValkeyServer

ALL_MARKED = "SELECT bool_and(sent_at IS NOT NULL) FROM chassis_sample.outbox"
IDLE_RELAY = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'relay' AND state = 'idle'"
    " AND state_change < clock_timestamp() - interval '0.2 s'"
)
END_ACTIVE_RELAY = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database"
    " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
)


@asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(relay.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest_asyncio.fixture
async def relay(room: Room, redis: Redis) -> AsyncIterator[Relay]:
    """A relay that runs beside the test."""
    relay = Relay(database_url=room.url, redis=redis)
    async with running(relay):
        yield relay


async def add(pool: Pool, count: int = 1) -> list[AdsSync]:
    """Commit `count` events, each in its own transaction."""
    events = [new_event() for _ in range(count)]
    for event in events:
        async with transaction(pool) as connection:
            await add_event(connection, STREAM, event)
    return events


async def add_when_possible(pool: Pool) -> AdsSync:
    """Commit one event, trying again while Postgres comes back."""
    event = new_event()

    async def added() -> bool:
        try:
            async with transaction(pool) as connection:
                await add_event(connection, STREAM, event)
        except Unavailable:
            return False
        return True

    await eventually(added)
    return event


async def sent(redis: Redis) -> list[str]:
    """The ids of the events on the stream, in order."""
    try:
        entries = await redis.xrange(STREAM)
    except RedisError:
        return []
    return [str(read_event(fields[STREAM_FIELD.encode()]).id) for _, fields in entries]


def all_sent(redis: Redis, events: list[AdsSync]) -> Callable[[], object]:
    async def check() -> bool:
        return {str(event.id) for event in events} <= set(await sent(redis))

    return check


async def test_a_committed_event_reaches_its_stream_as_it_was_written(
    relay: Relay, pool: Pool, redis: Redis, admin: Connection
) -> None:
    (event,) = await add(pool)
    await eventually(all_sent(redis, [event]))
    ((_, fields),) = await redis.xrange(STREAM)
    assert fields == {STREAM_FIELD.encode(): event.to_json().encode()}
    await eventually(lambda: admin.fetchval(ALL_MARKED))


async def test_an_event_of_a_transaction_that_failed_is_never_sent(
    relay: Relay, pool: Pool, redis: Redis
) -> None:
    async def fail() -> None:
        async with transaction(pool) as connection:
            await add_event(connection, STREAM, new_event())
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    (event,) = await add(pool)
    await eventually(all_sent(redis, [event]))
    assert await sent(redis) == [str(event.id)]


async def test_events_are_sent_in_the_order_of_their_rows_and_once(
    relay: Relay, pool: Pool, redis: Redis
) -> None:
    events = await add(pool, count=60)
    await eventually(all_sent(redis, events))
    assert await sent(redis) == [str(event.id) for event in events]


async def test_a_backlog_of_several_batches_is_sent_in_order(room: Room, pool: Pool, redis: Redis) -> None:
    events = [new_event() for _ in range(1200)]
    async with transaction(pool) as connection:
        for event in events:
            await add_event(connection, STREAM, event)
    async with running(Relay(database_url=room.url, redis=redis)):
        await eventually(all_sent(redis, events))
    assert await sent(redis) == [str(event.id) for event in events]


async def test_a_commit_wakes_the_relay_long_before_its_poll(relay: Relay, pool: Pool, redis: Redis) -> None:
    await eventually(lambda: relay.active)
    async with asyncio.timeout(2):  # the poll comes every 5 seconds
        for _ in range(3):
            await eventually(all_sent(redis, await add(pool)))


async def test_send_again_repeats_all_events_about_its_subject_and_no_other(
    relay: Relay, pool: Pool, redis: Redis, admin: Connection
) -> None:
    subject = uuid4()
    mine, other = [new_event(subject), new_event(subject)], new_event()
    async with transaction(pool) as connection:
        for event in (*mine, other):
            await add_event(connection, STREAM, event)
    await eventually(lambda: admin.fetchval(ALL_MARKED))
    await redis.delete(STREAM)
    async with transaction(pool) as connection:
        await send_again(connection, subject)
    await eventually(all_sent(redis, mine))
    assert await sent(redis) == [str(event.id) for event in mine]


async def test_events_committed_while_redis_is_down_are_sent_in_order_when_it_is_back(
    relay: Relay, pool: Pool, redis: Redis, valkey_server: ValkeyServer
) -> None:
    before = await add(pool)
    await eventually(all_sent(redis, before))
    valkey_server.stop()
    try:
        during = await add(pool, count=3)
        await eventually(lambda: not relay.active)
    finally:
        valkey_server.start()
    await eventually(all_sent(redis, during))
    assert list(dict.fromkeys(await sent(redis))) == [str(event.id) for event in (*before, *during)]


async def test_the_relay_survives_that_postgres_is_away_for_a_while(
    relay: Relay, pool: Pool, redis: Redis, postgres_server: PostgresServer
) -> None:
    before = await add(pool)
    await eventually(all_sent(redis, before))
    postgres_server.stop()
    try:
        await eventually(lambda: not relay.active)
    finally:
        postgres_server.start()
    after = await add_when_possible(pool)
    await eventually(all_sent(redis, [*before, after]))


async def test_an_event_committed_right_after_the_relay_lost_its_connection_does_not_wait_for_the_poll(
    relay: Relay, pool: Pool, redis: Redis, admin: Connection
) -> None:
    await eventually(all_sent(redis, await add(pool)))
    await eventually(lambda: admin.fetchval(IDLE_RELAY))
    assert await admin.fetchval(END_ACTIVE_RELAY)
    async with asyncio.timeout(3):  # the poll comes every 5 seconds
        await eventually(all_sent(redis, await add(pool)))


async def test_one_of_two_relays_is_active_and_the_other_takes_over_when_its_connection_dies(
    room: Room, pool: Pool, redis: Redis, admin: Connection
) -> None:
    first, second = (Relay(database_url=room.url, redis=redis) for _ in range(2))
    async with running(first) as task:
        await eventually(lambda: first.active)
        async with running(second):
            events = await add(pool, count=5)
            await eventually(all_sent(redis, events))
            assert first.active
            assert not second.active
            assert await sent(redis) == [str(event.id) for event in events]
            task.cancel()
            await eventually(lambda: second.active)
            await eventually(all_sent(redis, await add(pool)))


async def test_when_the_connection_of_the_active_relay_dies_one_of_the_two_goes_on(
    room: Room, pool: Pool, redis: Redis, admin: Connection
) -> None:
    relays = [Relay(database_url=room.url, redis=redis) for _ in range(2)]
    async with running(relays[0]), running(relays[1]):
        await eventually(lambda: any(relay.active for relay in relays))
        assert await admin.fetchval(END_ACTIVE_RELAY)
        await eventually(all_sent(redis, await add(pool)))
        assert sum(relay.active for relay in relays) == 1


@pytest.mark.parametrize("is_halfway", [False, True])
async def test_an_active_relay_that_falls_silent_is_replaced(
    room: Room, pool: Pool, redis: Redis, is_halfway: bool
) -> None:
    silent = await asyncpg.connect(room.url)
    await silent.execute("SELECT pg_advisory_lock(hashtext('outbox_relay'), hashtext(current_schema()))")
    if is_halfway:
        # Postgres has parsed it and waits for the rest.
        await silent.prepare("SELECT 1")
    relay = Relay(database_url=room.url, redis=redis)
    async with running(relay):
        events = await add(pool)
        await asyncio.sleep(SILENT_SECONDS - 1)
        assert not relay.active
        await eventually(all_sent(redis, events))
    silent.terminate()


async def test_relays_of_two_services_do_not_wait_for_each_other(
    relay: Relay, room: Room, redis: Redis, admin: Connection
) -> None:
    other = Room(service="chassis_other", admin_url=room.admin_url)
    await other.provision()
    await admin.execute(
        "CREATE TABLE IF NOT EXISTS chassis_other.outbox (LIKE chassis_sample.outbox INCLUDING ALL);"
        "GRANT ALL ON chassis_other.outbox TO chassis_other_jobs"
    )
    second = Relay(database_url=other.url, redis=redis)
    async with running(second):
        await eventually(lambda: relay.active and second.active)


async def test_the_relay_ends_when_it_is_told_to_at_whatever_moment(
    room: Room, pool: Pool, redis: Redis
) -> None:
    """On Python 3.11 a cancellation can be lost inside a Redis call, and the process would never end."""
    for round_trip in range(30):
        await add(pool)
        task = asyncio.create_task(Relay(database_url=room.url, redis=redis).run())
        await asyncio.wait([task], timeout=round_trip / 1000)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=DEADLINE_SECONDS)
        assert done

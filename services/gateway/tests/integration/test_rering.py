"""Losing Redis, or all that is in it, costs time and nothing else."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from gateway_harness import Database, Gateway, Migrated, NewPerson, Publisher, Run, StartGateway, eventually
from redis.asyncio import Redis

from chassis.database import Connection
from chassis.streams import READ_BATCH
from contracts.events import RESULTS_STREAM, RunStartedBody, RunSucceededBody
from local_stack.pytest_plugin import ValkeyServer


@pytest_asyncio.fixture(scope="module")
async def ringing(migrated: Migrated) -> Database:
    """A database of its own: any gateway of a database rings its runs, each with its own pauses."""
    return await migrated("gateway_ringing", "gateway")


@pytest.fixture(scope="module")
def redis_of_rings(valkey: ValkeyServer) -> str:
    return valkey.url.removesuffix("/0") + "/1"


@pytest.fixture(scope="module")
def impatient_gateway(start_gateway: StartGateway, ringing: Database, redis_of_rings: str) -> Gateway:
    """Rings again after half a second without news, then after 1 s at most."""
    return start_gateway(
        DATABASE_URL=ringing.serving_url,
        REDIS_URL=redis_of_rings,
        RERING_AFTER_SECONDS="0.5",
        RERING_AT_MOST_SECONDS="1",
    )


@pytest_asyncio.fixture
async def publisher(redis_of_rings: str) -> AsyncIterator[Publisher]:
    redis = Redis.from_url(redis_of_rings)
    yield Publisher(redis)
    await redis.aclose()


@pytest_asyncio.fixture
async def admin(ringing: Database) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(ringing.admin_url, server_settings={"search_path": "gateway_ringing"})
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def waiting(impatient_gateway: Gateway, new_person: NewPerson) -> Run:
    """A run that nobody has told anything about."""
    return await (await new_person(impatient_gateway)).publish()


async def _commands(publisher: Publisher, run: Run, *, at_least: int) -> int:
    async def count() -> int:
        return len(await publisher.commands(run))

    return await eventually(count, lambda seen: seen >= at_least)


async def test_a_run_without_news_is_rung_again_with_the_same_event(
    waiting: Run, publisher: Publisher
) -> None:
    await _commands(publisher, waiting, at_least=3)
    assert {command.id for command in await publisher.commands(waiting)} == {waiting.job_id}


async def test_a_run_that_has_ended_is_not_rung_again(
    waiting: Run, publisher: Publisher, admin: Connection
) -> None:
    await publisher.tell(waiting, 1, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
    await waiting.until(lambda seen: seen["status"] == "success")
    count = len(await publisher.commands(waiting))
    later = await waiting.person.sync()
    await _commands(publisher, later, at_least=3)
    assert len(await publisher.commands(waiting)) == count


async def test_news_lets_the_pause_between_rings_begin_anew(
    waiting: Run, publisher: Publisher, admin: Connection
) -> None:
    await _commands(publisher, waiting, at_least=3)
    rings = "SELECT ring_count FROM ad_runs WHERE id = $1"
    assert await admin.fetchval(rings, waiting.run_id) >= 2
    await publisher.tell(waiting, 1, RunStartedBody, mode="real")
    await waiting.told(1)
    assert await admin.fetchval(rings, waiting.run_id) <= 1


async def test_an_emptied_redis_loses_no_run_and_no_result(waiting: Run, publisher: Publisher) -> None:
    await publisher.redis.flushdb()
    await _commands(publisher, waiting, at_least=1)
    await publisher.redis.flushdb()

    async def told_again() -> str:
        # As the publisher does when a job that it knows is rung again: it sends its news once more.
        await publisher.send(done)
        return str((await waiting.read())["status"])

    done = publisher.event(waiting, 1, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
    await eventually(told_again, lambda status: status == "success", seconds=30)
    assert (await publisher.redis.xinfo_groups(RESULTS_STREAM))[0]["name"] == b"gateway"


async def test_a_publish_while_redis_is_stopped_is_accepted_and_sent_when_it_is_back(
    impatient_gateway: Gateway, new_person: NewPerson, publisher: Publisher, valkey: ValkeyServer
) -> None:
    someone = await new_person(impatient_gateway)
    valkey.stop()
    try:
        run = await someone.publish()
        status = await someone.get("/ads/status")
        assert status["lastRuns"][0]["status"] == "queued"
        health = await someone.http.get("/health")
        assert (health.status_code, health.text) == (503, '{"ok":false,"db":true,"redis":false}')
    finally:
        valkey.start()
    await _commands(publisher, run, at_least=1)


async def test_nothing_is_rung_while_much_news_is_unread(
    waiting: Run, publisher: Publisher, admin: Connection
) -> None:
    async with admin.transaction():
        await admin.execute("LOCK TABLE inbox")
        for version in range(1, 10 * READ_BATCH):
            await publisher.tell(waiting, version, RunStartedBody, mode="real")
        await asyncio.sleep(1)
        count = len(await publisher.commands(waiting))
        await asyncio.sleep(3)
        assert len(await publisher.commands(waiting)) == count
    await _commands(publisher, waiting, at_least=count + 1)

"""News of many customers that arrives together: written together, and none suffers from another."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio
from gateway_harness import Database, Gateway, Migrated, NewPerson, Publisher, Run, StartGateway, eventually
from redis.asyncio import Redis

from chassis.database import Connection
from chassis.streams import RECLAIM_IDLE_MS
from contracts.events import RESULTS_STREAM, RunStartedBody, RunStepBody, RunSucceededBody
from local_stack.pytest_plugin import ValkeyServer

RUNS = 12


@pytest_asyncio.fixture(scope="module")
async def alone(migrated: Migrated) -> Database:
    """A database of its own, for one gateway: several would share the news."""
    return await migrated("gateway_together", "gateway")


@pytest.fixture(scope="module")
def redis_alone(valkey: ValkeyServer) -> str:
    return valkey.url.removesuffix("/0") + "/2"


@pytest.fixture(scope="module")
def lone_gateway(start_gateway: StartGateway, alone: Database, redis_alone: str) -> Gateway:
    return start_gateway(DATABASE_URL=alone.serving_url, REDIS_URL=redis_alone, RERING_AFTER_SECONDS="600")


@pytest_asyncio.fixture
async def publisher(redis_alone: str) -> AsyncIterator[Publisher]:
    redis = Redis.from_url(redis_alone)
    yield Publisher(redis)
    await redis.aclose()


@pytest_asyncio.fixture
async def admin(alone: Database) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(alone.admin_url, server_settings={"search_path": "gateway_together"})
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def waiting(lone_gateway: Gateway, new_person: NewPerson) -> list[Run]:
    """A run each of so many customers."""
    return [await (await new_person(lone_gateway)).publish() for _ in range(RUNS)]


async def _arrive_together(admin: Connection, publisher: Publisher, runs: list[Run]) -> None:
    """Have the gateway read all of the news before it can write any."""
    async with admin.transaction():
        await admin.execute("LOCK TABLE inbox")
        for run in runs:
            await publisher.tell(run, 1, RunStepBody, step="campaign", state="done", campaign_id="1")
            await publisher.tell(run, 2, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
        await asyncio.sleep(1)


async def _ended(run: Run) -> None:
    seen = await run.until(lambda seen: seen["status"] == "success")
    assert [step["version"] for step in seen["steps"]] == [1, 2]
    objects = await run.person.get("/ads/objects")
    assert (objects["campaignId"], objects["adsetId"], objects["status"]) == ("1", "2", "paused")


async def test_news_of_many_customers_is_written_in_few_transactions(
    waiting: list[Run], publisher: Publisher, admin: Connection
) -> None:
    await _arrive_together(admin, publisher, waiting)
    for run in waiting:
        await _ended(run)
    ids = [run.run_id for run in waiting]
    writes = "SELECT count(DISTINCT xmin::text) FROM ad_run_steps WHERE run_id = ANY($1)"
    assert await admin.fetchval(writes, ids) <= RUNS // 2
    noted = "SELECT count(*) FROM audit_log WHERE action = 'run_end' AND detail->>'run_id' = ANY($1)"
    assert await admin.fetchval(noted, [str(run_id) for run_id in ids]) == RUNS


async def test_news_that_cannot_be_written_holds_up_no_other_run(
    waiting: list[Run], publisher: Publisher, admin: Connection
) -> None:
    bad, *good = waiting
    await admin.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'planted'; END $$;"
        " CREATE TRIGGER refuse BEFORE INSERT ON ad_run_steps FOR EACH ROW"
        f" WHEN (NEW.run_id = '{bad.run_id}') EXECUTE FUNCTION refuse()"
    )
    try:
        await _arrive_together(admin, publisher, waiting)

        async def unwritten() -> int:
            return int((await publisher.redis.xpending(RESULTS_STREAM, "gateway"))["pending"])

        # Sooner than anything is delivered once more.
        await eventually(unwritten, lambda count: count == 2, seconds=RECLAIM_IDLE_MS / 1000 - 1)
        for run in good:
            await _ended(run)
        assert (await bad.read())["status"] == "queued"
    finally:
        await admin.execute("DROP FUNCTION refuse CASCADE")
    await _ended(bad)  # delivered once more


async def test_an_erasure_that_waits_for_one_of_the_runs_is_carried_out(
    waiting: list[Run], publisher: Publisher, admin: Connection
) -> None:
    erased, later, *_ = waiting
    for run in (erased, later):
        await admin.execute(
            "INSERT INTO erasures (customer_id, before) VALUES ($1, $2)",
            run.person.customer,
            datetime.now(UTC),
        )
    await _arrive_together(admin, publisher, waiting)
    for run in waiting:
        seen = await run.until(lambda seen: seen["status"] == "success")
        is_erased = run in (erased, later)
        assert (seen["campaignId"] is None, seen["steps"] == []) == (is_erased, is_erased)
    assert await admin.fetchval("SELECT count(*) FROM erasures") == 0


async def test_news_under_another_customer_changes_nothing_of_either(
    waiting: list[Run], publisher: Publisher, admin: Connection
) -> None:
    ours, theirs, *others = waiting
    end = publisher.event(theirs, 1, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
    async with admin.transaction():
        await admin.execute("LOCK TABLE inbox")
        await publisher.tell(others[0], 1, RunStartedBody, mode="real")  # is read first, and waits
        await asyncio.sleep(0.5)
        await publisher.send(end.model_copy(update={"customerid": ours.person.customer}))
        await publisher.tell(others[1], 1, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
        await asyncio.sleep(0.5)
    await others[1].until(lambda seen: seen["status"] == "success")
    for run in (ours, theirs):
        seen = await run.read()
        assert (seen["status"], seen["campaignId"], seen["steps"]) == ("queued", None, [])
        assert await run.person.get("/ads/objects") is None


async def test_an_entry_that_is_there_twice_counts_once(
    waiting: list[Run], publisher: Publisher, admin: Connection
) -> None:
    run = waiting[0]
    replay = publisher.event(run, 1, RunStartedBody, mode="real", replayed=True)
    async with admin.transaction():
        await admin.execute("LOCK TABLE inbox")
        await publisher.tell(waiting[1], 1, RunStartedBody, mode="real")  # is read first, and waits
        await asyncio.sleep(0.5)
        await publisher.send(replay, replay, replay)
        await asyncio.sleep(0.5)
    await publisher.tell(run, 2, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
    await run.until(lambda seen: seen["status"] == "success")
    noted = "SELECT count(*) FROM audit_log WHERE action = 'run_replay' AND detail->>'run_id' = $1"
    assert await admin.fetchval(noted, str(run.run_id)) == 1

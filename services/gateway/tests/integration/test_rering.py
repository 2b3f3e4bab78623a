"""Losing Redis, or all that is in it, costs time and nothing else."""

import pytest
import pytest_asyncio
from gateway_harness import Gateway, NewPerson, Person, Publisher, Run, StartGateway, eventually

from chassis.database import Connection
from contracts.events import RESULTS_STREAM, RunStartedBody, RunSucceededBody
from local_stack.servers import EmbeddedValkey


@pytest.fixture(scope="module")
def impatient_gateway(start_gateway: StartGateway) -> Gateway:
    """Rings again after half a second without news, then after 1 s at most."""
    return start_gateway(RERING_AFTER_SECONDS="0.5", RERING_AT_MOST_SECONDS="1")


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
    await publisher.redis.flushall()
    await _commands(publisher, waiting, at_least=1)
    await publisher.redis.flushall()

    async def told_again() -> str:
        # As the publisher does when a job that it knows is rung again: it sends its news once more.
        await publisher.send(done)
        return str((await waiting.read())["status"])

    done = publisher.event(waiting, 1, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
    await eventually(told_again, lambda status: status == "success", seconds=30)
    assert (await publisher.redis.xinfo_groups(RESULTS_STREAM))[0]["name"] == b"gateway"


async def test_a_publish_while_redis_is_stopped_is_accepted_and_sent_when_it_is_back(
    impatient_gateway: Gateway, new_person: NewPerson, publisher: Publisher, valkey: EmbeddedValkey
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


async def test_two_gateways_share_the_work_and_a_command_is_not_doubled(
    start_gateway: StartGateway, person: Person, publisher: Publisher
) -> None:
    second = start_gateway(RERING_AFTER_SECONDS="600")
    async with second.client(cookies=person.http.cookies) as client:
        client.headers["x-customer-id"] = person.me["customerId"]
        run = await person.publish()
        assert (await client.post("/ads/publish", json={})).json()["runId"] == str(run.run_id)
        await publisher.tell(run, 1, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
        await run.until(lambda seen: seen["status"] == "success")
        assert (await client.get("/ads/objects")).json()["campaignId"] == "1"
    await _commands(publisher, run, at_least=1)
    assert len(await publisher.commands(run)) == 1

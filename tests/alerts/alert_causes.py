"""What makes each alert fire, done for real on a running stack: it holds inside the `async with`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import httpx
from alert_server import Discovery
from e2e_driver import Advertiser, Sandbox, eventually
from e2e_system import EmbeddedSystem, database_url
from redis.asyncio import Redis

from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH
from local_stack.stack import POSTGRES, VALKEY

LATE_SECONDS = 8.0
"""A create that lands so late is behind the look-up and the new attempt, in compressed time."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The stack, and customers who can press Publish."""

    stack: EmbeddedSystem
    sandbox: Sandbox
    discovery: Discovery
    new_advertiser: Callable[..., Awaitable[tuple[Advertiser, str]]]
    """Signs up, connects and selects an ad account: a new one, or the one that is given."""

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(database_url(self.stack))
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    async def let_waits_pass(self) -> None:
        """Waits for Meta's limits last a minute at least; here they are over now."""
        await self.execute(
            "UPDATE ads_publisher.account_pauses SET until = now()",
            "UPDATE ads_publisher.publish_jobs SET due_at = now() WHERE status = 'ready'",
        )


Cause = Callable[[Scene], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def someone_asks(advertiser: Advertiser, path: str) -> AsyncIterator[None]:
    """Again and again, as users and orchestrators do."""

    async def ask() -> None:
        while True:
            with suppress(httpx.TransportError):
                await advertiser.request("GET", path)
            await asyncio.sleep(0.1)

    asking = asyncio.create_task(ask())
    yield
    asking.cancel()


@asynccontextmanager
async def meta_auth_is_down(scene: Scene) -> AsyncIterator[None]:
    advertiser, _ = await scene.new_advertiser()
    await scene.stack.stop(META_AUTH)
    async with someone_asks(advertiser, "/meta/status"):
        yield
    await scene.stack.start(META_AUTH)


@asynccontextmanager
async def postgres_is_down(scene: Scene) -> AsyncIterator[None]:
    advertiser, _ = await scene.new_advertiser()
    await scene.stack.stop(POSTGRES)
    async with someone_asks(advertiser, "/health/ready"):
        yield
    await scene.stack.start(POSTGRES)
    for name in (GATEWAY, META_AUTH, ADS_PUBLISHER):
        await scene.stack.wait_ready(name)


@asynccontextmanager
async def publisher_is_gone(scene: Scene) -> AsyncIterator[None]:
    await scene.stack.stop(ADS_PUBLISHER)
    yield
    await scene.stack.start(ADS_PUBLISHER)


@asynccontextmanager
async def no_publisher_is_found(scene: Scene) -> AsyncIterator[None]:
    # It runs on: its page must not be seen to fail, since a container that is gone has none.
    scene.discovery.lose(ADS_PUBLISHER)
    yield
    scene.discovery.find(ADS_PUBLISHER)


@asynccontextmanager
async def publishing_is_switched_off(scene: Scene) -> AsyncIterator[None]:
    advertiser, _ = await scene.new_advertiser()
    await scene.stack.restart(ADS_PUBLISHER, env={"ALLOW_REAL_META_WRITE": "false"})
    # One run only: the first of this process must be enough.
    assert (await advertiser.publish())["errorMessage"].startswith("Ads publish is disabled.")
    yield
    await scene.stack.restart(ADS_PUBLISHER, env={"ALLOW_REAL_META_WRITE": "true"})


@asynccontextmanager
async def one_waits_behind_another(scene: Scene) -> AsyncIterator[None]:
    first, account = await scene.new_advertiser()
    second, _ = await scene.new_advertiser(account)
    await scene.sandbox.arm("throttle", at="before_commit", step="campaign", account=account)
    runs = [(each, (await each.start_publish())["runId"]) for each in (first, second)]
    yield
    await scene.let_waits_pass()
    for advertiser, run_id in runs:
        await advertiser.finished(run_id)


@asynccontextmanager
async def a_bug_is_met(scene: Scene) -> AsyncIterator[None]:
    advertiser, _ = await scene.new_advertiser()
    await scene.stack.restart(ADS_PUBLISHER, env={"FAILPOINTS": "publisher.granted=raise"})
    started = await advertiser.start_publish()
    yield
    await advertiser.finished(started["runId"])
    await scene.stack.restart(ADS_PUBLISHER, env={"FAILPOINTS": ""})
    await scene.stack.command(ADS_PUBLISHER, "dead", "replay", started["runId"])
    await eventually(lambda: advertiser.run(started["runId"]), lambda run: run["status"] == "success")


@asynccontextmanager
async def budgets_are_too_low(scene: Scene) -> AsyncIterator[None]:
    advertisers = [(await scene.new_advertiser())[0] for _ in range(3)]
    for advertiser in advertisers:
        await advertiser.save(budgetOverride=30)
    for advertiser in advertisers:
        assert (await advertiser.publish())["status"] == "failed"
    yield


@asynccontextmanager
async def redis_is_down(scene: Scene) -> AsyncIterator[None]:
    advertiser, _ = await scene.new_advertiser()
    await scene.stack.stop(VALKEY)
    started = await advertiser.start_publish()
    yield
    await scene.stack.start(VALKEY)
    await advertiser.finished(started["runId"])


@asynccontextmanager
async def another_holds_the_relays_lock(scene: Scene) -> AsyncIterator[None]:
    connection = await asyncpg.connect(database_url(scene.stack))
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'relay' AND usename = 'gateway'"
    )
    await connection.execute("SELECT pg_advisory_lock(hashtext('outbox_relay'), hashtext('gateway'))")
    yield
    await connection.close()


@asynccontextmanager
async def results_cannot_be_taken_in(scene: Scene) -> AsyncIterator[None]:
    advertiser, _ = await scene.new_advertiser()
    connection = await asyncpg.connect(database_url(scene.stack))
    async with connection.transaction():
        await connection.execute("LOCK TABLE gateway.inbox")
        started = await advertiser.start_publish()
        yield
    await connection.close()
    await advertiser.finished(started["runId"])


@asynccontextmanager
async def garbage_is_on_a_stream(scene: Scene) -> AsyncIterator[None]:
    async with Redis.from_url(scene.stack.valkey.url) as redis:
        await redis.xadd("ads.publish", {"__data__": "not JSON"})
        yield
        await redis.delete("ads.publish.dead")


@asynccontextmanager
async def an_answer_is_lost(scene: Scene) -> AsyncIterator[None]:
    advertiser, account = await scene.new_advertiser()
    await scene.sandbox.arm("reset", at="after_commit", step="campaign", account=account)
    await advertiser.publish_to_success()
    yield


@asynccontextmanager
async def meta_takes_its_time(scene: Scene) -> AsyncIterator[None]:
    advertiser, account = await scene.new_advertiser()
    await scene.sandbox.arm("delay_arrival", account=account, seconds=2, times=None)
    await advertiser.publish_to_success()
    yield
    await scene.sandbox.clear_faults()


@asynccontextmanager
async def meta_limits_the_app(scene: Scene) -> AsyncIterator[None]:
    advertiser, account = await scene.new_advertiser()
    await scene.sandbox.arm("throttle", at="before_commit", step="campaign", account=account, code=4)
    started = await advertiser.start_publish()
    yield
    await scene.let_waits_pass()
    await advertiser.finished(started["runId"])


@asynccontextmanager
async def a_create_lands_late_and_meta_takes_it(scene: Scene) -> AsyncIterator[None]:
    advertiser, account = await scene.new_advertiser()
    # Meta not enforcing the expiry of proofs: the one thing that lets an extra object arise.
    await scene.sandbox.change_settings(proof_seconds=100_000)
    await scene.sandbox.arm_raw(
        match={"step": "campaign", "account": account, "attempt": 1},
        do="delay_arrival",
        seconds=LATE_SECONDS,
        drop=True,
    )
    await advertiser.publish_to_success()
    yield
    await scene.sandbox.change_settings(proof_seconds=300)


@asynccontextmanager
async def meta_refuses_everyones_token(scene: Scene) -> AsyncIterator[None]:
    advertisers = [(await scene.new_advertiser())[0] for _ in range(2)]
    await scene.sandbox.revoke_tokens("ben", 460)
    for advertiser in advertisers:
        assert (await advertiser.publish())["status"] == "failed"
    yield
    await scene.sandbox.revoke_tokens("ben", None)


@asynccontextmanager
async def a_token_ends_in_two_days(scene: Scene) -> AsyncIterator[None]:
    advertiser, _ = await scene.new_advertiser()
    customer = UUID(advertiser.customer_id)
    change = "UPDATE meta_auth.meta_connections SET token_expires_at = now() + interval '{} days'"
    await scene.execute(f"{change.format(2)} WHERE customer_id = '{customer}'")
    yield
    await scene.execute(f"{change.format(60)} WHERE customer_id = '{customer}'")


CAUSES: dict[str, Cause] = {
    "ProcessDown": meta_auth_is_down,
    "RequestsFail": meta_auth_is_down,
    "NotReady": postgres_is_down,
    "PostgresUnseen": postgres_is_down,
    "NoPublisherSeen": publisher_is_gone,
    "ServiceGone": no_publisher_is_found,
    "RunsWait": one_waits_behind_another,
    "RunStuck": one_waits_behind_another,
    "RunsCrash": a_bug_is_met,
    "RunsGivenUp": a_bug_is_met,
    "RunsFailForUs": publishing_is_switched_off,
    "RunsFail": budgets_are_too_low,
    "RelayLags": redis_is_down,
    "RedisUnseen": redis_is_down,
    "NoRelay": another_holds_the_relays_lock,
    "EntriesPend": results_cannot_be_taken_in,
    "DeadLetters": garbage_is_on_a_stream,
    "AnswersGetLost": an_answer_is_lost,
    "MetaIsSlow": meta_takes_its_time,
    "AppThrottled": meta_limits_the_app,
    "ThrottledForLong": meta_limits_the_app,
    "ExtraObjects": a_create_lands_late_and_meta_takes_it,
    "ConnectionsBreak": meta_refuses_everyones_token,
    "TokensRunOut": a_token_ends_in_two_days,
}

"""Parts that stop, answers that get lost, tokens that die: one campaign and a final answer all the same."""

from collections.abc import Callable

import pytest
from e2e_driver import FINAL, Advertiser, Sandbox, eventually
from e2e_system import System
from redis.asyncio import Redis

from local_stack.stack import VALKEY

NewAccount = Callable[[], str]


async def assert_one_of_each(sandbox: Sandbox, account: str) -> None:
    assert len(await sandbox.created(account, "campaign")) == 1
    assert len(await sandbox.created(account, "adset")) == 1


async def test_with_redis_stopped_a_publish_is_accepted_and_finishes_when_it_is_back(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await stack.stop(VALKEY)
    try:
        answer = await advertiser.request("POST", "/ads/publish", json={})
        assert answer.status_code == 201
        assert (await advertiser.status())["lastRuns"][0]["status"] == "queued"
        health = await advertiser.request("GET", "/health")
        assert (health.status_code, health.json()) == (503, {"ok": False, "db": True, "redis": False})
    finally:
        await stack.start(VALKEY)
    run = await advertiser.finished(answer.json()["runId"])
    assert run["status"] == "success"
    await assert_one_of_each(sandbox, account)


async def test_emptying_redis_loses_nothing(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await stack.stop("ads-publisher")
    started = await advertiser.start_publish()
    async with Redis.from_url(stack.valkey.url) as redis:
        await eventually(lambda: redis.xlen("ads.publish"), bool)
        await redis.flushall()
    await stack.start("ads-publisher")
    run = await advertiser.finished(started["runId"], seconds=30)
    assert run["status"] == "success"
    await assert_one_of_each(sandbox, account)


async def test_emptying_redis_under_running_consumers_loses_nothing(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    async with Redis.from_url(stack.valkey.url) as redis:
        started = await advertiser.start_publish()
        await redis.flushall()
    run = await advertiser.finished(started["runId"], seconds=30)
    assert run["status"] == "success"
    await assert_one_of_each(sandbox, account)


@pytest.mark.parametrize("step", ["campaign", "adset"])
@pytest.mark.parametrize("do", ["reset", "close", "error_500", "cut_body", "bad_json", "missing_id"])
async def test_an_answer_lost_after_the_create_is_found_again_within_seconds(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, do: str, step: str
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm(do, at="after_commit", step=step, account=account)
    run = await advertiser.finished((await advertiser.start_publish())["runId"], seconds=10)
    assert run["status"] == "success", run["errorMessage"]
    assert any(entry["state"] == "checking" and entry["step"] == step for entry in run["steps"])
    await assert_one_of_each(sandbox, account)


@pytest.mark.parametrize(("do", "seconds"), [("hang", 30), ("trickle", 1), ("html", None)])
async def test_an_answer_that_never_ends_or_is_none_is_cut_off_and_looked_up(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, do: str, seconds: int | None
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm(do, at="after_commit", step="campaign", account=account, seconds=seconds)
    run = await advertiser.finished((await advertiser.start_publish())["runId"], seconds=20)
    assert run["status"] == "success", run["errorMessage"]
    assert any(entry["state"] == "checking" for entry in run["steps"])
    await assert_one_of_each(sandbox, account)


@pytest.mark.parametrize("do", ["close", "code_2"])
async def test_a_create_that_never_happened_is_tried_again_after_the_admit_window(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, do: str
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm(do, at="before_commit", step="campaign", account=account)
    run = await advertiser.finished((await advertiser.start_publish())["runId"], seconds=30)
    assert run["status"] == "success", run["errorMessage"]
    assert any("Next look at" in entry["message"] for entry in run["steps"])
    await assert_one_of_each(sandbox, account)


@pytest.mark.parametrize("step", ["campaign", "adset"])
async def test_a_publisher_killed_between_metas_commit_and_its_answer_makes_no_second_object(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System, step: str
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm("hang", at="after_commit", step=step, account=account)
    started = await advertiser.start_publish()
    await eventually(lambda: sandbox.created(account, step), bool)
    stack.kill("ads-publisher")
    run = await advertiser.finished(started["runId"], seconds=30)
    assert run["status"] == "success", run["errorMessage"]
    await assert_one_of_each(sandbox, account)


async def test_a_token_that_dies_in_the_middle_asks_for_a_reconnect_and_keeps_the_campaign(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm("revoke_token", at="before_commit", step="adset", account=account)
    failed = await advertiser.finished((await advertiser.start_publish())["runId"])
    assert failed["status"] == "failed"
    assert failed["errorMessage"].startswith("190")
    assert failed["errorMessage"].endswith("Reconnect Meta in Settings.")
    assert (await advertiser.get("/meta/status"))["status"] == "error"
    [campaign] = await sandbox.created(account, "campaign")
    await advertiser.connect(persona="ben")
    await advertiser.select(account)
    run = await advertiser.publish_to_success()
    assert run["campaignId"] == campaign
    await assert_one_of_each(sandbox, account)


async def test_a_throttled_account_waits_and_says_so(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm("throttle", at="before_commit", step="campaign", account=account, seconds=60)
    started = await advertiser.start_publish()
    run = await eventually(
        lambda: advertiser.run(started["runId"]),
        lambda seen: any(entry["type"] == "RUN_WAITING" for entry in seen["steps"]),
    )
    assert run["status"] not in FINAL
    assert run["steps"][-1]["message"].startswith("Waiting for Meta until ")


async def test_with_postgres_restarted_a_publish_finishes(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    started = await advertiser.start_publish()
    stack.kill("postgres")
    await stack.wait_ready("postgres")

    async def look() -> int:
        return (await advertiser.request("GET", f"/ads/runs/{started['runId']}")).status_code

    await eventually(look, lambda code: code == 200)
    run = await advertiser.finished(started["runId"])
    assert run["status"] == "success"
    await assert_one_of_each(sandbox, account)


@pytest.mark.parametrize(
    ("code", "subcode", "advice"),
    [
        (190, 459, "Log in at facebook.com and confirm your account there. Then publish again."),
        (368, 1404078, "Meta has blocked this action. See Account Quality at facebook.com/accountquality."),
        (200, None, "Ask an admin of the ad account to give you the Advertise task."),
    ],
)
async def test_a_refusal_that_no_reconnect_can_cure_leaves_the_connection_alone(
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: NewAccount,
    code: int,
    subcode: int | None,
    advice: str,
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm(
        "error", at="before_commit", step="campaign", account=account, code=code, subcode=subcode
    )
    failed = await advertiser.finished((await advertiser.start_publish())["runId"])
    assert failed["status"] == "failed"
    assert failed["errorMessage"].startswith(f"{code}{f' (sub {subcode})' if subcode else ''}: ")
    assert advice in failed["errorMessage"]
    assert (await advertiser.get("/meta/status"))["status"] == "connected"
    await advertiser.publish_to_success()


async def test_while_one_ad_account_waits_for_meta_another_goes_on(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    waiting, free = new_account(), new_account()
    for account in (waiting, free):
        await sandbox.name_owner(account)
    await advertiser.set_up(waiting)
    await sandbox.arm("throttle", at="before_commit", step="campaign", account=waiting, seconds=60)
    held = await advertiser.start_publish()
    async with Advertiser(stack.gateway_url) as other:
        await other.sign_up()
        await other.set_up(free)
        await other.publish_to_success()
    assert (await advertiser.run(held["runId"]))["status"] == "running"


async def test_an_account_near_its_limit_is_slowed_down_and_still_served(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.change_account(account, usage_percent=76.0)
    run = await advertiser.publish_to_success()
    assert any(step["message"].startswith("Waiting for Meta until ") for step in run["steps"])
    await assert_one_of_each(sandbox, account)


@pytest.mark.parametrize("offset_seconds", [-600, 600])
async def test_a_clock_that_differs_from_metas_corrects_itself(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, offset_seconds: int
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    try:
        await sandbox.change_settings(clock_offset_seconds=float(offset_seconds))
        await advertiser.publish_to_success()
    finally:
        await sandbox.change_settings(clock_offset_seconds=0.0)
    await assert_one_of_each(sandbox, account)

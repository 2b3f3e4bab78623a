"""The console on a bad day: other modes, no publisher, a cut stream, a dead gateway, an ended session."""

from collections.abc import AsyncIterator, Callable

import httpx
import pytest_asyncio
from e2e_driver import Advertiser, Sandbox, eventually
from e2e_person import Person
from e2e_system import System
from playwright.async_api import expect

from local_stack.services import ADS_PUBLISHER, GATEWAY

NewAccount = Callable[[], str]
REAL, SIM = "ALLOW_REAL_META_WRITE", "ALLOW_DEV_ADS_PUBLISH_SIM"


@pytest_asyncio.fixture
async def account(advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount) -> AsyncIterator[str]:
    """The ad account of an advertiser for whom only Publish is left to press."""
    chosen = new_account()
    await sandbox.name_owner(chosen)
    await advertiser.set_up(chosen)
    yield chosen


async def test_the_mode_shows_before_and_after_a_publish(
    person: Person, advertiser: Advertiser, sandbox: Sandbox, account: str, stack: System
) -> None:
    try:
        await stack.restart(ADS_PUBLISHER, env={REAL: "false", SIM: "false"})
        await person.enter_as(advertiser)
        await person.reads("Publishing is off")
        await person.publish(confirm="Try it")
        await expect(person.failure()).to_contain_text("Ads publish is disabled.")
        await expect(person.failure()).to_contain_text("The operator of this installation")
        await stack.restart(ADS_PUBLISHER, env={SIM: "true"})
        await person.reads("This installation simulates")
        await person.publish(confirm="Simulate")
        await person.reads("Simulated. Nothing was created at Meta.")
        await person.follow("See the campaign")
        await person.reads("Nothing exists at Meta.")
    finally:
        await stack.restart(ADS_PUBLISHER, env={REAL: "true", SIM: "false"})
    objects = await advertiser.get("/ads/objects")
    assert objects["campaignId"] == f"dev-campaign-{str(advertiser.customer_id)[:8]}"
    await person.reads(objects["campaignId"])
    assert await sandbox.objects(account) == []


async def test_without_a_publisher_the_run_waits_and_goes_on_when_one_is_back(
    person: Person, advertiser: Advertiser, sandbox: Sandbox, account: str, stack: System
) -> None:
    # The mode that an absent publisher had is the one last heard of, which may be that of the test before.
    await eventually(advertiser.status, lambda status: status["derived"]["metaWriteMode"] == "real")
    await stack.stop(ADS_PUBLISHER)
    try:
        await person.enter_as(advertiser)
        # It is missed when it has said nothing for 20 s.
        await eventually(advertiser.status, lambda status: not status["derived"]["publisher"]["seen"])
        await person.reads("Publisher offline")
        await person.publish()
        await person.reads("Waiting for a publisher to take it.")
        assert (await advertiser.get("/ads/runs"))["data"][0]["status"] == "queued"
    finally:
        await stack.start(ADS_PUBLISHER)
    await person.sees_success()
    await person.reads("Real mode")
    assert len(await sandbox.created(account, "campaign")) == 1


async def test_a_run_whose_event_stream_cannot_be_had_is_followed_by_polling(
    person: Person, advertiser: Advertiser, sandbox: Sandbox, account: str
) -> None:
    await person.page.route("**/events?*", lambda route: route.abort())
    person.troubles.expect_cut("/events?")
    await person.enter_as(advertiser)
    await sandbox.arm("hang", at="after_commit", step="campaign", account=account)
    await person.publish()
    await person.reads("Meta's answer was lost.")
    await person.sees_success()
    assert len(await sandbox.created(account, "campaign")) == 1


async def test_a_gateway_that_dies_in_mid_run_costs_the_page_nothing_but_time(
    person: Person, advertiser: Advertiser, sandbox: Sandbox, account: str, stack: System
) -> None:
    await person.enter_as(advertiser)
    await sandbox.arm("hang", at="after_commit", step="campaign", account=account)
    await person.publish()
    await person.reads("Creating the campaign")
    person.troubles.expect_cut(stack.gateway_url)
    stack.kill(GATEWAY)
    await stack.wait_ready(GATEWAY)
    await person.sees_success()
    assert len(await sandbox.created(account, "campaign")) == 1


async def test_a_session_that_ends_in_mid_click_asks_for_a_login_and_returns_to_the_page(
    person: Person, advertiser: Advertiser, account: str, stack: System
) -> None:
    await person.enter_as(advertiser)
    await expect(person.button("Publish")).to_be_enabled()
    await person.press("Publish")
    for path in ("/ads/publish", "/ads/status", "/ads/objects", "/ads/runs", "/meta/status"):
        person.troubles.expect(401, path)
    async with httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False) as elsewhere:
        cookie = {"cookie": f"session={await person.session()}"}
        assert (await elsewhere.post("/auth/logout", json={}, headers=cookie)).is_success
    await person.press("Create both, PAUSED")
    await person.reads("Your session ended. Log in to go on.")
    assert (await advertiser.get("/ads/runs"))["data"] == []
    await person.log_in()
    await person.is_at("/ads", title="Overview")
    await person.publish()
    await person.sees_success()


async def test_a_session_that_ended_between_two_visits_is_noticed_once(
    person: Person, advertiser: Advertiser, stack: System
) -> None:
    await person.enter_as(advertiser)
    # What the first visit still asks for would be refused as well.
    await person.page.wait_for_load_state("networkidle")
    await person.page.goto("about:blank")
    async with httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False) as elsewhere:
        cookie = {"cookie": f"session={await person.session()}"}
        assert (await elsewhere.post("/auth/logout", json={}, headers=cookie)).is_success
    person.troubles.expect(401, "/auth/me")
    for _ in range(2):
        await person.open("/ads")
        await expect(person.button("Log in")).to_be_visible()
    assert len(person.troubles.console_errors()) == 1
    await person.log_in()
    await person.is_at("/ads", title="Overview")

"""The whole way of a person who has read nothing: from sign-up to a PAUSED campaign, in the browser alone."""

import time
from collections.abc import Callable

from e2e_driver import PASSWORD, Advertiser, Sandbox
from e2e_person import Person
from e2e_system import System
from playwright.async_api import expect

NewAccount = Callable[[], str]
ALLOWED_SECONDS = 120
"""A person must need less; the browser, which types and reads at once, takes a small part of it."""
FEW_PRESSES = 30


async def test_a_person_gets_from_sign_up_to_a_paused_campaign_by_following_the_page(
    person: Person, sandbox: Sandbox, new_account: NewAccount, stack: System, figures: dict[str, str]
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    began = time.monotonic()
    await person.sign_up()
    await person.follow("Open Settings")
    await person.connect()
    await person.select_account(account)
    await person.follow("Overview")
    await person.follow("Set it up")
    await person.set_up()
    await person.follow("Go to the overview")
    await person.publish()
    await person.sees_success()
    await person.follow("See the campaign")
    await person.is_at("/ads/campaign", title="Campaign")
    seconds = time.monotonic() - began
    created = {kind: await sandbox.created(account, kind) for kind in ("campaign", "adset")}
    for [object_id] in created.values():
        await person.reads(object_id)
    await expect(person.page.get_by_text("PAUSED", exact=True).first).to_be_visible()
    assert {row["status"] for row in await sandbox.objects(account)} == {"PAUSED"}
    async with Advertiser(stack.gateway_url) as same:
        await same.sign_up_or_log_in(person.email, PASSWORD)
        objects = await same.get("/ads/objects")
    assert [[objects["campaignId"]], [objects["adsetId"]]] == list(created.values())
    # Everything from the first visit on, what a page may expect included.
    assert person.troubles.console_errors() == []
    assert seconds < ALLOWED_SECONDS
    assert person.presses <= FEW_PRESSES
    figures["sign-up to PAUSED campaign"] = f"{seconds:.1f} s, {person.presses} fields and buttons"


async def test_each_step_shows_while_the_run_is_at_work(
    person: Person, advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    # The answer about the campaign never comes; the run looks it up when its patience is over.
    await sandbox.arm("hang", at="after_commit", step="campaign", account=account)
    await person.enter_as(advertiser)
    await person.publish()
    await person.reads('Creating the campaign "Project Auto - Test Campaign", PAUSED.')
    await expect(person.page.get_by_text("Running", exact=True)).to_be_visible()
    await expect(person.button("Publish")).to_be_disabled()
    await person.reads("Meta's answer was lost.")
    await person.sees_success()
    assert len(await sandbox.created(account, "campaign")) == 1


async def test_publishing_again_makes_no_second_campaign(
    person: Person, advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    first = await advertiser.publish_to_success()
    await person.enter_as(advertiser)
    await person.sees_success()
    await person.publish(button="Publish again", confirm="Look and publish")
    await person.reads("is there already; no new one is needed.")
    await person.sees_success()
    [newest, *_] = (await advertiser.get("/ads/runs"))["data"]
    assert newest["id"] != first["id"]
    assert newest["campaignId"] == first["campaignId"]
    assert len(await sandbox.created(account, "campaign")) == 1
    assert len(await sandbox.created(account, "adset")) == 1

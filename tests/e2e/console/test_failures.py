"""A publish that fails says what to do, leads there, and works once that is done."""

from collections.abc import Callable

import pytest
from e2e_driver import Advertiser, Sandbox
from e2e_person import Person
from playwright.async_api import expect

NewAccount = Callable[[], str]


async def created(sandbox: Sandbox, account: str) -> dict[str, int]:
    return {kind: len(await sandbox.created(account, kind)) for kind in ("campaign", "adset")}


async def test_a_budget_below_the_minimum_is_warned_of_refused_and_mended_in_setup(
    person: Person, advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await advertiser.save(budgetOverride=30)
    await person.enter_as(advertiser)
    await expect(person.button("Publish")).to_be_enabled()
    await person.press("Publish")
    await expect(person.page.get_by_role("dialog")).to_contain_text("minimum of")
    await person.press("Create both, PAUSED")
    await expect(person.failure()).to_contain_text("budget")
    await expect(person.failure()).to_contain_text("You can fix this yourself.")
    assert await created(sandbox, account) == {"campaign": 1, "adset": 0}
    await person.failure().get_by_role("link", name="Go to Setup").click()
    await person.is_at("/ads/setup", title="Setup")
    await person.page.get_by_label("Budget a month").fill("3000")
    await person.press("Save")
    await person.follow("Go to the overview")
    await person.publish(button="Publish again", confirm="Look and publish")
    await person.sees_success()
    assert await created(sandbox, account) == {"campaign": 1, "adset": 1}


async def test_an_account_without_a_beneficiary_says_who_can_name_one(
    person: Person, advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await advertiser.set_up(account)
    await person.enter_as(advertiser)
    await person.publish()
    await expect(person.failure()).to_contain_text("beneficiary")
    [run, *_] = (await advertiser.get("/ads/runs"))["data"]
    assert run["status"] == "failed"
    await expect(person.failure()).to_contain_text(run["hint"])
    await sandbox.name_owner(account)
    await person.failure().get_by_role("button", name="Try again").click()
    await person.page.get_by_role("dialog").get_by_role("button").last.click()
    await person.sees_success()
    assert await created(sandbox, account) == {"campaign": 1, "adset": 1}


async def test_a_token_that_dies_in_the_middle_leads_to_a_reconnect_and_the_campaign_is_kept(
    person: Person, advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm("revoke_token", at="before_commit", step="adset", account=account)
    await person.enter_as(advertiser)
    # The connection is no more: its accounts cannot be listed.
    person.troubles.expect(400, "/meta/ad-accounts")
    await person.publish()
    await expect(person.failure()).to_contain_text("Reconnect Meta in Settings.")
    await person.failure().get_by_role("link", name="Go to Settings").click()
    await person.reads("Reconnect needed")
    await person.connect("Reconnect")
    if (await advertiser.get("/meta/status"))["selectedAdAccountId"] != account:
        await person.select_account(account)
    await person.follow("Overview")
    await person.publish(button="Publish again", confirm="Look and publish")
    await person.sees_success()
    assert await created(sandbox, account) == {"campaign": 1, "adset": 1}


@pytest.mark.parametrize(
    ("done", "link", "path", "title"),
    [("settings", "Open Settings", "/settings", "Settings"), ("account", "Set it up", "/ads/setup", "Setup")],
)
async def test_what_is_still_to_do_blocks_publish_and_leads_there(
    person: Person,
    advertiser: Advertiser,
    new_account: NewAccount,
    done: str,
    link: str,
    path: str,
    title: str,
) -> None:
    if done == "account":
        await advertiser.connect(persona="ben")
        await advertiser.select(new_account())
    else:
        await advertiser.save()
    await person.enter_as(advertiser)
    await person.reads("1 thing to do")
    await expect(person.button("Publish")).to_be_disabled()
    await person.follow(link)
    await person.is_at(path, title=title)
    assert (await advertiser.get("/ads/runs"))["data"] == []

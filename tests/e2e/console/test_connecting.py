"""Connecting with Meta by its dialog, and every way in which that goes otherwise."""

from collections.abc import Callable

from e2e_driver import Advertiser, Sandbox
from e2e_person import Person
from e2e_system import System
from playwright.async_api import expect

from local_stack.services import META_AUTH

NewAccount = Callable[[], str]


async def status_of(advertiser: Advertiser) -> dict[str, object]:
    return dict(await advertiser.get("/meta/status"))


async def test_who_agrees_in_meta_s_dialog_is_connected_and_can_choose_an_account(
    person: Person, advertiser: Advertiser, new_account: NewAccount
) -> None:
    account = new_account()
    await person.enter_as(advertiser, "/settings")
    await person.connect()
    await person.select_account(account)
    status = await status_of(advertiser)
    assert (status["status"], status["selectedAdAccountId"]) == ("connected", account)


async def test_who_declines_is_told_so_and_stays_unconnected(person: Person, advertiser: Advertiser) -> None:
    await person.enter_as(advertiser, "/settings")
    await person.go_to_dialog()
    await person.answer_dialog("Cancel")
    await person.reads("Press Connect and agree, if you want to.")
    await expect(person.button("Connect Meta")).to_be_visible()
    assert (await status_of(advertiser))["status"] == "disconnected"


async def test_declining_a_reconnect_leaves_the_connection_as_it_was(
    person: Person, advertiser: Advertiser
) -> None:
    await advertiser.connect(persona="ben")
    await person.enter_as(advertiser, "/settings")
    await person.go_to_dialog("Reconnect")
    await person.answer_dialog("Cancel")
    await person.reads("Press Connect and agree, if you want to.")
    await expect(person.page.get_by_text("Connected", exact=True)).to_be_visible()
    assert (await status_of(advertiser))["status"] == "connected"


async def test_a_permission_that_publishing_needs_and_that_was_not_granted_is_asked_for_again(
    person: Person, advertiser: Advertiser
) -> None:
    await person.enter_as(advertiser, "/settings")
    await person.go_to_dialog()
    await person.answer_dialog("Allow only what is ticked", persona="cleo", without="ads_management")
    await person.reads("You did not grant a permission that publishing needs.")
    assert (await status_of(advertiser))["status"] == "disconnected"
    await person.go_to_dialog()
    await person.answer_dialog(persona="cleo")
    await person.reads("Your Meta account is connected")
    assert (await status_of(advertiser))["status"] == "connected"


async def test_the_news_of_the_dialog_is_told_once(person: Person, advertiser: Advertiser) -> None:
    await person.enter_as(advertiser, "/settings")
    await person.connect()
    await person.page.reload()
    await person.is_at("/settings", title="Settings")
    await expect(person.page.get_by_text("Connected", exact=True)).to_be_visible()
    await expect(person.page.get_by_text("Your Meta account is connected")).to_have_count(0)


async def test_a_token_that_meta_revoked_shows_and_a_reconnect_mends_it(
    person: Person, advertiser: Advertiser, sandbox: Sandbox
) -> None:
    await advertiser.connect(persona="dan")
    await person.enter_as(advertiser, "/settings")
    await sandbox.revoke_tokens("dan", 460)
    try:
        person.troubles.expect(400, "/meta/debug/smoke")
        # Whether the list of accounts is asked for before or after the connection is known to be broken.
        for status in (400, 502):
            person.troubles.expect(status, "/meta/ad-accounts")
        await person.press("Run the check")
        await person.reads("Reconnect needed")
        assert (await status_of(advertiser))["status"] == "error"
    finally:
        await sandbox.revoke_tokens("dan", None)
    await person.connect("Reconnect", persona="dan")
    assert (await status_of(advertiser))["status"] == "connected"


async def test_disconnecting_says_what_it_does_and_forgets_the_account(
    person: Person, advertiser: Advertiser, new_account: NewAccount
) -> None:
    await advertiser.connect(persona="ben")
    await advertiser.select(new_account())
    await person.enter_as(advertiser, "/settings")
    await person.press("Disconnect")
    dialog = person.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("The selected ad account is forgotten.")
    await dialog.get_by_role("button", name="Disconnect", exact=True).click()
    await person.reads("Meta is disconnected.")
    status = await status_of(advertiser)
    assert (status["status"], status["selectedAdAccountId"]) == ("disconnected", None)


async def test_a_fake_connection_is_made_where_the_installation_allows_it(
    person: Person, advertiser: Advertiser
) -> None:
    await person.enter_as(advertiser, "/settings")
    await person.page.get_by_text("Development", exact=True).click()
    await person.press("Dev: Fake Connect")
    await person.reads("The placeholder connection is there.")
    await expect(person.page.get_by_text("Connected", exact=True)).to_be_visible()
    status = await status_of(advertiser)
    assert (status["status"], status["metaUserId"]) == ("connected", "dev-user-123")
    await person.press("Run the check")
    await person.reads("Dev mode: using placeholder data.")


async def test_a_fake_connection_is_refused_with_words_where_it_is_not_allowed(
    person: Person, advertiser: Advertiser, stack: System
) -> None:
    await stack.restart(META_AUTH, env={"ALLOW_DEV_META": "false"})
    try:
        person.troubles.expect(403, "/meta/dev-connect")
        await person.enter_as(advertiser, "/settings")
        await person.page.get_by_text("Development", exact=True).click()
        await person.press("Dev: Fake Connect")
        await expect(person.failure()).to_contain_text(
            "Dev Meta connect is disabled. Set ALLOW_DEV_META=true to enable."
        )
        await expect(person.button("Dev: Fake Connect")).to_be_disabled()
        await expect(person.page.get_by_text("Not connected", exact=True)).to_be_visible()
        assert (await status_of(advertiser))["status"] == "disconnected"
    finally:
        await stack.restart(META_AUTH, env={"ALLOW_DEV_META": "true"})
    await person.page.reload()
    await person.page.get_by_text("Development", exact=True).click()
    await person.press("Dev: Fake Connect")
    await person.reads("The placeholder connection is there.")

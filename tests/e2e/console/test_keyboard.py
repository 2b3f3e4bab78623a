"""The console by keyboard alone: no mouse is moved, and nothing is focused that Tab does not reach."""

from collections.abc import Callable

from e2e_driver import PASSWORD, Advertiser, Sandbox
from e2e_person import Person
from playwright.async_api import expect

NewAccount = Callable[[], str]


async def test_a_keyboard_is_enough_from_the_log_in_page_to_a_paused_campaign(
    person: Person, advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.connect(persona="ben")
    page = person.page
    await person.open("/login")
    await expect(person.field("Email")).to_be_focused()
    await page.keyboard.type(advertiser.email)
    await person.type_into(person.field("Password"), PASSWORD)
    await page.keyboard.press("Enter")
    await person.is_at("/ads", title="Overview")
    await person.press_by_key(page.get_by_role("link", name="Open Settings", exact=True))
    await person.is_at("/settings", title="Settings")
    await person.type_into(person.field("Search by name, id or currency"), account)
    await expect(page.get_by_role("radio")).to_have_count(1)
    await person.press_by_key(page.get_by_role("radio"), "Space")
    await person.press_by_key(person.button("Save Selection"))
    await person.reads("Saved. New campaigns go to")
    await person.press_by_key(page.get_by_role("link", name="Setup", exact=True))
    await person.is_at("/ads/setup", title="Setup")
    await person.type_into(person.field("Place"), "Malmö")
    await person.type_into(page.get_by_role("textbox", name="Radius in km"), "10")
    await person.press_by_key(page.get_by_role("checkbox", name="Feed"), "Space")
    await person.press_by_key(person.button("Save"))
    await person.reads("Saved. You can publish now.")
    await person.press_by_key(page.get_by_role("link", name="Go to the overview", exact=True))
    await person.is_at("/ads", title="Overview")
    await person.press_by_key(person.button("Publish"))
    await person.press_by_key(person.button("Create both, PAUSED"))
    await person.sees_success()
    assert {row["status"] for row in await sandbox.objects(account)} == {"PAUSED"}


async def test_escape_leaves_the_question_and_gives_the_focus_back(
    person: Person, advertiser: Advertiser, new_account: NewAccount
) -> None:
    await advertiser.set_up(new_account())
    await person.enter_as(advertiser)
    await person.press_by_key(person.button("Publish"))
    await expect(person.page.get_by_role("dialog")).to_be_visible()
    # What lies behind the question cannot be reached from it.
    for _ in range(6):
        await person.page.keyboard.press("Tab")
        await expect(person.page.get_by_role("dialog").locator(":focus")).to_have_count(1)
    await person.page.keyboard.press("Escape")
    await expect(person.page.get_by_role("dialog")).to_be_hidden()
    await expect(person.button("Publish")).to_be_focused()
    assert (await advertiser.get("/ads/runs"))["data"] == []

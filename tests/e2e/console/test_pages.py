"""Every page, in both schemes and at both sizes: axe finds nothing serious, nothing leaves the window.

With `--screenshots FOLDER` the same pages become pictures there.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
import pytest_asyncio
from e2e_browser import NARROW, SCHEMES, WIDE, barriers, dress, new_page, overflow
from e2e_driver import Advertiser
from e2e_person import Person
from e2e_system import System
from playwright.async_api import Browser, Page, expect

PAGES: Final = {
    "login": ("/login", "Log in"),
    "signup": ("/signup", "Sign up"),
    "forgot": ("/forgot-password", "Forgotten password"),
    "reset": ("/reset-password#token=from-the-mail", "Choose a new password"),
    "reset-incomplete": ("/reset-password", "Choose a new password"),
    "overview": ("/ads", "Overview"),
    "setup": ("/ads/setup", "Setup"),
    "campaign": ("/ads/campaign", "Campaign"),
    "diagnostics": ("/ads/diagnostics", "Diagnostics"),
    "run": ("/ads/diagnostics/{run_id}", "Publish run"),
    "settings": ("/settings", "Settings"),
    "account": ("/account", "Account"),
    "missing": ("/nowhere", "There is no such page"),
}
PUBLIC: Final = {"login", "signup", "forgot", "reset", "reset-incomplete"}


@pytest_asyncio.fixture(scope="module")
async def inside(
    browser: Browser, stack: System, console: str, published: tuple[Advertiser, str]
) -> AsyncIterator[Person]:
    """That customer, logged in."""
    async with new_page(browser, with_axe=True) as (page, troubles):
        person = Person(page, troubles, gateway_url=stack.gateway_url)
        yield await person.enter_as(published[0])
        assert troubles.all() == []


@pytest_asyncio.fixture(scope="module")
async def outside(browser: Browser, stack: System, console: str) -> AsyncIterator[Person]:
    """Somebody who is not logged in."""
    async with new_page(browser, with_axe=True) as (page, troubles):
        yield Person(page, troubles, gateway_url=stack.gateway_url)
        assert troubles.all() == []


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_can_be_used_by_everybody_at_every_size_and_in_both_schemes(
    inside: Person,
    outside: Person,
    published: tuple[Advertiser, str],
    screenshots: Path | None,
    name: str,
) -> None:
    person = outside if name in PUBLIC else inside
    path, title = PAGES[name]
    await person.open(path.format(run_id=published[1]))
    await expect(person.page.get_by_role("heading", name=title, exact=True).first).to_be_visible()
    await person.page.wait_for_load_state("networkidle")
    assert await looked_at(person.page, name, screenshots) == []


async def test_the_question_before_a_publish_can_be_answered_by_everybody(
    inside: Person, screenshots: Path | None
) -> None:
    await inside.open("/ads")
    await inside.press("Publish again")
    await expect(inside.page.get_by_role("dialog")).to_be_visible()
    assert await looked_at(inside.page, "publish", screenshots) == []


async def test_the_menu_of_a_narrow_window_opens_by_keyboard(
    inside: Person, screenshots: Path | None
) -> None:
    await inside.open("/ads")
    await dress(inside.page, "light", NARROW)
    await inside.button("Open the menu").focus()
    await inside.page.keyboard.press("Enter")
    await expect(inside.page.get_by_role("link", name="Diagnostics")).to_be_visible()
    assert await barriers(inside.page) == []
    if screenshots:
        await inside.page.screenshot(path=screenshots / f"menu-{NARROW}-light.png")
    await inside.page.get_by_role("link", name="Diagnostics").focus()
    await inside.page.keyboard.press("Enter")
    await inside.is_at("/ads/diagnostics", title="Diagnostics")


async def test_the_first_key_leads_past_the_menu(inside: Person) -> None:
    await inside.open("/settings")
    await inside.is_at("/settings", title="Settings")
    await inside.page.keyboard.press("Tab")
    await expect(inside.page.get_by_role("link", name="Skip to content")).to_be_focused()
    await inside.page.keyboard.press("Enter")
    await expect(inside.page.locator("#content")).to_be_focused()


async def looked_at(page: Page, name: str, screenshots: Path | None) -> list[str]:
    """What is wrong with the page as it stands, by scheme and width."""
    wrong = []
    for scheme in SCHEMES:
        for width in (WIDE, NARROW):
            await dress(page, scheme, width)
            found = await barriers(page)
            if (too_wide := await overflow(page)) > 0:
                found.append(f"{too_wide} pixels wider than the window")
            wrong += [f"{scheme}, {width}: {text}" for text in found]
            if screenshots:
                whole = await page.get_by_role("dialog").count() == 0
                await page.screenshot(path=screenshots / f"{name}-{width}-{scheme}.png", full_page=whole)
    await dress(page, "light", WIDE)
    return wrong

"""What a first visit costs: bytes on the wire, and the time until the page can be used."""

import pytest
from e2e_browser import new_page, transferred
from e2e_driver import Advertiser
from e2e_person import Person
from e2e_system import System
from playwright.async_api import Browser, expect

BUDGET_BYTES = 200_000


@pytest.mark.parametrize(("path", "ready"), [("/login", "Log in"), ("/ads", "Publish")])
async def test_a_first_visit_transfers_less_than_the_budget(
    browser: Browser,
    console: str,
    stack: System,
    advertiser: Advertiser,
    figures: dict[str, str],
    path: str,
    ready: str,
) -> None:
    async with new_page(browser) as (page, troubles):
        person = Person(page, troubles, gateway_url=stack.gateway_url)
        if path != "/login":
            await page.context.add_cookies(
                [{"name": "session", "value": advertiser.session, "url": stack.gateway_url}]
            )
        size = await transferred(page, f"{console}{path}")
        await expect(person.button(ready)).to_be_visible()
        assert size < BUDGET_BYTES
        figures[f"first load of {path}"] = f"{size / 1000:.0f} kB"
    async with new_page(browser) as (page, troubles):
        person = Person(page, troubles, gateway_url=stack.gateway_url)
        if path != "/login":
            await page.context.add_cookies(
                [{"name": "session", "value": advertiser.session, "url": stack.gateway_url}]
            )
        await page.goto(f"{console}{path}", wait_until="commit")
        await expect(person.button(ready)).to_be_visible()
        figures[f"first load of {path}"] += (
            f", can be used after {await page.evaluate('performance.now()'):.0f} ms"
        )

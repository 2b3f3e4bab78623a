"""What a first visit of each page costs: bytes on the wire, and the time until the page can be used."""

from typing import Final, Literal

import pytest
import pytest_asyncio
from e2e_browser import new_page, transferred
from e2e_driver import Advertiser
from e2e_person import Person
from e2e_system import System
from playwright.async_api import Browser, StorageState, expect

BUDGET_BYTES: Final = 200_000
READY: Final[dict[str, tuple[Literal["button", "combobox"], str]]] = {
    "/login": ("button", "Log in"),
    "/signup": ("button", "Create account"),
    "/forgot-password": ("button", "Send the link"),
    "/reset-password#token=from-the-mail": ("button", "Save the password"),
    "/ads": ("button", "Publish again"),
    "/ads/setup": ("button", "Save"),
    "/ads/campaign": ("button", "Sync with Meta"),
    "/ads/diagnostics": ("combobox", "Status"),
    "/ads/diagnostics/{run_id}": ("button", "Download the repro bundle"),
    "/settings": ("button", "Run the check"),
    "/account": ("button", "Change the password"),
}
"""The pages, and what is on each when it has read everything that it shows."""


@pytest_asyncio.fixture(scope="module")
async def logged_in(
    browser: Browser, console: str, stack: System, published: tuple[Advertiser, str]
) -> StorageState:
    """What a browser keeps of a person who has a campaign and logged in."""
    async with new_page(browser) as (page, troubles):
        await Person(page, troubles, gateway_url=stack.gateway_url).enter_as(published[0])
        return await page.context.storage_state()


@pytest.mark.parametrize("path", READY)
async def test_a_first_visit_transfers_less_than_the_budget(
    browser: Browser,
    console: str,
    logged_in: StorageState,
    published: tuple[Advertiser, str],
    figures: dict[str, str],
    path: str,
) -> None:
    address = f"{console}{path.format(run_id=published[1])}"
    role, name = READY[path]
    async with new_page(browser, state=logged_in) as (page, troubles):
        size = await transferred(page, address)
        await expect(page.get_by_role(role, name=name, exact=True)).to_be_visible()
        assert size < BUDGET_BYTES
        assert troubles.console_errors() == []
    async with new_page(browser, state=logged_in) as (page, _):
        await page.goto(address, wait_until="commit")
        # `expect` would look again after 100, 250 and 500 ms only; this looks at each frame.
        await page.get_by_role(role, name=name, exact=True).wait_for()
        ready_ms = await page.evaluate("performance.now()")
    figures[f"first load of {path}"] = f"{size / 1000:.0f} kB, can be used after {ready_ms:.0f} ms"

"""A person at the console: sees what a browser shows, and does what a keyboard and a mouse can do."""

import re
from typing import Any, Final, Self
from uuid import uuid4

import pytest
from e2e_browser import Troubles
from e2e_driver import PASSWORD, Advertiser
from playwright.async_api import Locator, Page, expect

expect.set_options(timeout=20_000)

PERSONA: Final = "ben"
FARTHEST: Final = 80
"""No page has so many places for the focus."""


class Person:
    """Works on one page; `troubles` holds what went wrong there."""

    def __init__(self, page: Page, troubles: Troubles, *, gateway_url: str) -> None:
        self.page = page
        self.troubles = troubles
        self.console = f"{gateway_url}/console"
        self.email = f"ada-{uuid4().hex[:12]}@example.com"
        self.presses = 0

    # --- What everybody does with a page ---

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def field(self, label: str) -> Locator:
        # A field that must be filled has a star behind its label.
        return self.page.get_by_label(re.compile(rf"^{re.escape(label)}( \*)?$"))

    async def press(self, name: str) -> None:
        self.presses += 1
        await self.button(name).click()

    async def follow(self, name: str) -> None:
        self.presses += 1
        await self.page.get_by_role("link", name=name, exact=True).first.click()

    async def fill(self, label: str, value: str) -> None:
        self.presses += 1
        await self.field(label).fill(value)

    async def tab_to(self, target: Locator) -> None:
        """Press Tab until this has the focus, as somebody without a mouse does."""
        await expect(target).to_be_enabled()
        for _ in range(FARTHEST):
            await self.page.keyboard.press("Tab")
            if await target.evaluate("element => element === document.activeElement"):
                return
        pytest.fail(f"Tab does not lead to {target}")

    async def type_into(self, target: Locator, value: str) -> None:
        await self.tab_to(target)
        await self.page.keyboard.press("ControlOrMeta+a")
        await self.page.keyboard.type(value)

    async def press_by_key(self, target: Locator, key: str = "Enter") -> None:
        await self.tab_to(target)
        await self.page.keyboard.press(key)

    async def reads(self, text: str) -> None:
        """Wait until the text is there to be read."""
        await expect(self.page.get_by_text(text).first).to_be_visible()

    def failure(self) -> Locator:
        """What the page says went wrong; the place for it may be there before."""
        return self.page.get_by_role("alert").filter(has_text=re.compile(r"\S"))

    async def is_at(self, path: str, *, title: str) -> None:
        await self.page.wait_for_url(re.compile(rf"^{re.escape(self.console + path)}(#.*)?$"))
        await expect(self.page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible()

    async def open(self, path: str) -> None:
        await self.page.goto(f"{self.console}{path}")

    # --- The doors ---

    async def sign_up(self) -> None:
        await self.open("/signup")
        await self.fill("Company name", "Lindqvist Bageri AB")
        await self.fill("Email", self.email)
        await self.fill("Password", PASSWORD)
        await self.press("Create account")
        await self.is_at("/ads", title="Overview")

    async def log_in(self) -> None:
        await self.fill("Email", self.email)
        await self.fill("Password", PASSWORD)
        await self.press("Log in")

    async def enter_as(self, advertiser: Advertiser, path: str = "/ads") -> Self:
        """Log in as a customer who exists, and begin at this page."""
        self.email = advertiser.email
        await self.open(path)
        await self.page.wait_for_url(f"{self.console}/login**")
        await self.log_in()
        await self.page.wait_for_url(f"{self.console}{path}")
        return self

    # --- Settings ---

    async def go_to_dialog(self, button: str = "Connect Meta") -> None:
        await self.press(button)
        await self.page.wait_for_url("**/dialog/oauth?**")

    async def answer_dialog(
        self, button: str = "Continue", *, persona: str = PERSONA, without: str | None = None
    ) -> None:
        """Decide on Meta's page, and be led back to the settings."""
        await self.page.locator("select[name=persona]").select_option(persona)
        if without:
            await self.page.locator(f"input[value={without}]").uncheck()
        await self.press(button)
        await self.is_at("/settings", title="Settings")

    async def connect(self, button: str = "Connect Meta", *, persona: str = PERSONA) -> None:
        await self.go_to_dialog(button)
        await self.answer_dialog(persona=persona)
        await self.reads("Your Meta account is connected")

    async def select_account(self, account: str) -> None:
        await self.fill("Search by name, id or currency", account)
        self.presses += 1
        await self.page.get_by_role("radio").check()
        await self.press("Save Selection")
        await self.reads("Saved. New campaigns go to")

    # --- Ads ---

    async def set_up(
        self, *, place: str = "Stockholm", radius: str = "25", budget: str | None = None
    ) -> None:
        await self.fill("Place", place)
        self.presses += 2
        # A slider has the same name.
        await self.page.get_by_role("textbox", name="Radius in km").fill(radius)
        await self.page.get_by_role("checkbox", name="Feed").check()
        if budget:
            await self.page.get_by_label("Budget a month").fill(budget)
        await self.press("Save")
        await self.reads("Saved. You can publish now.")

    async def publish(self, *, button: str = "Publish", confirm: str = "Create both, PAUSED") -> None:
        """Press Publish and say yes to what it says it will do."""
        await expect(self.button(button)).to_be_enabled()
        await self.press(button)
        await expect(self.page.get_by_role("dialog")).to_be_visible()
        await self.press(confirm)
        await expect(self.page.get_by_role("dialog")).to_be_hidden()

    async def sees_success(self) -> None:
        await self.reads("Published. Everything is PAUSED.")

    async def session(self) -> str:
        """The value of the session cookie."""
        cookies: list[Any] = await self.page.context.cookies()
        return next(str(cookie["value"]) for cookie in cookies if cookie["name"] == "session")

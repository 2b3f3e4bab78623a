"""Headless Chromium, what went wrong on its pages, and what axe says about them."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    StorageState,
    async_playwright,
)

AXE: Final = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
WIDE, NARROW = 1440, 360
HEIGHT: Final = {WIDE: 900, NARROW: 780}
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
BAD: Final = {"serious", "critical"}
CLIENT_ERROR: Final = 400
NETWORK: Final = "Failed to load resource"
"""How Chromium's console begins to tell what `Troubles` sees itself, with more about it."""
GONE: Final = "net::ERR_ABORTED"
"""A page that is left stops what it was reading."""


def chromium() -> str:
    """The browser's program; without one the tests fail, since what they prove would stay unproven."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"):
        if name and (found := shutil.which(name)):
            return found
    pytest.fail(
        "What happens in a browser is tried in Chromium, and there is none. "
        "Debian, Ubuntu: apt-get install chromium. Elsewhere set CHROMIUM to its program.",
        pytrace=False,
    )


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """The browser, for as long as it is wanted."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium())
        yield browser
        await browser.close()


class Troubles:
    """Everything on the pages of one context that no user should meet, as sentences."""

    def __init__(self, context: BrowserContext) -> None:
        self._seen: list[str] = []
        self._errors: list[str] = []
        self._expected: set[tuple[int, str]] = set()
        self._cut_off: list[str] = []
        context.on("console", self._on_console)
        context.on("weberror", lambda error: self._seen.append(f"uncaught: {error.error}"))
        context.on("response", self._on_response)
        context.on("requestfailed", self._on_failed)

    def expect(self, status: int, path: str) -> None:
        """This refusal is part of what a test is about."""
        self._expected.add((status, path))

    def expect_cut(self, part: str) -> None:
        """Requests whose address holds this may get no answer."""
        self._cut_off.append(part)

    def all(self) -> list[str]:
        return self._seen

    def console_errors(self) -> list[str]:
        """Every error in the browser's console, also those that a test expects."""
        return self._errors

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._errors.append(message.text)
        if message.type == "error" and not message.text.startswith(NETWORK):
            self._seen.append(f"console: {message.text}")

    def _on_response(self, response: Response) -> None:
        path = urlsplit(response.url).path
        if response.status >= CLIENT_ERROR and (response.status, path) not in self._expected:
            self._seen.append(f"{response.request.method} {path} answered {response.status}")

    def _on_failed(self, request: Request) -> None:
        if request.failure != GONE and not any(part in request.url for part in self._cut_off):
            self._seen.append(f"{request.method} {request.url} failed: {request.failure}")


@asynccontextmanager
async def new_page(
    browser: Browser, *, state: StorageState | None = None, width: int = WIDE, with_axe: bool = False
) -> AsyncIterator[tuple[Page, Troubles]]:
    """A page in a browser of its own: no cache, and what a site may keep there only as `state` says."""
    context = await browser.new_context(
        viewport={"width": width, "height": HEIGHT[width]},
        reduced_motion="reduce",
        locale="en-GB",
        storage_state=state,
    )
    context.set_default_timeout(20_000)
    if with_axe:
        # From outside of the page, so that its policy stays as it is.
        await context.add_init_script(path=AXE)
    troubles = Troubles(context)
    page = await context.new_page()
    yield page, troubles
    await context.close()


async def barriers(page: Page) -> list[str]:
    """What axe finds on the page that keeps somebody from using it."""
    found: list[dict[str, Any]] = await page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{finding['id']} ({finding['impact']}): {finding['help']}: "
        + "; ".join(f"{node['target'][0]}" for node in finding["nodes"])
        for finding in found
        if finding["impact"] in BAD
    ]


async def dress(page: Page, scheme: Literal["light", "dark"], width: int) -> None:
    """Change the colour scheme and the window, and wait until nothing moves any more."""
    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": HEIGHT[width]})
    await page.wait_for_function(
        "scheme => document.documentElement.dataset.mantineColorScheme === scheme"
        " && document.getAnimations().every(one => one.playState !== 'running')",
        arg=scheme,
    )


async def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(await page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


async def transferred(page: Page, address: str) -> int:
    """Bytes that the browser receives until the page is at rest, compressed as they come."""
    session = await page.context.new_cdp_session(page)
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    await session.send("Network.enable")
    await page.goto(address, wait_until="networkidle")
    await session.detach()
    return sum(sizes)

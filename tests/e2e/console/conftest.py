"""A browser for the whole suite, and a person at a fresh page of it for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from e2e_browser import launched, new_page
from e2e_driver import Advertiser
from e2e_person import Person
from e2e_system import System
from playwright.async_api import Browser

FIGURES = pytest.StashKey[dict[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, value in config.stash.get(FIGURES, {}).items():
        terminalreporter.line(f"console: {name}: {value}")


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> dict[str, str]:
    """What was measured; the end of the run shows it."""
    return pytestconfig.stash[FIGURES]


@pytest.fixture(scope="session")
def screenshots(pytestconfig: pytest.Config) -> Path | None:
    """The folder for pictures of the pages, if they are wanted."""
    folder: Path | None = pytestconfig.getoption("--screenshots")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as running:
        yield running


@pytest_asyncio.fixture(scope="session")
async def console(stack: System) -> str:
    """The console's address, after a look that it is served there."""
    async with httpx.AsyncClient(trust_env=False) as client:
        if (await client.get(f"{stack.gateway_url}/console/")).status_code != httpx.codes.OK:
            pytest.fail(
                "The gateway serves no console. Build it: make frontend/dist/index.html", pytrace=False
            )
    return f"{stack.gateway_url}/console"


@pytest_asyncio.fixture(scope="session")
async def published(stack: System) -> AsyncIterator[tuple[Advertiser, str]]:
    """A customer with a campaign, a connection and some runs, and the id of the newest."""
    async with Advertiser(stack.gateway_url) as advertiser:
        await advertiser.sign_up()
        await advertiser.save(geoRadiusKm=None)
        await advertiser.publish()
        await advertiser.connect(persona="ada")
        await advertiser.select_first_account()
        await advertiser.save()
        run = await advertiser.publish_to_success()
        yield advertiser, run["id"]


@pytest_asyncio.fixture
async def person(browser: Browser, stack: System, console: str) -> AsyncIterator[Person]:
    """Somebody with a fresh browser. What went wrong on the pages they saw fails their test."""
    async with new_page(browser) as (page, troubles):
        yield Person(page, troubles, gateway_url=stack.gateway_url)
        assert troubles.all() == []

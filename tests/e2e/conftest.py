"""One running system for the whole suite, and a fresh customer for each test."""

import itertools
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from e2e_compose import ComposeSystem
from e2e_driver import Advertiser, Sandbox
from e2e_system import EmbeddedSystem, System, sandbox_of

COMPRESSED_TIME = {
    "META_ADMIT_WINDOW_SECONDS": "3",
    "META_CLOCK_SKEW_SECONDS": "1",
    "META_SETTLE_SECONDS": "1",
    "META_CALL_TIMEOUT_SECONDS": "4",
    "LEASE_SECONDS": "3",
    "LOG_FORMAT": "json",
}
"""The protocol's durations, short enough for a test; their relations are those of production."""


KEPT_LOGS = pytest.StashKey[Path]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if KEPT_LOGS in config.stash:
        terminalreporter.line(f"The logs of all containers are in {config.stash[KEPT_LOGS]}")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What only containers can show is not for the other target; the header says so."""
    is_theirs = collection_path.name == "containers" and config.getoption("--target") != "compose"
    return True if is_theirs else None


@pytest_asyncio.fixture(scope="session")
async def stack(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    """Servers, sandbox, gateway, meta-auth and publisher in real mode, on free ports."""
    if request.config.getoption("--target") == "compose":
        async with ComposeSystem(overrides=COMPRESSED_TIME) as composed:
            yield composed
            if request.session.testsfailed:
                request.config.stash[KEPT_LOGS] = composed.keep_logs()
        return
    with tempfile.TemporaryDirectory(prefix="project-auto-e2e-") as folder:
        async with EmbeddedSystem(Path(folder), overrides=COMPRESSED_TIME) as running:
            yield running


@pytest_asyncio.fixture
async def sandbox(stack: System) -> AsyncIterator[Sandbox]:
    """What "Meta" saw, and the switches that change how it behaves; faults are cleared after the test."""
    async with sandbox_of(stack) as opened:
        yield opened
        await opened.clear_faults()


@pytest_asyncio.fixture
async def advertiser(stack: System) -> AsyncIterator[Advertiser]:
    """A new customer who is signed up and has done nothing else."""
    async with Advertiser(stack.gateway_url) as customer:
        await customer.sign_up()
        yield customer


_accounts = itertools.count(1)


@pytest.fixture
def new_account() -> Callable[[], str]:
    """An ad account of persona `ben` that no other test uses; it has no DSA defaults."""
    return lambda: f"act_2015000000000{next(_accounts):02d}"

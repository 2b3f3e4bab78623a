"""One running system for the whole suite, and a fresh customer for each test."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
import pytest_asyncio
from e2e_collector import Collector
from e2e_compose import ComposeSystem
from e2e_driver import ACCOUNTS, Advertiser, Sandbox
from e2e_system import EmbeddedSystem, System, sandbox_of

from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH

COMPRESSED_TIME = {
    "META_ADMIT_WINDOW_SECONDS": "3",
    "META_CLOCK_SKEW_SECONDS": "1",
    "META_SETTLE_SECONDS": "1",
    "META_CALL_TIMEOUT_SECONDS": "4",
    "LEASE_SECONDS": "3",
    "LOG_FORMAT": "json",
}
"""The protocol's durations, short enough for a test; their relations are those of production."""


HIGH_LIMITS = {"SIGNUPS_PER_ADDRESS": "10000", "RUNS_PER_MINUTE": "10000"}
"""Everybody comes from one address here, and tests press more often than people do."""

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
        async with ComposeSystem(overrides={**COMPRESSED_TIME, **HIGH_LIMITS}) as composed:
            await _require_proof(composed)
            yield composed
            if request.session.testsfailed:
                request.config.stash[KEPT_LOGS] = composed.keep_logs()
        return
    with tempfile.TemporaryDirectory(prefix="project-auto-e2e-") as folder:
        async with EmbeddedSystem(Path(folder), overrides={**COMPRESSED_TIME, **HIGH_LIMITS}) as running:
            await _require_proof(running)
            yield running


async def _require_proof(system: System) -> None:
    """Have "Meta" refuse a token that comes alone, as the app's setting Require App Secret does."""
    async with sandbox_of(system) as opened:
        await opened.change_settings(require_proof=True)


@pytest_asyncio.fixture(scope="module")
async def collector(stack: System) -> AsyncIterator[Collector]:
    """Lets all services tell their spans and metrics to a collector of ours."""
    names = (ADS_PUBLISHER, META_AUTH, GATEWAY)
    with Collector() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://{stack.own_host}:{server.server_port}"
        for name in names:
            env = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "200"}
            await stack.restart(name, env=env)
        yield server
        for name in names:
            await stack.restart(name, env={"OTEL_EXPORTER_OTLP_ENDPOINT": ""})
        server.shutdown()


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


@pytest_asyncio.fixture(scope="session")
async def accounts(stack: System) -> Iterator[str]:
    """Ad accounts of persona `ben` without DSA defaults, beyond those that the persona has anyway."""
    async with sandbox_of(stack) as opened:
        return iter(await opened.add_accounts("ben", ACCOUNTS))


@pytest.fixture
def new_account(accounts: Iterator[str]) -> Callable[[], str]:
    """An ad account of persona `ben` that no other test uses; it has no DSA defaults."""
    return lambda: next(accounts)

"""One running system for the whole suite, and a fresh customer for each test."""

import itertools
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from e2e_driver import Advertiser, Sandbox

from local_stack.stack import Stack

COMPRESSED_TIME = {
    "META_ADMIT_WINDOW_SECONDS": "3",
    "META_CLOCK_SKEW_SECONDS": "1",
    "META_SETTLE_SECONDS": "1",
    "META_CALL_TIMEOUT_SECONDS": "4",
    "LEASE_SECONDS": "3",
    "LOG_FORMAT": "json",
}
"""The protocol's durations, short enough for a test; their relations are those of production."""


@pytest_asyncio.fixture(scope="session")
async def stack() -> AsyncIterator[Stack]:
    """Embedded servers, sandbox, gateway, meta-auth and publisher in real mode, on free ports."""
    with tempfile.TemporaryDirectory(prefix="project-auto-e2e-") as folder:
        async with Stack(Path(folder), overrides=COMPRESSED_TIME) as running:
            yield running


@pytest_asyncio.fixture
async def sandbox(stack: Stack) -> AsyncIterator[Sandbox]:
    """What "Meta" saw, and the switches that change how it behaves; faults are cleared after the test."""
    credentials = stack.credentials
    async with Sandbox(
        stack.sandbox_url,
        app_id=credentials.app_id,
        app_secret=credentials.app_secret,
        redirect_uri=f"{stack.gateway_url}/meta/oauth/callback",
    ) as opened:
        yield opened
        await opened.clear_faults()


@pytest_asyncio.fixture
async def advertiser(stack: Stack) -> AsyncIterator[Advertiser]:
    """A new customer who is signed up and has done nothing else."""
    async with Advertiser(stack.gateway_url) as customer:
        await customer.sign_up()
        yield customer


_accounts = itertools.count(1)


@pytest.fixture
def new_account() -> Callable[[], str]:
    """An ad account of persona `ben` that no other test uses; it has no DSA defaults."""
    return lambda: f"act_2015000000000{next(_accounts):02d}"

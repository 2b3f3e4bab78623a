"""Customers who publish while containers come and go, and the ledger that says what became of it."""

import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from crash_lab.lab import SHARED_ACCOUNTS, account_id
from e2e_compose import ComposeSystem
from e2e_crowd import Crowd
from e2e_system import sandbox_of


@pytest_asyncio.fixture(scope="module")
async def crowd(stack: ComposeSystem) -> AsyncIterator[Crowd]:
    """Ten customers who are connected and have saved their settings, and ad accounts that name an owner."""
    async with sandbox_of(stack) as sandbox, Crowd(stack) as people:
        for number in range(SHARED_ACCOUNTS):
            await sandbox.name_owner(account_id(number))
        yield people


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Chooses the moments, other ones for each test; the header of the run shows the seed."""
    seed = request.config.getoption("--seed")
    return random.Random(f"{seed} {request.node.name}")  # noqa: S311 - repeatable on purpose

"""Customers who publish while containers come and go, and the ledger that says what became of it."""

import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from crash_lab.lab import OWNER, SHARED_ACCOUNTS, account_id
from e2e_compose import ComposeSystem
from e2e_crowd import Crowd
from e2e_driver import Sandbox
from e2e_system import sandbox_of


@pytest_asyncio.fixture(scope="module")
async def crowd(stack: ComposeSystem) -> AsyncIterator[Crowd]:
    """Ten customers who are connected and have saved their settings, and ad accounts that name an owner."""
    async with sandbox_of(stack) as sandbox, Crowd(stack) as people:
        await _name_owner(sandbox, OWNER)
        yield people
        await _name_owner(sandbox, None)


async def _name_owner(sandbox: Sandbox, owner: str | None) -> None:
    for number in range(SHARED_ACCOUNTS):
        await sandbox.change_account(
            account_id(number), default_dsa_payor=owner, default_dsa_beneficiary=owner
        )


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """Chooses the moments, other ones for each test; the header of the run shows the seed."""
    seed = request.config.getoption("--seed")
    return random.Random(f"{seed} {request.node.name}")  # noqa: S311 - repeatable on purpose

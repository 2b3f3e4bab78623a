"""The systems that crash tests wreck: one nursery per session, a lab where a test asks for it."""

from collections.abc import AsyncIterator

import pytest_asyncio
from crash_lab.nursery import Nursery


@pytest_asyncio.fixture(scope="session")
async def nursery() -> AsyncIterator[Nursery]:
    """Forks the processes under test."""
    async with Nursery() as opened:
        yield opened

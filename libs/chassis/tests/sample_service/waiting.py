"""Waiting for what comes later, with a deadline."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

DEADLINE_SECONDS = 15.0
POLL_SECONDS = 0.02


async def eventually(condition: Callable[[], object | Awaitable[object]]) -> None:
    """Return as soon as the condition holds.

    Raises:
        AssertionError: it did not hold within the deadline.
    """
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = condition()
        if await answer if inspect.isawaitable(answer) else answer:
            return
        assert time.monotonic() < deadline, f"did not happen within {DEADLINE_SECONDS} s"
        await asyncio.sleep(POLL_SECONDS)

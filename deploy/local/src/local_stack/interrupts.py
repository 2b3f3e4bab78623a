"""Ends a coroutine in order when the person or the machine asks for it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no types

_TERMINAL_CHECK_SECONDS = 1.0


def run_until_interrupted(work: Coroutine[Any, Any, None]) -> bool:
    """Run to the end, or cancel it on Ctrl-C, SIGTERM or a closed terminal. True when it was cancelled.

    Cancelled work stops its processes in order; a second signal kills them.
    """
    return asyncio.run(_run(work))


async def _run(work: Coroutine[Any, Any, None]) -> bool:
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _interrupt, task)
    loop.add_signal_handler(signal.SIGHUP, _cancel_once, task)
    watching = asyncio.create_task(_cancel_when_the_terminal_closes(task))
    try:
        await task
    except asyncio.CancelledError:
        return True
    finally:
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
    return False


def _interrupt(task: asyncio.Task[None]) -> None:
    if task.cancelling():
        for child in psutil.Process().children():
            child.kill()
    _cancel_once(task)


def _cancel_once(task: asyncio.Task[None]) -> None:
    if not task.cancelling():
        task.cancel()


async def _cancel_when_the_terminal_closes(task: asyncio.Task[None]) -> None:
    """Where make leads the session it gets the SIGHUP and keeps it to itself, so look at the terminal too."""
    output = sys.stdout.fileno()
    if not os.isatty(output):
        return
    while os.isatty(output):  # noqa: ASYNC110  nothing tells us
        await asyncio.sleep(_TERMINAL_CHECK_SECONDS)
    _cancel_once(task)

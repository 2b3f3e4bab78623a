"""Small jobs that a process repeats while it lives."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from chassis.errors import Unavailable
from chassis.telemetry import get_logger

_log = get_logger(__name__)


def leave_if_cancelled() -> None:
    """Raise what a lost cancellation should have raised. For loops, after each use of Redis.

    redis-py sends through `asyncio.wait_for`, and on Python 3.11 that swallows a cancellation which comes
    just as the sending is done: the loop would go on and the process never end.
    Source: https://github.com/python/cpython/issues/86296

    Raises:
        asyncio.CancelledError: this task was told to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def run_forever(name: str, job: Callable[[], Awaitable[None]], *, every_seconds: float) -> None:
    """Run `job` until cancelled; a failure is logged and the next round tries again."""
    while True:
        try:
            await job()
        except Unavailable as exc:
            _log.warning("periodic_job_delayed", job=name, reason=exc.message)
        except Exception:  # noqa: BLE001 - one bad round must not end the job
            _log.exception("periodic_job_failed", job=name)
        leave_if_cancelled()
        await asyncio.sleep(every_seconds)


@asynccontextmanager
async def background(name: str, job: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a job beside the server. If it ends by itself, the process stops, to be started afresh."""
    task = asyncio.create_task(job, name=name)
    leaving = False

    def on_done(done: asyncio.Task[None]) -> None:
        if not leaving and not done.cancelled():
            _log.critical("background_job_ended", job=name, exc_info=done.exception())
            signal.raise_signal(signal.SIGTERM)

    task.add_done_callback(on_done)
    try:
        yield
    finally:
        leaving = True
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

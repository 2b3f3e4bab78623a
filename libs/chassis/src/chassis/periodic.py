"""Small jobs that a process repeats while it lives."""

import asyncio
from collections.abc import Awaitable, Callable

from chassis.errors import Unavailable
from chassis.telemetry import get_logger

_log = get_logger(__name__)


async def run_forever(name: str, job: Callable[[], Awaitable[None]], *, every_seconds: float) -> None:
    """Run `job` until cancelled; a failure is logged and the next round tries again."""
    while True:
        try:
            await job()
        except Unavailable as exc:
            _log.warning("periodic_job_delayed", job=name, reason=exc.message)
        except Exception:  # noqa: BLE001 - one bad round must not end the job
            _log.exception("periodic_job_failed", job=name)
        await asyncio.sleep(every_seconds)

"""Ask the publisher again about runs that nobody has told anything about for a while.

Postgres is the truth and the stream a doorbell: whatever Redis lost is rung again. A publisher that knows
the job answers by sending its news again, so a lost result heals too.
"""

from typing import Final

from chassis.database import Pool, across_customers
from chassis.outbox import send_again
from chassis.telemetry import get_logger
from gateway.metrics import rung_again
from gateway.store.runs import claim_runs_to_ring

EVERY_SECONDS: Final = 5.0
BATCH: Final = 200
"""Runs per round, the longest waiting first: a large backlog must not be doubled by its own doorbell."""

_log = get_logger(__name__)


async def ring_again(pool: Pool, *, first_seconds: float, at_most_seconds: float) -> int:
    """Send the commands of overdue runs once more; returns how many there were."""
    async with across_customers(pool) as conn:
        overdue = await claim_runs_to_ring(
            conn, first_seconds=first_seconds, at_most_seconds=at_most_seconds, limit=BATCH
        )
        for run_id in overdue:
            await send_again(conn, run_id)
    if overdue:
        rung_again.add(len(overdue))
        _log.info("runs_rung_again", count=len(overdue), first=str(overdue[0]))
    return len(overdue)

"""Runs that were given up, as dead letters: list them, look at one, open it again.

A run that is opened again goes on by its journal, so what it has created already is used, not made anew.
"""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final
from uuid import UUID

from ads_publisher import dead_store
from ads_publisher.dead_store import DeadJob
from ads_publisher.reporting import report_after_end
from ads_publisher.store import Job, LeaseLost
from chassis.database import Pool, across_customers
from chassis.dead_letters import DeadLetter
from contracts.events import PublishMode, RunStartedBody
from contracts.wire import iso_utc

PLACE: Final = "publish_jobs"
_REASONS: Final = {
    "crashed": 'The run crashed again and again; the log has "run_crashed" with the traceback.',
    "unconfirmed": "Meta never confirmed a create and does not show the object.",
}


class DeadJobs:
    """The dead jobs of the publisher. `mode` is that of this environment, for runs that never told theirs."""

    def __init__(self, pool: Pool, mode: PublishMode) -> None:
        self._pool = pool
        self._mode = mode

    async def newest_first(self) -> AsyncIterator[DeadLetter]:
        """All dead jobs.

        Raises:
            Unavailable: the database does not answer.
        """
        async with across_customers(self._pool) as acquired:
            dead = await dead_store.list_dead(acquired)
        for job in dead:
            yield _letter(job)

    async def find(self, letter_id: str) -> list[DeadLetter]:
        """The dead job with this job id or run id.

        Raises:
            Unavailable: the database does not answer.
        """
        dead = await self._find(letter_id)
        return [_letter(dead)] if dead else []

    async def replay(self, letter: DeadLetter) -> bool:
        """Open the run again; False when it is not dead any more.

        Raises:
            Unavailable: the database does not answer.
        """
        dead = await self._find(letter.id)
        if dead is None:
            return False
        with suppress(LeaseLost):
            await self._reopen(dead.job)
            return True
        return False

    async def _find(self, letter_id: str) -> DeadJob | None:
        try:
            wanted = UUID(letter_id)
        except ValueError:
            return None
        async with across_customers(self._pool) as acquired:
            return await dead_store.find_dead(acquired, wanted)

    async def _reopen(self, job: Job) -> None:
        async with report_after_end(self._pool, job) as news:
            await news.tell(
                RunStartedBody,
                message="An operator has started this run again.",
                mode=job.mode or self._mode,
                replayed=True,
            )
            if not await dead_store.reopen_job(news.connection, job.id):
                raise LeaseLost
            await dead_store.look_again(news.connection, job.id)


def _letter(dead: DeadJob) -> DeadLetter:
    job = dead.job
    facts = {
        "run_id": job.run_id,
        "customer_id": job.customer_id,
        "kind": job.kind,
        "lane": job.lane,
        "mode": job.mode or "not begun",
        "crashes": job.crashes,
        "replays": job.replays,
        "traceparent": job.traceparent or "",
    }
    return DeadLetter(
        id=str(job.id),
        place=PLACE,
        error=dead.dead_reason,
        reason=_REASONS[dead.dead_reason],
        at=iso_utc(dead.finished_at),
        facts={name: str(value) for name, value in facts.items()},
        body=json.dumps(job.request),
    )

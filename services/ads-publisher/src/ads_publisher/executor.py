"""Claim, renew, hand over: runs are leased from Postgres, so any process may carry on what another began.

Nothing here knows Meta.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from ads_publisher import metrics, store
from ads_publisher.run_spans import claim_span
from ads_publisher.saga import retry_delay
from ads_publisher.store import Job, LeaseLost
from chassis.database import Pool, across_customers, transaction
from chassis.errors import Unavailable
from chassis.telemetry import get_logger, mark_failed

POLL_SECONDS: Final = 1.0
"""New jobs wake the executor at once; the poll finds deferred ones and those of dead processes."""
TOGETHER_SECONDS: Final = 0.05
"""How long a claim waits for more tasks to come free while most are at work: it costs the same for many."""
RENEWALS_PER_LEASE: Final = 3
MAX_CRASHES: Final = 5
"""Unexpected exceptions of one run; then it is given up, and an operator has to look."""
DRAIN_SECONDS: Final = 10.0

_log = get_logger(__name__)


class Executor:
    """Works up to `tasks` runs at once.

    `work` carries one run on and returns when it is over or waits; `give_up` ends one that crashed too often.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        tasks: int,
        lease_seconds: float,
        work: Callable[[Job], Awaitable[None]],
        give_up: Callable[[Job], Awaitable[None]],
    ) -> None:
        self._pool = pool
        self.tasks = tasks
        self._lease_seconds = lease_seconds
        self._work = work
        self._give_up = give_up
        self._wake = asyncio.Event()
        self._stopping = False
        self._held: dict[UUID, tuple[int, asyncio.Task[None]]] = {}
        self._renewed_at = time.monotonic()
        self.claimed_at: float | None = None
        """Monotonic time of the last claim that Postgres answered, for readiness."""

    @property
    def busy(self) -> bool:
        """All tasks are at work, so nothing is claimed."""
        return self.held >= self.tasks

    @property
    def held(self) -> int:
        """Runs in hand."""
        return len(self._held)

    def wake(self) -> None:
        """There may be something due."""
        self._wake.set()

    async def run(self) -> None:
        """Claim due jobs until cancelled."""
        while True:
            self._wake.clear()
            claimed = 0 if self._stopping else await self._claim()
            if not claimed:
                # Not wait_for: on Python 3.11 it may swallow the cancellation that ends this loop.
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()
            if self.held > self.tasks // 2:
                await asyncio.sleep(TOGETHER_SECONDS)

    async def _claim(self) -> int:
        free = self.tasks - self.held
        if free <= 0:
            return 0
        try:
            async with across_customers(self._pool) as acquired:
                jobs = await store.claim_due_jobs(acquired, limit=free, lease_seconds=self._lease_seconds)
        except Unavailable as exc:
            _log.warning("claim_delayed", reason=exc.message)
            return 0
        self.claimed_at = time.monotonic()
        for job in jobs:
            task = asyncio.create_task(self._handle(job), name=f"run {job.run_id}")
            self._held[job.id] = (job.fence, task)
            task.add_done_callback(partial(self._forget, job.id))
        return len(jobs)

    def _forget(self, job_id: UUID, _: asyncio.Task[None]) -> None:
        self._held.pop(job_id, None)
        self._wake.set()

    async def _handle(self, job: Job) -> None:
        metrics.claimed(job)
        with (
            structlog.contextvars.bound_contextvars(run_id=str(job.run_id), customer_id=str(job.customer_id)),
            claim_span(job) as current,
        ):
            if job.fence > 1:
                _log.info("run_resumed", fence=job.fence, replays=job.replays)
            try:
                await self._work(job)
            except LeaseLost:
                mark_failed(current, "lease_lost")
                metrics.lease_lost.add(1)
                _log.warning("lease_lost", fence=job.fence)
            except Unavailable as exc:
                mark_failed(current, "unavailable")
                _log.warning("run_delayed", reason=exc.message)
                await self._give_back(job)
            except Exception as exc:  # noqa: BLE001 - a bug in one run must not stop the others
                mark_failed(current, type(exc).__name__)
                metrics.crashes.add(1)
                _log.exception("run_crashed", crashes=job.crashes + 1)
                await self._give_back_crashed(job)

    async def _give_back(self, job: Job) -> None:
        # If this fails too, the lease runs out by itself.
        with suppress(LeaseLost, Unavailable):
            async with transaction(self._pool, customer=job.customer_id) as acquired:
                await store.defer_job(acquired, job, seconds=retry_delay(job.deferrals))

    async def _give_back_crashed(self, job: Job) -> None:
        with suppress(LeaseLost, Unavailable):
            if job.crashes + 1 >= MAX_CRASHES:
                await self._give_up(job)
                return
            async with transaction(self._pool, customer=job.customer_id) as acquired:
                await store.defer_crashed_job(acquired, job, seconds=retry_delay(job.crashes))

    async def renew(self) -> None:
        """Renew the leases of all runs in hand until cancelled; a run whose lease is lost is stopped."""
        while True:
            await asyncio.sleep(self._lease_seconds / RENEWALS_PER_LEASE)
            held = {job_id: fence for job_id, (fence, _) in self._held.items()}
            try:
                async with across_customers(self._pool) as acquired:
                    ours = await store.renew_leases(
                        acquired, list(held.items()), lease_seconds=self._lease_seconds
                    )
                self._renewed_at = time.monotonic()
            except Unavailable:
                # Until the lease is surely over somewhere else, the work may go on.
                if time.monotonic() - self._renewed_at < self._lease_seconds:
                    continue
                ours = set()
            for job_id in held.keys() - ours:
                self._cancel(job_id, held[job_id])

    def _cancel(self, job_id: UUID, fence: int) -> None:
        current = self._held.get(job_id)
        if current and current[0] == fence:
            metrics.lease_lost.add(1)
            _log.warning("lease_lost", job_id=str(job_id), fence=fence)
            current[1].cancel()

    async def drain(self) -> None:
        """Stop claiming and let the runs in hand come to an end; what is left keeps its journaled intent."""
        self._stopping = True
        self._wake.set()
        tasks = [task for _, task in self._held.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
        left = {job_id: fence for job_id, (fence, _) in self._held.items()}
        for _, task in self._held.values():
            task.cancel()
        if left:
            _log.warning("drain_incomplete", runs=len(left))
            with suppress(Unavailable):
                async with across_customers(self._pool) as acquired:
                    await store.renew_leases(acquired, list(left.items()), lease_seconds=0)

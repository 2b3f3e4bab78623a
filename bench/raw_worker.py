"""The side of the raw yardstick that calls Graph: `python bench/raw_worker.py`."""

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import uvloop
from raw import COMMANDS, GRAPH, REDIS, RESULTS, TASKS, Pool, consume, open_pool, relay
from redis.asyncio import Redis

LEASE_SECONDS: Final = 10.0
POLL_SECONDS: Final = 1.0
PATHS: Final = {"campaign": "campaigns", "adset": "adsets"}

TAKE_IN: Final = "INSERT INTO raw.jobs (id, run_id, account) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
CLAIM: Final = """
WITH due AS (SELECT id FROM raw.jobs WHERE status <> 'done' AND due_at <= now()
             ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
UPDATE raw.jobs AS job SET status = 'running', fence = fence + 1, due_at = now() + make_interval(secs => $2)
FROM due WHERE job.id = due.id RETURNING job.id, job.run_id, job.account, job.fence, job.version
"""
RENEW: Final = """
UPDATE raw.jobs SET due_at = now() + make_interval(secs => $2) WHERE id = ANY($1) AND status = 'running'
"""
REPORT: Final = """
WITH job AS (UPDATE raw.jobs SET version = $3, status = $4 WHERE id = $1 AND fence = $2 AND status = 'running'
             RETURNING id),
     answer AS (UPDATE raw.attempts SET object_id = $6, answered_at = now() FROM job
                WHERE job_id = job.id AND step = $5),
     intent AS (INSERT INTO raw.attempts (job_id, step) SELECT id, $7 FROM job WHERE $7::text IS NOT NULL),
     event AS (INSERT INTO raw.worker_outbox (event_id, body)
               SELECT news.* FROM job, unnest($8::uuid[], $9::text[]) AS news)
SELECT pg_notify('raw_worker', '') FROM job
"""
"""One transaction: the fence is checked, an answer and an intent are journaled, the news go out."""


class LeaseLostError(Exception):
    """The job is another's now."""


@dataclass(frozen=True, kw_only=True)
class News:
    kind: str
    message: str
    object_id: str | None = None


class Run:
    """One run in hand."""

    def __init__(self, pool: Pool, http: aiohttp.ClientSession, job: asyncpg.Record) -> None:
        self._pool, self._http, self._job = pool, http, job
        self._version: int = job["version"]

    async def work(self) -> None:
        """Create the campaign, then the ad set."""
        await self._report(News(kind="started", message="Publishing for real."))
        settings = News(
            kind="note", message="Settings: radius 30 km, formats image and video; Sweden is used."
        )
        await self._report(settings, _begin("campaign"), intent="campaign")
        campaign = await self._create("campaign", {"objective": "OUTCOME_TRAFFIC"})
        await self._report(
            _done("campaign", campaign), _begin("adset"), answered=("campaign", campaign), intent="adset"
        )
        adset = await self._create("adset", {"campaign_id": campaign, "daily_budget": "10000"})
        ended = News(kind="succeeded", message="Created the campaign and the ad set, both PAUSED.")
        await self._report(_done("adset", adset), ended, answered=("adset", adset), status="done")

    async def _create(self, step: str, form: dict[str, str]) -> str:
        url = f"{os.environ[GRAPH]}/v25.0/{self._job['account']}/{PATHS[step]}"
        label = json.dumps([{"name": f"pa-run-{self._job['run_id']}"}])
        whole = {"name": f"Raw {step}", "status": "PAUSED", "adlabels": label, **form}
        async with self._http.post(url, data=whole) as answer:
            answer.raise_for_status()
            return str((await answer.json())["id"])

    async def _report(
        self,
        *news: News,
        answered: tuple[str | None, str | None] = (None, None),
        intent: str | None = None,
        status: str = "running",
    ) -> None:
        ids = [uuid4() for _ in news]
        bodies = [self._body(event_id, one) for event_id, one in zip(ids, news, strict=True)]
        claim = (self._job["id"], self._job["fence"])
        if not await self._pool.fetch(REPORT, *claim, self._version, status, *answered, intent, ids, bodies):
            raise LeaseLostError

    def _body(self, event_id: UUID, news: News) -> str:
        self._version += 1
        body = {
            "id": str(event_id),
            "run": str(self._job["run_id"]),
            "version": self._version,
            "time": datetime.now(UTC).isoformat(),
            "kind": news.kind,
            "message": news.message,
            "object": news.object_id,
        }
        return json.dumps(body)


def _begin(step: str) -> News:
    return News(kind=f"{step} started", message=f'Creating the {step} "Raw {step}", PAUSED.')


def _done(step: str, object_id: str) -> News:
    return News(kind=f"{step} done", message=f"Created the {step} {object_id}.", object_id=object_id)


class Worker:
    """Takes jobs in, leases them and works so many at once."""

    def __init__(self, pool: Pool, http: aiohttp.ClientSession, tasks: int) -> None:
        self._pool, self._http, self._tasks = pool, http, tasks
        self._wake = asyncio.Event()
        self._held: dict[UUID, asyncio.Task[None]] = {}

    async def take_in(self, commands: Sequence[dict[str, Any]]) -> None:
        """Make each command a job, once."""
        jobs = [(UUID(one["job"]), UUID(one["run"]), one["account"]) for one in commands]
        await self._pool.executemany(TAKE_IN, jobs)
        self._wake.set()

    async def execute(self) -> None:
        """Claim what is due until cancelled."""
        while True:
            self._wake.clear()
            free = self._tasks - len(self._held)
            jobs = await self._pool.fetch(CLAIM, free, LEASE_SECONDS) if free else []
            for job in jobs:
                self._held[job["id"]] = asyncio.create_task(self._work(job))
            if not jobs:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wake.wait()

    async def renew(self) -> None:
        """Renew the leases of what is in hand until cancelled."""
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            if self._held:
                await self._pool.execute(RENEW, list(self._held), LEASE_SECONDS)

    async def _work(self, job: asyncpg.Record) -> None:
        try:
            with suppress(LeaseLostError):
                await Run(self._pool, self._http, job).work()
        finally:
            del self._held[job["id"]]
            self._wake.set()


async def serve() -> None:
    """Work until stopped."""
    pool, redis = await open_pool(), Redis.from_url(os.environ[REDIS])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        worker = Worker(pool, http, int(os.environ[TASKS]))
        await asyncio.gather(
            relay(redis, side="worker", stream=RESULTS),
            consume(redis, COMMANDS, "worker", worker.take_in),
            worker.execute(),
            worker.renew(),
        )


if __name__ == "__main__":
    uvloop.run(serve())

"""Yardstick: the job as most people write it, a Celery task on a Redis broker, acknowledged late.

It writes the run's state before and after each call and keeps no journal: a crash between a call and the
write after it makes a second campaign. `python bench/celery_tasks.py door | worker`, settings as `raw.py`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import psycopg
import requests
import typer
from celery import Celery  # type: ignore[import-untyped]  # it ships no types
from fastapi import FastAPI
from raw import DATABASE, GRAPH, REDIS
from serving import serve

PROCESSES: Final = 16
"""More than the two that it would start by itself here, since they wait for Graph."""

app = Celery("bench", broker=os.environ[REDIS])
app.conf.update(task_acks_late=True, task_ignore_result=True, worker_prefetch_multiplier=1)


@cache
def database() -> psycopg.Connection:
    """The connection of this worker process."""
    return psycopg.connect(os.environ[DATABASE], autocommit=True)


@cache
def http() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


@app.task(name="publish")  # type: ignore[untyped-decorator]
def publish(run_id: str, account: str) -> None:
    """Create a campaign and an ad set."""
    run = UUID(run_id)
    database().execute(
        "UPDATE raw.runs SET status = 'running', started_at = now() WHERE id = %s AND status = 'queued'",
        (run,),
    )
    campaign_id = _create(account, "campaigns", {"name": "Celery campaign", "label": run_id})
    database().execute("UPDATE raw.runs SET campaign_id = %s WHERE id = %s", (campaign_id, run))
    adset_id = _create(
        account, "adsets", {"name": "Celery ad set", "campaign_id": campaign_id, "label": run_id}
    )
    database().execute(
        "UPDATE raw.runs SET adset_id = %s, status = 'success', finished_at = now() WHERE id = %s",
        (adset_id, run),
    )


def _create(account: str, path: str, form: dict[str, str]) -> str:
    url = f"{os.environ[GRAPH]}/v25.0/{account}/{path}"
    answer = http().post(url, data={**form, "status": "PAUSED"}, timeout=15)
    answer.raise_for_status()
    return str(answer.json()["id"])


def door() -> FastAPI:
    """What accepts: a row, then the task."""

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        api.state.pool = await asyncpg.create_pool(os.environ[DATABASE], min_size=10, max_size=10)
        yield

    api = FastAPI(lifespan=lifespan)

    @api.post("/publish/{customer_id}/{account}", status_code=201)
    async def accept(customer_id: UUID, account: str) -> dict[str, UUID]:
        run_id = uuid4()
        await api.state.pool.execute(
            "INSERT INTO raw.runs (id, customer_id, account) VALUES ($1, $2, $3)",
            run_id,
            customer_id,
            account,
        )
        publish.delay(str(run_id), account)
        return {"runId": run_id}

    return api


def main(side: str) -> None:
    """Run one side: `door` or `worker`."""
    if side == "worker":
        app.worker_main(["--quiet", "worker", "--loglevel=ERROR", f"--concurrency={PROCESSES}"])
    else:
        serve(door())


if __name__ == "__main__":
    typer.run(main)

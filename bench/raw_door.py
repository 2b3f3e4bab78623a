"""The side of the raw yardstick that accepts, and learns how it went: `python bench/raw_door.py`."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import FastAPI
from raw import COMMANDS, REDIS, RESULTS, Pool, consume, open_pool, relay
from redis.asyncio import Redis
from serving import serve

ACCEPT: Final = """
WITH run AS (INSERT INTO raw.runs (id, customer_id, account) VALUES ($1, $2, $3)),
     event AS (INSERT INTO raw.door_outbox (event_id, body) VALUES ($4, $5))
SELECT pg_notify('raw_door', '')
"""
LEARN: Final = """
WITH new AS (INSERT INTO raw.inbox (event_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING event_id),
     step AS (INSERT INTO raw.steps (run_id, version, kind, message, at, object_id)
              SELECT $2, $3, $4, $5, $6, $7 FROM new)
UPDATE raw.runs SET
    version = $3, status = CASE $4 WHEN 'succeeded' THEN 'success' ELSE 'running' END,
    started_at = coalesce(started_at, $6), finished_at = CASE $4 WHEN 'succeeded' THEN $6 END,
    campaign_id = CASE $4 WHEN 'campaign done' THEN $7 ELSE campaign_id END,
    adset_id = CASE $4 WHEN 'adset done' THEN $7 ELSE adset_id END
WHERE id = $2 AND version < $3 AND EXISTS (SELECT FROM new)
"""


async def learn(pool: Pool, events: Sequence[dict[str, Any]]) -> None:
    """Apply a batch of news in one transaction; a redelivery changes nothing."""
    await pool.executemany(
        LEARN,
        [
            (
                UUID(event["id"]),
                UUID(event["run"]),
                event["version"],
                event["kind"],
                event["message"],
                datetime.fromisoformat(event["time"]),
                event["object"],
            )
            for event in events
        ],
    )


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    pool, redis = await open_pool(), Redis.from_url(os.environ[REDIS])
    app.state.pool = pool
    jobs = [
        asyncio.create_task(relay(redis, side="door", stream=COMMANDS)),
        asyncio.create_task(consume(redis, RESULTS, "door", lambda events: learn(pool, events))),
    ]
    yield
    for job in jobs:
        job.cancel()


app = FastAPI(lifespan=lifespan)


@app.post("/publish/{customer_id}/{account}", status_code=201)
async def publish(customer_id: UUID, account: str) -> dict[str, UUID]:
    run_id, job_id = uuid4(), uuid4()
    body = json.dumps({"run": str(run_id), "job": str(job_id), "account": account})
    await app.state.pool.execute(ACCEPT, run_id, customer_id, account, job_id, body)
    return {"runId": run_id}


if __name__ == "__main__":
    serve(app)

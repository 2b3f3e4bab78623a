"""Yardstick: FastAPI handlers that do nothing but one insert, or one select: `python bench/bare.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from fastapi import FastAPI
from pydantic import BaseModel
from raw import open_pool
from serving import serve

INSERT: Final = "INSERT INTO raw.bare (id, customer_id, account) VALUES ($1, $2, $3)"
SELECT: Final = """
SELECT id, status, campaign_id, adset_id, created_at, started_at, finished_at FROM gateway.ad_runs
WHERE customer_id = $1 ORDER BY created_at DESC, id DESC LIMIT 10
"""
"""As many of the same rows as `GET /ads/status` has."""


class Run(BaseModel):
    id: UUID
    status: str
    campaign_id: str | None
    adset_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.pool = await open_pool()
    yield


app = FastAPI(lifespan=lifespan)


@app.post("/publish/{customer_id}/{account}", status_code=201)
async def publish(customer_id: UUID, account: str) -> dict[str, UUID]:
    run_id = uuid4()
    await app.state.pool.execute(INSERT, run_id, customer_id, account)
    return {"runId": run_id}


@app.get("/status/{customer_id}")
async def status(customer_id: UUID) -> list[Run]:
    return [Run(**row) for row in await app.state.pool.fetch(SELECT, customer_id)]


if __name__ == "__main__":
    serve(app)

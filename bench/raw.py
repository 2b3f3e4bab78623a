"""Yardstick: the same durable job by the bare parts, asyncpg and redis-py, without any framework of ours.

`raw_door.py` accepts: a run and an outbox row in one statement; the outbox is relayed to a stream.
`raw_worker.py` makes each entry a job, leases jobs, and works each in a coroutine of its own: it journals
each intent before and each answer after the two calls to Graph, in four transactions a run:

1. started
2. note on the settings, campaign started; intent of the campaign
3. campaign done, ad set started; answer for the campaign, intent of the ad set
4. ad set done, succeeded; answer for the ad set, end of the job

These seven pieces of news are rows of the worker's outbox and entries of a stream; the door keeps each as
an inbox row and a row of the run's timeline. Statements are prepared, relays and consumers work in batches,
loops are uvloop's.

It is what the work costs at least, and not to be used: no sessions, no tenant check and no row security, no
token to ask for, no check of settings or answers, no retry, no lost answer settled, no telemetry, no logs.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import ResponseError

if TYPE_CHECKING:  # asyncpg's classes are generic for the type checker only
    Connection = asyncpg.Connection[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

COMMANDS: Final = "raw.commands"
RESULTS: Final = "raw.results"
BATCH: Final = 200
POLL_SECONDS: Final = 5.0
BLOCK_MS: Final = 2000
DATABASE: Final = "BENCH_DATABASE"
REDIS: Final = "BENCH_REDIS"
GRAPH: Final = "BENCH_GRAPH"
TASKS: Final = "BENCH_TASKS"
PORT: Final = "BENCH_PORT"
"""What the yardsticks are told by their environment."""

SCHEMA: Final = """
DROP SCHEMA IF EXISTS raw CASCADE;
CREATE SCHEMA raw;
CREATE TABLE raw.runs (
    id uuid PRIMARY KEY, customer_id uuid NOT NULL, account text NOT NULL,
    status text NOT NULL DEFAULT 'queued', version int NOT NULL DEFAULT 0, campaign_id text, adset_id text,
    created_at timestamptz NOT NULL DEFAULT now(), started_at timestamptz, finished_at timestamptz);
CREATE UNIQUE INDEX runs_one_open ON raw.runs (customer_id) WHERE status IN ('queued', 'running');
CREATE INDEX runs_newest ON raw.runs (customer_id, created_at DESC, id DESC);
CREATE TABLE raw.bare (LIKE raw.runs INCLUDING ALL);
CREATE TABLE raw.steps (
    run_id uuid REFERENCES raw.runs, version int, kind text NOT NULL, message text NOT NULL,
    at timestamptz NOT NULL, object_id text, PRIMARY KEY (run_id, version));
CREATE TABLE raw.inbox (event_id uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE raw.jobs (
    id uuid PRIMARY KEY, run_id uuid NOT NULL UNIQUE, account text NOT NULL,
    status text NOT NULL DEFAULT 'ready', fence int NOT NULL DEFAULT 0, version int NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX jobs_due ON raw.jobs (due_at) WHERE status <> 'done';
CREATE TABLE raw.attempts (
    job_id uuid REFERENCES raw.jobs, step text, intent_at timestamptz NOT NULL DEFAULT now(), object_id text,
    answered_at timestamptz, PRIMARY KEY (job_id, step));
"""
OUTBOX: Final = """
CREATE TABLE raw.{side}_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id uuid NOT NULL, body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), sent_at timestamptz);
CREATE INDEX ON raw.{side}_outbox (id) WHERE sent_at IS NULL;
"""


async def create_schema(url: str) -> None:
    """Make the tables anew."""
    connection = await asyncpg.connect(url)
    await connection.execute(SCHEMA + OUTBOX.format(side="door") + OUTBOX.format(side="worker"))
    await connection.close()


async def open_pool() -> Pool:
    """The connections of one process. What is done to one outlives no statement, so none is ever reset."""

    async def leave_as_it_is(_: Connection) -> None:
        pass

    pool: Pool = await asyncpg.create_pool(
        os.environ[DATABASE], min_size=10, max_size=10, reset=leave_as_it_is
    )
    return pool


async def relay(redis: Redis, *, side: str, stream: str) -> None:
    """Send what the outbox of one side holds, woken by its writers."""
    woken = asyncio.Event()
    connection = await asyncpg.connect(os.environ[DATABASE])
    await connection.add_listener(f"raw_{side}", lambda *_: woken.set())
    unsent = f"SELECT id, body FROM raw.{side}_outbox WHERE sent_at IS NULL ORDER BY id LIMIT {BATCH}"
    mark = f"UPDATE raw.{side}_outbox SET sent_at = now() WHERE id = ANY($1)"
    while True:
        woken.clear()
        while rows := await connection.fetch(unsent):
            async with redis.pipeline(transaction=False) as pipeline:
                for row in rows:
                    _ = pipeline.xadd(stream, {"body": row["body"]})
                await pipeline.execute()
            await connection.execute(mark, [row["id"] for row in rows])
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await woken.wait()


async def consume(
    redis: Redis, stream: str, group: str, handle: Callable[[Sequence[dict[str, Any]]], Awaitable[None]]
) -> None:
    """Read a stream in batches, acknowledged once handled."""
    with suppress(ResponseError):  # the group is there
        await redis.xgroup_create(stream, group, id="0", mkstream=True)
    while True:
        answer: Any = await redis.xreadgroup(group, "one", {stream: ">"}, count=BATCH, block=BLOCK_MS)
        for _, entries in answer or ():
            await handle([json.loads(fields[b"body"]) for _, fields in entries])
            await redis.xack(stream, group, *(entry_id for entry_id, _ in entries))

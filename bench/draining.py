"""A backlog: accepted through the public interface, waited for in the database, paid for in CPU."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
from seeding import Seeded

from local_stack.services import DATABASE
from local_stack.stack import Stack

PRESSES_AT_ONCE = 16
DRAIN_SECONDS = 600.0


async def ended(stack: Stack, run_ids: list[str]) -> dict[str, Any]:
    """Wait for the end of all these runs; how long they took and what they made."""
    deadline = time.monotonic() + DRAIN_SECONDS
    connection = await asyncpg.connect(stack.postgres.url(DATABASE))
    try:
        while await connection.fetchval(
            "SELECT count(*) FROM gateway.ad_runs WHERE id = ANY($1) AND finished_at IS NULL", run_ids
        ):
            assert time.monotonic() < deadline, "the backlog was not drained in time"
            await asyncio.sleep(0.25)
        row = await connection.fetchrow(
            "SELECT extract(epoch FROM max(finished_at) - min(started_at))::float AS seconds,"
            " count(*) FILTER (WHERE status = 'success') AS succeeded,"
            " count(DISTINCT campaign_id) AS campaigns FROM gateway.ad_runs WHERE id = ANY($1)",
            run_ids,
        )
    finally:
        await connection.close()
    assert row is not None
    return dict(row)


async def answer_after(stack: Stack, milliseconds: int) -> None:
    """Let the sandbox wait so long before it looks at a call."""
    async with httpx.AsyncClient(base_url=stack.sandbox_url, trust_env=False, timeout=30) as sandbox:
        (await sandbox.delete("/_sandbox/faults")).raise_for_status()
        if not milliseconds:
            return
        fault = {"match": {}, "at": "before_commit", "do": "delay_arrival", "seconds": milliseconds / 1000}
        (await sandbox.post("/_sandbox/faults", json={**fault, "times": None})).raise_for_status()


@dataclass(kw_only=True)
class Accepted:
    """Runs that were accepted, and how long each answer took."""

    run_ids: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


async def press(stack: Stack, customers: list[Seeded]) -> Accepted:
    """Let each customer press Publish, `PRESSES_AT_ONCE` at a time."""
    waiting, accepted = iter(customers), Accepted()

    async def press_on(client: httpx.AsyncClient) -> None:
        for customer in waiting:
            started = time.perf_counter()
            answer = await client.post("/ads/publish", json={}, headers=customer.headers)
            accepted.seconds.append(time.perf_counter() - started)
            accepted.run_ids.append(answer.raise_for_status().json()["runId"])

    async with httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False, timeout=30) as client:
        await asyncio.gather(*(press_on(client) for _ in range(PRESSES_AT_ONCE)))
    return accepted


def cpu(pids: list[int]) -> float:
    """CPU seconds so far of these processes and their children."""
    total = 0.0
    for pid in pids:
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            # Backends of Postgres come and go; those that went count with their parent.
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total

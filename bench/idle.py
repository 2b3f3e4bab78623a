"""Single presses on an idle system: how soon Graph hears of it, how soon all is done."""

import asyncio
import json
import statistics
import time
from typing import Final
from uuid import UUID

from load import Line
from systems import Bench, System

POLL_SECONDS: Final = 0.001
"""Success is seen so much later, half of it on average, in all systems alike."""
REST_SECONDS: Final = 0.05


async def idle_presses(bench: Bench, system: System, *, presses: int) -> dict[str, float]:
    """Press once, wait until the run shows its success, rest, and again."""
    await bench.ask_stub("delay/0")
    ended = await bench.connection.prepare(f"SELECT status = 'success' FROM {system.runs} WHERE id = $1")
    line = await Line.open(system.door)
    first_bytes, successes = [], []
    for press in await system.customers(presses):
        await asyncio.sleep(REST_SECONDS)
        began = time.time()
        run_id = UUID(json.loads(await line.exchange(press.request))["runId"])
        while not await ended.fetchval(run_id):  # noqa: ASYNC110 - the end is in Postgres
            await asyncio.sleep(POLL_SECONDS)
        successes.append(1000 * (time.time() - began))
        first_bytes.append(1000 * (await bench.ask_stub(f"first/{press.account}") - began))
    line.close()
    return {
        "idle_first_byte_p50_ms": statistics.median(first_bytes),
        "idle_first_byte_p99_ms": statistics.quantiles(first_bytes, n=100)[98],
        "idle_success_p50_ms": statistics.median(successes),
        "idle_success_p99_ms": statistics.quantiles(successes, n=100)[98],
    }

"""A backlog: accepted over HTTP while the worker is frozen, then drained, checked and paid for in CPU."""

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from draining import cpu
from load import Load, send_all
from systems import Bench, Press, System

CONNECTIONS: Final = 32
LEAST_PER_SECOND: Final = 10
"""Whoever drains slower, or not at all, ends the measurement."""
POLL_SECONDS: Final = 0.05
SETTLE_SECONDS: Final = 1.0
"""What follows the last end, as acknowledging and marking, counts, too."""


async def accept(door: str, presses: Sequence[Press]) -> Load:
    """Press for each customer once."""
    return await send_all(door, [press.request for press in presses], connections=CONNECTIONS)


def accepting(load: Load) -> dict[str, float]:
    """The figures of an accept."""
    return {
        "accept_per_second": load.per_second,
        "accept_p50_ms": load.centile_ms(50),
        "accept_p99_ms": load.centile_ms(99),
        "accept_client_cpu_ms": 1000 * load.cpu / len(load.each),
    }


async def one_backlog(bench: Bench, system: System, *, runs: int, answer_ms: int) -> dict[str, float]:
    """Accept while the worker is frozen, then drain. CPU is from the first press to the last end."""
    presses = await system.customers(runs)
    await bench.ask_stub(f"delay/{answer_ms}")
    creates = await bench.ask_stub("creates")
    own, shared = cpu(system.pids()), cpu(bench.server_pids())
    system.freeze()
    load = await accept(system.door, presses)
    began = time.perf_counter()
    system.thaw()
    await drained(bench, system, runs)
    seconds = time.perf_counter() - began
    await asyncio.sleep(SETTLE_SECONDS)
    own, shared = cpu(system.pids()) - own, cpu(bench.server_pids()) - shared
    await require_all_made(bench, system, load, await bench.ask_stub("creates") - creates)
    figures = {
        f"drain_{answer_ms}_per_second": runs / seconds,
        f"cpu_own_{answer_ms}_ms": 1000 * own / runs,
        f"cpu_all_{answer_ms}_ms": 1000 * (own + shared) / runs,
    }
    return {**figures, **(accepting(load) if answer_ms == 0 else {})}


async def drained(bench: Bench, system: System, runs: int) -> None:
    """Wait until none of so many runs is open."""
    is_open = f"SELECT EXISTS (SELECT FROM {system.runs} WHERE status IN ('queued', 'running'))"
    async with asyncio.timeout(30 + runs / LEAST_PER_SECOND):
        while await bench.connection.fetchval(is_open):  # noqa: ASYNC110 - the end is in Postgres
            await asyncio.sleep(POLL_SECONDS)


async def require_all_made(bench: Bench, system: System, load: Load, creates: int) -> None:
    """Each run has a campaign and an ad set of its own: who does not do the work must not look fast."""
    run_ids = [UUID(json.loads(body)["runId"]) for body in load.bodies]
    row = await bench.connection.fetchrow(
        "SELECT count(*) FILTER (WHERE status = 'success') AS succeeded,"
        " count(DISTINCT campaign_id) AS campaigns,"
        f" count(DISTINCT adset_id) AS adsets FROM {system.runs} WHERE id = ANY($1)",
        run_ids,
    )
    assert row is not None
    count = len(set(run_ids))
    found = (*row.values(), creates)
    expected = (count, count, count, 2 * count)
    assert found == expected, (
        f"{system.name}: succeeded, campaigns, ad sets, creates: {found}, not {expected}"
    )
    assert count == len(load.bodies), f"{system.name} gave two runs the same id"

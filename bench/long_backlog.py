"""Ours under a long backlog: what the memory of its processes does while that is accepted and drained."""

import asyncio
import time
from typing import Final

import psutil  # type: ignore[import-untyped]  # it ships no types
from backlog import accept, drained, require_all_made
from footprint import MEGABYTE
from systems import SERVICES, Bench, Press

from local_stack.stack import POSTGRES, VALKEY

CHUNK: Final = 5000
"""Customers that are made at a time."""
SAMPLE_SECONDS: Final = 1.0


async def long_backlog(bench: Bench, *, runs: int) -> dict[str, dict[str, float]]:
    """Accept so many runs while the publisher is frozen, then drain them with the memory watched."""
    ours = bench.systems[0]
    await bench.ask_stub("delay/0")
    presses: list[Press] = []
    while len(presses) < runs:
        presses += await ours.customers(min(CHUNK, runs - len(presses)))
    creates = await bench.ask_stub("creates")
    ours.freeze()
    load = await accept(ours.door, presses)
    accepted = _memory(bench)
    began = time.perf_counter()
    ours.thaw()
    samples: list[dict[str, float]] = []
    watching = asyncio.create_task(_watch(bench, samples))
    await drained(bench, ours, runs)
    seconds = time.perf_counter() - began
    watching.cancel()
    await require_all_made(bench, ours, load, await bench.ask_stub("creates") - creates)
    figures = {name: _halves([sample[name] for sample in samples]) for name in accepted}
    for name, megabytes in accepted.items():
        figures[name]["backlog_rss_accepted_mb"] = megabytes
    figures["ours"] |= {
        "backlog_accept_per_second": load.per_second,
        "backlog_drain_per_second": runs / seconds,
    }
    return figures


def _halves(megabytes: list[float]) -> dict[str, float]:
    half = len(megabytes) // 2
    return {
        "backlog_rss_first_half_mb": max(megabytes[:half] or megabytes),
        "backlog_rss_second_half_mb": max(megabytes[half:]),
        "backlog_rss_end_mb": megabytes[-1],
    }


def _memory(bench: Bench) -> dict[str, float]:
    """Resident memory of each process in megabytes; `ours` is that of the three services together."""
    names = (*SERVICES, POSTGRES, VALKEY)
    found = {name: psutil.Process(bench.stack.pid(name)).memory_info().rss / MEGABYTE for name in names}
    return {**found, "ours": sum(found[name] for name in SERVICES)}


async def _watch(bench: Bench, samples: list[dict[str, float]]) -> None:
    while True:
        samples.append(_memory(bench))
        await asyncio.sleep(SAMPLE_SECONDS)

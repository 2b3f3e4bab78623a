"""Works off the whole matrix, several labs side by side: most of a cell's time is waiting."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from crash_lab import points
from crash_lab.checker import Verdict
from crash_lab.clients import AT_ONCE, Fleet
from crash_lab.lab import Lab
from crash_lab.matrix import Bench, Cell, Line, cells
from crash_lab.nursery import Nursery
from crash_lab.scenes import SWEEPING, deletion_scene, oauth_scene, sweep_scene
from crash_lab.zombies import SCENES, Graveyard

Tell = Callable[[Line, float], None]
LANES = 4
CUSTOMERS = 2 * AT_ONCE
"""Per lab: two groups that take turns, each good for sixty batches."""


@dataclass(kw_only=True)
class Results:
    lines: list[Line] = field(default_factory=list)
    afterwards: list[Verdict] = field(default_factory=list)
    """What was found only when everything was over."""
    seconds: float = 0.0


@dataclass(kw_only=True)
class _Lane:
    """One lab with what it takes to run cells and zombie scenes."""

    bench: Bench
    graveyard: Graveyard


_Job = Callable[[_Lane], Awaitable[Line]]


async def run_matrix(*, runs: int, lanes: int = LANES, tell: Tell = lambda *_: None) -> Results:
    """Run every cell and scene with so many runs each; `tell` hears of each line and its seconds."""
    results = Results()
    started = time.monotonic()
    jobs = deque(_jobs(runs))

    def done(line: Line, since: float) -> None:
        results.lines.append(line)
        tell(line, time.monotonic() - since)

    async with Nursery() as nursery, asyncio.TaskGroup() as group:
        for _ in range(lanes):
            group.create_task(_lane(nursery, jobs, runs, done, results))
        group.create_task(_special(nursery, runs, done))
    results.seconds = time.monotonic() - started
    return results


def line_count() -> int:
    """How many lines `run_matrix` tells of."""
    return len(SCENES) + len(cells()) + len({*points.SWEEP, *points.OAUTH, *points.DELETION})


def _jobs(runs: int) -> list[_Job]:
    """The longest first, so that no lane is left alone with one in the end."""

    def play(scene: str, step: str) -> _Job:
        return lambda lane: lane.graveyard.run(scene, step, runs=runs)

    def die(cell: Cell) -> _Job:
        return lambda lane: lane.bench.run(cell, runs=runs)

    slow = [cell for cell in cells() if cell.fault == "create lost" or cell.point in points.ACCEPT]
    quick = [cell for cell in cells() if cell not in slow]
    return [*(play(*scene) for scene in SCENES), *map(die, slow), *map(die, quick)]


async def _lane(nursery: Nursery, jobs: deque[_Job], runs: int, done: Tell, results: Results) -> None:
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(Lab(nursery))
        fleet = Fleet(lab, CUSTOMERS)
        stack.push_async_callback(fleet.leave)
        await fleet.gather()
        bench = Bench(lab, fleet)
        lane = _Lane(bench=bench, graveyard=Graveyard(lab, bench))
        while jobs:
            job, since = jobs.popleft(), time.monotonic()
            done(await job(lane), since)
        results.afterwards += await bench.judge()


async def _special(nursery: Nursery, runs: int, done: Tell) -> None:
    """The lab with a quick sweeper, and a Meta that does not enforce the expiry of proofs."""
    async with AsyncExitStack() as stack:
        lab = await stack.enter_async_context(Lab(nursery, overrides=SWEEPING))
        fleet = Fleet(lab, AT_ONCE)
        stack.push_async_callback(fleet.leave)
        await fleet.gather()
        bench = Bench(lab, fleet)
        for point in points.SWEEP:
            since = time.monotonic()
            done(await sweep_scene(lab, bench, point, runs=runs), since)
        for point in points.OAUTH:
            since = time.monotonic()
            done(await oauth_scene(lab, point, runs=runs), since)
        for point in points.DELETION:
            since = time.monotonic()
            done(await deletion_scene(lab, point, runs=runs), since)

"""The crash matrix: at every failpoint, with every Graph fault that makes sense there, a process dies.

One cell is one failpoint and one fault. The process dies there once for each run of the cell, twice where
a run is alone, and is started again each time; then all runs must be final, with exactly one campaign and
one ad set each.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from crash_lab import points
from crash_lab.checker import KINDS, Verdict, check, counts
from crash_lab.clients import Fleet, Press, accept, follow
from crash_lab.lab import Lab
from crash_lab.nursery import EnvFor
from local_stack.services import ADS_PUBLISHER, GATEWAY

CELL_SECONDS = 60.0
"""Within this, and some seconds for each death, the runs of a cell must be final; most need about ten."""
MOST_DEATHS = 4
"""Per run, before a cell gives up on meeting every run."""
DEATH_SECONDS = 10.0
"""What one death and restart may take on a loaded machine; idle it is a quarter of a second."""
FAULTS: Mapping[str, tuple[str, str] | None] = {
    "none": None,
    "answer lost": ("reset", "after_commit"),
    "create lost": ("close", "before_commit"),
}
"""Name: what the sandbox does, and when. The second is a create that happened, the third one that did not."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    point: str
    fault: str
    process: str

    @property
    def one_by_one(self) -> bool:
        """One publish, one death: otherwise one death would meet several."""
        if self.process == GATEWAY:
            return self.point in (*points.ACCEPT, *points.RELAY)
        return self.point == "publisher.ingest.before_ack"

    @property
    def alone(self) -> bool:
        """One run at a time: news that is there together is written together, and one death meets it all."""
        return self.point in points.RESULT

    @property
    def in_hand(self) -> bool:
        """The journal says whom a death met: the run that the only task had leased."""
        if self.point == "publisher.finish.after_commit":
            return False
        # The answer of an ad set ends the run in the same commit.
        ends = self.point == "publisher.adset.answer_journaled" and self.fault == "none"
        return self.point in (*points.EXECUTOR, *points.SETTLE) and not ends

    @property
    def faulty_step(self) -> str:
        return "adset" if ".adset." in self.point else "campaign"


@dataclass(kw_only=True)
class Line:
    """What came of a cell."""

    cell: Cell
    runs: int = 0
    deaths: int = 0
    frozen: int = 0
    """Processes that were stopped and woken, instead of dying."""
    met: int = 0
    """Runs that were in hand, or open, when a process died or froze; `seconds` are theirs."""
    faults: int = 0
    """Graph faults that were armed for these runs and did fire."""
    seconds: list[float] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    def count(self, presses: list[Press]) -> None:
        """Add the runs of one batch and their times."""
        self.runs += len(presses)
        self.met += sum(press.last_death_at is not None for press in presses)
        self.seconds += [took for press in presses if (took := press.recovered_in) is not None]


def cells() -> list[Cell]:
    """The matrix; the sweeper's points and the one of meta-auth have scenes of their own."""
    both = ("none", "answer lost")
    plan: list[tuple[Iterable[str], Iterable[str], Iterable[str]]] = [
        (points.EXECUTOR, FAULTS, [ADS_PUBLISHER]),
        (["publisher.settle.found"], ["answer lost"], [ADS_PUBLISHER]),
        (["publisher.settle.absent"], ["create lost"], [ADS_PUBLISHER]),
        (points.INGEST, both, [ADS_PUBLISHER]),
        (points.RELAY, both, [GATEWAY, ADS_PUBLISHER]),
        (points.ACCEPT, both, [GATEWAY]),
        (points.RESULT, both, [GATEWAY]),
    ]
    return [
        Cell(point=point, fault=fault, process=process)
        for names, faults, processes in plan
        for point in names
        for fault in faults
        for process in processes
    ]


Leased = dict[str, tuple[int, float]]
"""By run: the fence of its last lease that ended in a death, and when (monotonic)."""


class Bench:
    """Works off cells on one lab."""

    def __init__(self, lab: Lab, fleet: Fleet) -> None:
        self._lab = lab
        self._fleet = fleet
        self._number = 0
        self._known: set[Verdict] = set()

    async def run(self, cell: Cell, *, runs: int) -> Line:
        """Run one cell, a few runs at a time, and judge it."""
        line = Line(cell=cell)
        while line.runs < runs:
            presses = (await self.next_batch())[: runs - line.runs]
            for together in [[press] for press in presses] if cell.alone else [presses]:
                await self._run_batch(cell, together, line)
        return line

    async def _run_batch(self, cell: Cell, presses: list[Press], line: Line) -> None:
        await self._arm_faults(cell, presses)
        process = self._lab.process(cell.process)
        self._number += 1
        folder = self._lab.folder / "failpoints" / str(self._number)

        leased: Leased = {}

        async def note(_: str) -> None:
            await self._note_death(cell, presses, leased)

        process.on_death = note
        # Alone, it dies once more: what the first death left unwritten comes in with the run's end.
        times = len(presses) * (2 if cell.alone else 1)
        await process.restart(_deadly(cell, folder, leased, times=times))
        await self._lab.ready(cell.process)
        await self._press_all(cell, presses)
        until = time.monotonic() + CELL_SECONDS + DEATH_SECONDS * len(presses)
        await asyncio.gather(*(follow(press, until=until) for press in presses))
        process.on_death = None
        for press in presses:
            if press.run_id in leased:
                # Only now: a run may die before its client has heard that it was accepted.
                press.last_death_at = leased[press.run_id][1]
        line.count(presses)
        line.deaths += len(list(folder.glob("*/*@*")))
        line.faults += sum(await self._lab.sandbox.fault_hits())
        await process.restart()  # it may be armed still
        await self._lab.ready(cell.process)
        await self._lab.sandbox.clear_faults()
        self._lab.told += [press.told for press in presses if press.told]
        line.verdicts += await self.judge()

    async def next_batch(self) -> list[Press]:
        """One press per customer, in ad accounts that are new to them."""
        return await self._fleet.next_batch()

    async def judge(self) -> list[Verdict]:
        """What is wrong now and was not before."""
        found = set(check(await self._lab.books())) - self._known
        self._known |= found
        return sorted(found)

    async def _arm_faults(self, cell: Cell, presses: list[Press]) -> None:
        if fault := FAULTS[cell.fault]:
            do, at = fault
            for press in presses:
                await self._lab.sandbox.arm(
                    do, at=at, step=cell.faulty_step, account=press.account, attempt=1
                )

    async def _press_all(self, cell: Cell, presses: list[Press]) -> None:
        if cell.one_by_one:
            process = self._lab.process(cell.process)
            before = process.deaths
            for count, press in enumerate(presses, 1):
                await accept(press)
                await _poll(lambda: process.deaths >= before + count)  # noqa: B023 - awaited at once
        else:
            await asyncio.gather(*(accept(press) for press in presses))

    async def _note_death(self, cell: Cell, presses: list[Press], leased: Leased) -> None:
        """Note whom a death met: the run in hand of the only task, or everyone who waits for an end."""
        now = time.monotonic()
        if not cell.in_hand:
            for press in presses:
                if press.final_at is None:
                    press.last_death_at = now
            return
        connection = await self._lab.connect()
        rows = await connection.fetch(
            "SELECT run_id::text, fence FROM ads_publisher.publish_jobs WHERE status = 'running'"
        )
        await connection.close()
        for row in rows:
            # A lease of the same fence as before belongs to an earlier death, and is running out.
            if leased.get(row["run_id"], (0, 0.0))[0] != row["fence"]:
                leased[row["run_id"]] = row["fence"], now


def _deadly(cell: Cell, folder: Path, leased: Leased, *, times: int) -> EnvFor:
    def env_for(start: int) -> Mapping[str, str]:
        # Each start has a folder of its own, so each may die once; whoever comes after them lives. A death
        # that meets a run for the second time, before another was even ingested, does not count for that one.
        is_over = len(leased) >= times if cell.in_hand else start > times
        if is_over or start > MOST_DEATHS * times:
            return {}
        hit = folder / str(start)
        hit.mkdir(parents=True, exist_ok=True)
        return {
            "FAILPOINTS": f"{cell.point}=kill@1",
            "FAILPOINT_DIR": str(hit),
            "EXECUTOR_TASKS": "1",
        }

    return env_for


async def _poll(done: Callable[[], bool]) -> None:
    """Wait for it, but not for ever: a death that does not come shows in the line's figures."""
    deadline = time.monotonic() + DEATH_SECONDS
    while not done() and time.monotonic() < deadline:  # noqa: ASYNC110 - other processes set no event of ours
        await asyncio.sleep(0.02)


def lines_of_table(lines: Iterable[Line]) -> list[str]:
    """The matrix as a Markdown table."""
    head = ["point", "process", "Graph fault", "runs", "deaths", "frozen", "met", "faults", *KINDS]
    head += ["p50 s", "max s"]
    rows = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for line in sorted(lines, key=lambda line: (line.cell.point, line.cell.process, line.cell.fault)):
        took = sorted(line.seconds)
        figures = [f"{took[len(took) // 2]:.1f}", f"{took[-1]:.1f}"] if took else ["-", "-"]
        cell = line.cell
        values: list[str | int] = [f"`{cell.point}`", cell.process, cell.fault]
        values += [line.runs, line.deaths, line.frozen, line.met, line.faults]
        values += [*counts(line.verdicts).values(), *figures]
        rows.append(f"| {' | '.join(map(str, values))} |")
    return rows

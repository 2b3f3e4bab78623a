"""Publishers that are frozen, taken over, and wake up too late: nothing that they do then may count.

Each run of a scene is held by a publisher of its own, frozen for more than two leases and the admit window.
Another publisher takes over meanwhile.
"""

import asyncio
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

from crash_lab.clients import Press, accept, follow
from crash_lab.lab import Lab
from crash_lab.matrix import CELL_SECONDS, Bench, Cell, Line
from crash_lab.nursery import Kept
from local_stack.services import ADS_PUBLISHER

FREEZE_SECONDS = 9.0
LONG_FREEZE_SECONDS = 25.0
"""Long enough to see that the runs end meanwhile: a frozen process must not hold up their news either."""
WAKE_SECONDS = 30.0
BEFORE_SEND = "frozen before the send"
IN_FLIGHT = "frozen, answer on its way"
LATE = "frozen, create late at Meta"
ANSWERED = "frozen before the journal"
SCENES = tuple(
    (scene, step) for scene in (BEFORE_SEND, IN_FLIGHT, LATE, ANSWERED) for step in ("campaign", "adset")
)
_POINT = {BEFORE_SEND: "intent_journaled", ANSWERED: "answered"}


@dataclass(frozen=True, kw_only=True)
class Zombie:
    process: Kept
    folder: Path

    @property
    def has_fired(self) -> bool:
        return any(self.folder.iterdir())


class Graveyard:
    """Plays the scenes on a lab."""

    def __init__(self, lab: Lab, bench: Bench) -> None:
        self._lab = lab
        self._bench = bench
        self._number = 0

    async def run(self, scene: str, step: str, *, runs: int) -> Line:
        """Play a scene with so many runs, a few at a time."""
        point = f"publisher.{step}.{_POINT.get(scene, 'intent_journaled')}"
        cell = Cell(
            point=point if scene in _POINT else f"publisher.{step} in flight",
            fault=scene,
            process=ADS_PUBLISHER,
        )
        line = Line(cell=cell)
        while line.runs < runs:
            presses = await self._bench.next_batch()
            presses = presses[: runs - line.runs]
            line.frozen += await self._play(scene, step, point, presses, line)
            line.count(presses)
            self._lab.told += [press.told for press in presses if press.told]
            line.verdicts += await self._bench.judge()
        return line

    async def _play(self, scene: str, step: str, point: str, presses: list[Press], line: Line) -> int:
        """Play it once; returns how many publishers were seen frozen."""
        heir = self._lab.process(ADS_PUBLISHER)
        await heir.stop()
        zombies = [await self._raise(scene, point) for _ in presses]
        await asyncio.gather(*(self._lab.ready(zombie.process.name) for zombie in zombies))
        await self._arm(scene, step, presses)
        await asyncio.gather(*(accept(press) for press in presses))
        await self._freeze(scene, zombies, presses)
        frozen_at = time.monotonic()
        await _poll(lambda: all(_is_stopped(zombie.process.pid) for zombie in zombies))
        for press in presses:
            press.last_death_at = frozen_at
        await heir.start()
        waker = asyncio.create_task(self._wake(scene, zombies))
        until = time.monotonic() + CELL_SECONDS
        await asyncio.gather(*(follow(press, until=until) for press in presses))
        await waker
        await asyncio.gather(*(self._has_given_up(zombie) for zombie in zombies))
        for zombie in zombies:
            await zombie.process.stop()
        line.faults += sum(await self._lab.sandbox.fault_hits())
        await self._lab.sandbox.clear_faults()
        return len(zombies)

    async def _raise(self, scene: str, point: str) -> Zombie:
        self._number += 1
        folder = self._lab.folder / "zombies" / str(self._number)
        folder.mkdir(parents=True)
        env = {"EXECUTOR_TASKS": "1"}
        if scene in _POINT:
            env |= {"FAILPOINTS": f"{point}=stop:{_seconds(scene)}@1", "FAILPOINT_DIR": str(folder)}
        process = self._lab.add_publisher(self._number, env)
        await process.start()
        return Zombie(process=process, folder=folder)

    async def _arm(self, scene: str, step: str, presses: list[Press]) -> None:
        do = {IN_FLIGHT: ("hang", FREEZE_SECONDS + 3), LATE: ("delay_arrival", FREEZE_SECONDS)}.get(scene)
        if do is None:
            return
        for press in presses:
            await self._lab.sandbox.arm(
                do[0], at="after_commit", step=step, account=press.account, attempt=1, seconds=do[1]
            )

    async def _freeze(self, scene: str, zombies: list[Zombie], presses: list[Press]) -> None:
        """Return when every run is in the hands of a frozen publisher."""
        if scene in _POINT:
            await _poll(lambda: all(zombie.has_fired for zombie in zombies))
            return
        deadline = time.monotonic() + WAKE_SECONDS
        while sum(await self._lab.sandbox.fault_hits()) < len(presses):
            assert time.monotonic() < deadline, "not all runs came as far as Meta"
            await asyncio.sleep(0.05)
        for zombie in zombies:
            zombie.process.signal(signal.SIGSTOP)

    async def _wake(self, scene: str, zombies: list[Zombie]) -> None:
        await asyncio.sleep(_seconds(scene))
        for zombie in zombies:
            if scene not in _POINT:
                zombie.process.signal(signal.SIGCONT)
        await _poll(lambda: not any(_is_stopped(zombie.process.pid) for zombie in zombies))

    async def _has_given_up(self, zombie: Zombie) -> None:
        """Wait until the woken one has noticed that its run is no longer its own."""
        log = self._lab.log(zombie.process.name)
        await _poll(lambda: "lease_lost" in log.read_text())


def _seconds(scene: str) -> float:
    return LONG_FREEZE_SECONDS if scene == ANSWERED else FREEZE_SECONDS


def _is_stopped(pid: int) -> bool:
    return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)


async def _poll(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAKE_SECONDS
    while not done():
        assert time.monotonic() < deadline, "a frozen publisher did not come to what it should do"
        await asyncio.sleep(0.05)

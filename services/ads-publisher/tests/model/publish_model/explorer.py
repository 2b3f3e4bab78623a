"""Walk through every order in which things can happen, breadth first, and judge each state."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from publish_model.judgement import problem
from publish_model.reduction import reduced
from publish_model.rules import Rules
from publish_model.surroundings import everything
from publish_model.world import World

MAX_ROWS: Final = 12
"""Journals longer than this are not followed. With all guards there are none."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a walk has seen: `bad` is what is wrong in the first bad state, `trace` the shortest way to it."""

    states: int
    bad: str | None = None
    trace: list[str] = field(default_factory=list)
    ends: list[World] = field(default_factory=list)
    cut: int = 0
    """States that were not followed."""


class Walk:
    """All states that can be reached from a start."""

    def __init__(self, start: World, rules: Rules, *, max_rows: int, reductions: bool) -> None:
        self._rules = rules
        self._max_rows = max_rows
        self._reductions = reductions
        self._worlds = [start]
        self._places = {start: 0}
        self._came_from = [(0, "")]
        self._before: list[list[int]] = [[]]
        """For each state those from which it follows without anything going wrong."""

    def run(self) -> Findings:
        here = 0
        while here < len(self._worlds):
            if len(self._worlds[here].journal) <= self._max_rows and (bad := self._visit(here)):
                return self._found(*bad)
            here += 1
        cut = [i for i, world in enumerate(self._worlds) if len(world.journal) > self._max_rows]
        ends = [i for i, world in enumerate(self._worlds) if world.over]
        stuck = set(range(len(self._worlds))) - self._leading_to(ends + cut)
        if stuck:
            return self._found(min(stuck), "stuck: no way to a final answer, even if nothing more goes wrong")
        return Findings(states=len(self._worlds), ends=[self._worlds[i] for i in ends], cut=len(cut))

    def _visit(self, here: int) -> tuple[int, str] | None:
        for step in everything(self._worlds[here], self._rules):
            world = reduced(step.world, self._rules) if self._reductions else step.world
            there = self._places.setdefault(world, len(self._worlds))
            if there == len(self._worlds):
                self._worlds.append(world)
                self._came_from.append((here, step.label))
                self._before.append([])
                if bad := problem(world):
                    return there, bad
            if not step.fault:
                self._before[there].append(here)
        return None

    def _leading_to(self, ends: list[int]) -> set[int]:
        reached = set(ends)
        queue = deque(ends)
        while queue:
            for previous in self._before[queue.popleft()]:
                if previous not in reached:
                    reached.add(previous)
                    queue.append(previous)
        return reached

    def _found(self, place: int, bad: str) -> Findings:
        trace = []
        while place:
            place, label = self._came_from[place]
            trace.append(label)
        return Findings(states=len(self._worlds), bad=bad, trace=trace[::-1])


def explore(start: World, rules: Rules, *, max_rows: int = MAX_ROWS, reductions: bool = True) -> Findings:
    """Visit every state up to the first bad one.

    A state is also bad when no way leads from it to an end without further faults: the run is stuck.
    """
    return Walk(start, rules, max_rows=max_rows, reductions=reductions).run()

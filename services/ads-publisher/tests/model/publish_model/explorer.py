"""Walk through every order in which things can happen, breadth first, and judge each state."""

from collections import deque
from dataclasses import dataclass, field

from publish_model.reduction import reduced
from publish_model.surroundings import everything
from publish_model.world import Job, Rules, World


@dataclass(kw_only=True)
class Findings:
    """What a walk has seen. `bad` is the first bad state in words, `trace` the shortest way to it."""

    states: int = 0
    ends: list[World] = field(default_factory=list)
    bad: str | None = None
    trace: list[str] = field(default_factory=list)


def explore(start: World, rules: Rules) -> Findings:
    """Visit every state; stop at the first bad one.

    A state is also bad when no way leads from it to an end without further faults: the run is stuck.
    """
    worlds = [start]
    index = {start: 0}
    came_from: list[tuple[int, str]] = [(0, "")]
    before: list[list[int]] = [[]]
    found = Findings()
    queue = deque([0])
    while queue:
        here = queue.popleft()
        for step in everything(worlds[here], rules):
            after = reduced(step.world, rules)
            there = index.get(after)
            if there is None:
                there = len(worlds)
                index[after] = there
                worlds.append(after)
                came_from.append((here, step.label))
                before.append([])
                queue.append(there)
                if problem := judge(after):
                    return _bad(worlds, came_from, there, problem)
            if not step.fault:
                before[there].append(here)
    ends = [place for place, world in enumerate(worlds) if world.over]
    stuck = set(range(len(worlds))) - _leading_to(ends, before)
    if stuck:
        return _bad(worlds, came_from, min(stuck), "stuck: no way to a final answer")
    return Findings(states=len(worlds), ends=[worlds[place] for place in ends])


def _leading_to(ends: list[int], before: list[list[int]]) -> set[int]:
    reached = set(ends)
    queue = deque(ends)
    while queue:
        for previous in before[queue.popleft()]:
            if previous not in reached:
                reached.add(previous)
                queue.append(previous)
    return reached


def _bad(worlds: list[World], came_from: list[tuple[int, str]], place: int, problem: str) -> Findings:
    trace = []
    here = place
    while here:
        previous, label = came_from[here]
        trace.append(label)
        here = previous
    return Findings(states=len(worlds), bad=problem, trace=trace[::-1])


def judge(world: World) -> str | None:
    """What is wrong in this state, if anything."""
    for step in ("campaign", "adset"):
        owners = [(thing.job, thing.parent_id) for thing in world.live(step)]
        if len(set(owners)) < len(owners):
            return f"duplicate: one run has two live {step}s"
        parents = [parent for _, parent in owners]
        if len(set(parents)) < len(parents):
            return f"second {step}: two runs have one each where one was there already"
    for job in world.jobs:
        if problem := _wrong_answer(world, job):
            return problem
    return _ghost(world) if world.over else None


def _wrong_answer(world: World, job: Job) -> str | None:
    if job.status != "done":
        return None
    things = {thing.id: thing for thing in world.things}
    campaign, adset = things.get(job.campaign_id or ""), things.get(job.adset_id or "")
    if campaign is None or adset is None or (campaign.step, adset.step) != ("campaign", "adset"):
        return "wrong: the run names what is not at Meta"
    return None if adset.parent_id == campaign.id else "wrong: the ad set is not below the campaign"


def _ghost(world: World) -> str | None:
    """In the end every live object is journaled, or its journal says that it is not known yet."""
    for thing in (*world.live("campaign"), *world.live("adset")):
        known = any(row.alive and row.object_id == thing.id for row in world.journal)
        doubted = any(
            row.unsettled and (row.job, row.step, row.parent_id) == (thing.job, thing.step, thing.parent_id)
            for row in world.journal
        )
        if not known and not doubted:
            return "ghost: an object that no journal knows"
    return None

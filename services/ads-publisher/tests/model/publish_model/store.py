"""The statements of the publisher's store, and Meta's list, on the model's world."""

from typing import Literal

from ads_publisher.saga import LOOK_DELAYS_SECONDS, AttemptOutcome, Do
from publish_model.rules import Rules
from publish_model.world import Job, Row, Thing, World

Ending = Literal["done", "failed"]


class LeaseLost(Exception):
    """A guarded write met no row: the job is somebody else's by now, or over."""


class Violated(Exception):
    """A constraint refused the write."""


def claimable(job: Job) -> bool:
    """A lease may run out at any moment, so a running job is always due.

    The gateway lets a customer have one open run, so no two jobs of the model are open at once.
    """
    return job.status == "running" or (job.status == "ready" and not job.due)


def check_lease(world: World, me: int, index: int, rules: Rules) -> None:
    """What numbering an event proves: the claim is the newest, and the job is not over or given back."""
    job = world.jobs[index]
    if job.status != "running" or (rules.fence and job.holder != me):
        raise LeaseLost


def defer(world: World, me: int, index: int, ticks: int, rules: Rules) -> World:
    check_lease(world, me, index, rules)
    return world.with_job(index, world.jobs[index]._replace(status="ready", holder=None, due=ticks))


def abandon(world: World, me: int) -> World:
    """Nobody works on this worker's job any more; it stays leased until the lease runs out."""
    index = world.workers[me].job
    job = world.jobs[index]
    return world.with_job(index, job._replace(holder=None)) if job.holder == me else world


def finish(
    world: World,
    me: int,
    index: int,
    status: Ending,
    rules: Rules,
    campaign_id: str | None,
    adset_id: str | None,
) -> World:
    check_lease(world, me, index, rules)
    ended = world.jobs[index]._replace(
        status=status, holder=None, due=0, campaign_id=campaign_id, adset_id=adset_id
    )
    return world.with_job(index, ended)


def window(move: Do, rules: Rules) -> int:
    """Ticks for which Meta admits a create, from its intent."""
    return rules.window if move.skew_seconds is None else rules.full_window


def insert_attempt(world: World, job: int, move: Do, rules: Rules) -> World:
    taken = any((row.job, row.step, row.number) == (job, move.step, move.number) for row in world.journal)
    if rules.unique_number and taken:
        raise Violated
    not_before = window(move, rules) + rules.skew + rules.settle if rules.wait else 0
    row = Row(job, move.step, move.number, move.parent_id, not_before=not_before)
    return world._replace(journal=(*world.journal, row))


def record_answer(
    world: World,
    index: int,
    outcome: AttemptOutcome,
    object_id: str | None,
    rules: Rules,
    *,
    proof_refused: bool = False,
) -> World:
    row = world.journal[index]
    if rules.answered_once and not row.unsettled:
        raise LeaseLost
    kept_id = object_id or row.object_id
    if (outcome in ("created", "adopted", "gone")) != (kept_id is not None):
        raise Violated
    answered = row._replace(outcome=outcome, object_id=kept_id, proof_refused=proof_refused)
    if not answered.unsettled:
        answered = answered._replace(not_before=0, look_at=0, looks=0)  # no longer of interest to the saga
    if answered.alive and _has_object(world, index):
        raise Violated
    return world.with_row(index, answered)


def _has_object(world: World, index: int) -> bool:
    row = world.journal[index]
    return any(
        other.alive and (other.job, other.step) == (row.job, row.step)
        for place, other in enumerate(world.journal)
        if place != index
    )


def record_look(world: World, index: int, look_at: int) -> World:
    row = world.journal[index]
    if not row.unsettled:
        return world  # the saga no longer asks when to look
    looks = min(row.looks + 1, len(LOOK_DELAYS_SECONDS) - 1)  # the last pause repeats
    return world.with_row(index, row._replace(look_at=look_at, looks=looks))


def record_gone(world: World, object_id: str, rules: Rules) -> World:
    gone = tuple(
        row._replace(outcome="gone")
        if row.alive and (row.object_id == object_id or (rules.gone_below and row.parent_id == object_id))
        else row
        for row in world.journal
    )
    return world._replace(journal=gone)


def hits(world: World, row: Row) -> list[Thing]:
    """What Meta's list shows with the marker of this attempt's run, oldest first."""
    return [
        thing
        for thing in world.things
        if (thing.job, thing.step, thing.parent_id) == (row.job, row.step, row.parent_id)
        and not thing.hidden
        and not thing.deleted
    ]

"""The transactions of a worker, with the publisher's guards.

The guards: the fence on every write, one row for each job, step and number, an answer only for an attempt
that has none, one object for each job and step.
"""

from typing import Final

from ads_publisher.saga import AttemptOutcome, Do, Finish, GiveUp, Verify
from publish_model import store
from publish_model.rules import Rules
from publish_model.store import LeaseLost, Violated
from publish_model.world import Fact, Look, Pause, Worker, World

RETRY: Final = 1
"""Ticks until the next try after something that did not work."""
OUTCOMES: Final[dict[Fact, AttemptOutcome]] = {
    "created": "created",
    "unknown": "unknown",
    "not_sent": "not_sent",
    "proof_refused": "rejected",
    "refused": "rejected",
}


def commit(world: World, me: int, rules: Rules) -> World:
    """One transaction, and what the executor makes of its failure: nothing of it is written then."""
    worker = world.workers[me]
    try:
        return _transaction(world, me, rules)
    except LeaseLost:
        # A lease that was not lost at all runs out by itself.
        return store.abandon(world, me).with_worker(me, Worker())
    except Violated:
        stopped = world.with_worker(me, Worker())
        try:
            return store.defer(stopped, me, worker.job, RETRY, rules)
        except LeaseLost:
            return stopped


def _transaction(world: World, me: int, rules: Rules) -> World:
    match world.workers[me].at:
        case "answered":
            return _journal_answer(world, me, rules)
        case "looked":
            return _journal_look(world, me, rules)
        case "failing":
            return _finish(world, me, "failed", rules)
        case _:
            return _make(world, me, rules)


def _make(world: World, me: int, rules: Rules) -> World:
    match world.workers[me].move:
        case Do():
            return _journal_intent(world, me, rules)
        case Verify(object_id=object_id):
            return _journal_verified(world, me, object_id, rules)
        case Pause(ticks=ticks):
            return _give_back(world, me, ticks, rules)
        case Finish(campaign_id=campaign_id, adset_id=adset_id):
            return _finish(world, me, "done", rules, campaign_id, adset_id)
        case GiveUp():
            return _finish(world, me, "failed", rules)
        case move:
            raise AssertionError(move)


def _journal_intent(world: World, me: int, rules: Rules) -> World:
    worker = world.workers[me]
    move = worker.move
    assert isinstance(move, Do)
    row = None
    if rules.intent_journal:
        store.check_lease(world, me, worker.job, rules)
        world = store.insert_attempt(world, worker.job, move, rules)
        row = len(world.journal) - 1
    return world.with_worker(me, worker._replace(at="journaled", row=row, proof=store.window(move, rules)))


def _journal_answer(world: World, me: int, rules: Rules) -> World:
    worker = world.workers[me]
    move, row, fact = worker.move, worker.row, worker.fact
    assert isinstance(move, Do)
    assert fact
    store.check_lease(world, me, worker.job, rules)
    if row is None:
        world = store.insert_attempt(world, worker.job, move, rules)
        row = len(world.journal) - 1
    again = fact == "proof_refused" and move.skew_seconds is None
    outcome = OUTCOMES[fact]
    world = store.record_answer(world, row, outcome, worker.object_id, rules, proof_refused=again)
    if fact == "not_sent":
        return _give_back(world, me, RETRY, rules)
    if outcome == "rejected" and not again:
        return world.with_worker(me, Worker(at="failing", job=worker.job))
    return _carry_on(world, me)


def _journal_look(world: World, me: int, rules: Rules) -> World:
    worker = world.workers[me]
    look = worker.move
    assert isinstance(look, Look)
    store.check_lease(world, me, worker.job, rules)
    if worker.object_id:
        return _carry_on(store.record_answer(world, look.row, "adopted", worker.object_id, rules), me)
    last = look.last if rules.clock_before_look else not world.journal[look.row].not_before
    if last:
        return _carry_on(store.record_answer(world, look.row, "absent", None, rules), me)
    return _give_back(store.record_look(world, look.row, look.next_look), me, look.next_look, rules)


def _journal_verified(world: World, me: int, object_id: str, rules: Rules) -> World:
    # The look and its transaction are one step: gone stays gone, and an object that is deleted between them
    # is the same as one deleted right after.
    worker = world.workers[me]
    store.check_lease(world, me, worker.job, rules)
    if any(thing.id == object_id and not thing.deleted for thing in world.things):
        return _carry_on(world, me, worker.verified | {object_id})
    return _carry_on(store.record_gone(world, object_id, rules), me, worker.verified)


def _carry_on(world: World, me: int, verified: frozenset[str] | None = None) -> World:
    worker = world.workers[me]
    seen = worker.verified if verified is None else verified
    return world.with_worker(me, Worker(at="claimed", job=worker.job, verified=seen))


def _give_back(world: World, me: int, ticks: int, rules: Rules) -> World:
    deferred = store.defer(world, me, world.workers[me].job, ticks, rules)
    return deferred.with_worker(me, Worker())


def _finish(
    world: World,
    me: int,
    status: store.Ending,
    rules: Rules,
    campaign_id: str | None = None,
    adset_id: str | None = None,
) -> World:
    ended = store.finish(world, me, world.workers[me].job, status, rules, campaign_id, adset_id)
    return ended.with_worker(me, Worker())

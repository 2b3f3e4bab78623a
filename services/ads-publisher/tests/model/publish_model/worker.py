"""What a worker may do next: each step is one transaction of the publisher, or one call to Meta.

The guards are those of the store and its tables: the fence on every write, one row for each job, step and
number, an answer only for an attempt that has none, one object for each job and step, one running job in a
lane.
"""

from collections.abc import Iterator
from typing import NamedTuple, assert_never

from ads_publisher.saga import Do, Finish, GiveUp, Verify
from publish_model import store
from publish_model.decisions import decide
from publish_model.store import LeaseLost, Violated
from publish_model.world import Flight, Look, Pause, Rules, Worker, World, settled_flights

RETRY: int = 1
"""Ticks until the next try after something that did not work."""


class Step(NamedTuple):
    """One thing that may happen. `fault`: it is something going wrong, which need not happen."""

    label: str
    world: World
    fault: bool = False


def steps(world: World, me: int, rules: Rules) -> Iterator[Step]:
    """All that this worker may do next."""
    worker = world.workers[me]
    match worker.at:
        case "idle":
            yield from _claim(world, me)
        case "claimed":
            move = decide(world.journal, worker.job, worker.verified, whole_account=rules.whole_account)
            yield Step("decides", world.with_worker(me, worker._replace(at="decided", move=move)))
        case "decided":
            yield from _act(world, me, rules)
        case "journaled":
            yield from _send(world, me, rules)
        case "sent":
            if world.may("lost_answers"):
                deaf = stop_listening(world.after("lost_answers"), me)
                yield Step("gets no answer", answered(deaf, me, "unknown"), fault=True)
        case "answered":
            yield Step("journals the answer", _commit(world, me, rules))
        case "looked":
            yield Step("journals the look", _commit(world, me, rules))
        case "failing":
            yield Step("fails the run", _commit(world, me, rules))
        case _:
            assert_never(worker.at)


def answered(world: World, me: int, fact: store.Fact, object_id: str | None = None) -> World:
    """The world in which this worker has an answer of Meta's, or knows that it will get none."""
    worker = world.workers[me]
    return world.with_worker(me, worker._replace(at="answered", proof=0, fact=fact, object_id=object_id))


def stop_listening(world: World, me: int) -> World:
    """This worker no longer waits for its call; the call may arrive all the same."""
    return world._replace(
        flights=settled_flights(
            flight._replace(sender=None) if flight.sender == me else flight for flight in world.flights
        )
    )


def _claim(world: World, me: int) -> Iterator[Step]:
    # Idle workers are alike: the first of them claims for all.
    if any(other.at == "idle" for other in world.workers[:me]):
        return
    for index, job in enumerate(world.jobs):
        if not store.claimable(job):
            continue
        held = job.status == "running" and job.holder is not None
        if held and not world.may("takeovers"):
            continue
        before = world.after("takeovers") if held else world
        claimed = before.with_job(index, job._replace(status="running", holder=me, due=0))
        yield Step("claims", claimed.with_worker(me, Worker(at="claimed", job=index)), fault=held)


def _act(world: World, me: int, rules: Rules) -> Iterator[Step]:
    worker = world.workers[me]
    move = worker.move
    match move:
        case Do():
            yield Step("journals the intent", _commit(world, me, rules))
        case Look():
            hits = (store.hits(world, world.journal[move.row]) if rules.look_up else [])[:1]
            found = hits[0].id if hits else None
            yield Step("looks", world.with_worker(me, worker._replace(at="looked", object_id=found)))
            if world.may("token_failures"):
                refused = world.after("token_failures").with_worker(me, worker._replace(at="failing"))
                yield Step("is refused the look", refused, fault=True)
        case Verify() | Pause() | Finish() | GiveUp():
            yield Step("writes", _commit(world, me, rules))
        case _:
            raise AssertionError(move)


def _send(world: World, me: int, rules: Rules) -> Iterator[Step]:
    worker = world.workers[me]
    assert isinstance(worker.move, Do)
    flight = Flight(
        job=worker.job,
        step=worker.move.step,
        parent_id=worker.move.parent_id,
        proof=worker.proof if rules.proof_from_intent else store.window(worker.move, rules),
        sender=me,
    )
    sent = world._replace(flights=(*world.flights, flight))
    yield Step("sends", sent.with_worker(me, worker._replace(at="sent", proof=0)))
    if world.may("not_sent"):
        yield Step("cannot send", answered(world.after("not_sent"), me, "not_sent"), fault=True)


def _commit(world: World, me: int, rules: Rules) -> World:
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
    worker = world.workers[me]
    if worker.at == "answered":
        return _journal_answer(world, me, rules)
    if worker.at == "looked":
        return _journal_look(world, me, rules)
    if worker.at == "failing":
        return _finish(world, me, "failed", rules)
    match worker.move:
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
        case _:
            raise AssertionError(worker)


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
    outcome = "rejected" if fact in ("refused", "proof_refused") else fact
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

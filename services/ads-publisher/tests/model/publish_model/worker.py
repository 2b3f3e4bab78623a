"""What a worker may do next: each step is one transaction of the publisher, or one call to Meta."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from ads_publisher.saga import Do
from publish_model import store
from publish_model.decisions import decide
from publish_model.rules import Rules
from publish_model.transactions import commit
from publish_model.world import Fact, Flight, Look, Worker, World, without_spent


class Step(NamedTuple):
    """One thing that may happen. `fault`: it is something going wrong, which need not happen."""

    label: str
    world: World
    fault: bool = False


def steps(world: World, me: int, rules: Rules) -> Iterator[Step]:
    """All that this worker may do next."""
    yield from _NEXT[world.workers[me].at](world, me, rules)


def answered(world: World, me: int, fact: Fact, object_id: str | None = None) -> World:
    """The world in which this worker has an answer of Meta's, or knows that it will get none."""
    worker = world.workers[me]
    return world.with_worker(me, worker._replace(at="answered", proof=0, fact=fact, object_id=object_id))


def stop_listening(world: World, me: int) -> World:
    """This worker no longer waits for its call; the call may arrive all the same."""
    return world._replace(
        flights=without_spent(
            flight._replace(sender=None) if flight.sender == me else flight for flight in world.flights
        )
    )


def _claim(world: World, me: int, _: Rules) -> Iterator[Step]:
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


def _decide(world: World, me: int, rules: Rules) -> Iterator[Step]:
    worker = world.workers[me]
    move = decide(
        world.journal,
        worker.job,
        worker.verified,
        whole_account=rules.whole_account,
        settle_doubts=rules.settle_doubts,
    )
    yield Step("decides", world.with_worker(me, worker._replace(at="decided", move=move)))


def _act(world: World, me: int, rules: Rules) -> Iterator[Step]:
    worker = world.workers[me]
    match worker.move:
        case Look(row=row):
            hits = store.hits(world, world.journal[row]) if rules.look_up else []
            found = hits[0].id if hits else None
            yield Step("looks", world.with_worker(me, worker._replace(at="looked", object_id=found)))
            if world.may("token_failures"):
                refused = world.after("token_failures").with_worker(me, worker._replace(at="failing"))
                yield Step("is refused the look", refused, fault=True)
        case Do():
            yield Step("journals the intent", commit(world, me, rules))
        case _:
            yield Step("writes", commit(world, me, rules))


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


def _listen(world: World, me: int, _: Rules) -> Iterator[Step]:
    if world.may("lost_answers"):
        deaf = stop_listening(world.after("lost_answers"), me)
        yield Step("gets no answer", answered(deaf, me, "unknown"), fault=True)


def _journal(world: World, me: int, rules: Rules) -> Iterator[Step]:
    yield Step("journals it", commit(world, me, rules))


_NEXT: Final = {
    "idle": _claim,
    "claimed": _decide,
    "decided": _act,
    "journaled": _send,
    "sent": _listen,
    "answered": _journal,
    "looked": _journal,
    "failing": _journal,
}
"""What follows at each place where a worker may fall asleep, or die."""

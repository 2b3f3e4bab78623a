"""What happens around the workers: time, Meta, the network, kills, users."""

from collections.abc import Iterator

from publish_model.reduction import holds
from publish_model.rules import Rules
from publish_model.worker import Step, answered, steps, stop_listening
from publish_model.world import Flight, Thing, Worker, World, tick


def everything(world: World, rules: Rules) -> Iterator[Step]:
    """All that may happen next."""
    for me in range(len(world.workers)):
        name = "zombie" if world.workers[me].at != "idle" and not holds(world, me) else "worker"
        for label, after, fault in steps(world, me, rules):
            yield Step(f"{name} {label}", after, fault)
        yield from _stop(world, me)
    for index in range(len(world.flights)):
        yield from _arrive(world, index, rules)
    yield from _press_again(world)
    yield from _delete(world)
    yield from _wait(world, rules)


def _wait(world: World, rules: Rules) -> Iterator[Step]:
    """Time passes: freely while all wait or only a stale worker is busy."""
    busy = any(holds(world, me) for me in range(len(world.workers)))
    if busy and not world.may("stalls"):
        return
    later = tick(world.after("stalls") if busy else world, rules)
    if later != world:
        yield Step("time passes", later, fault=busy)


def _stop(world: World, me: int) -> Iterator[Step]:
    """A kill; or the renewal of leases finds that this one is lost and cancels the work."""
    worker = world.workers[me]
    if worker.at == "idle":
        return
    job = world.jobs[worker.job]
    if not holds(world, me):
        yield Step("zombie is stopped", stop_listening(world, me).with_worker(me, Worker()))
    elif world.may("kills"):
        orphan = world.after("kills").with_job(worker.job, job._replace(holder=None))
        yield Step("worker is killed", stop_listening(orphan, me).with_worker(me, Worker()), fault=True)


def _arrive(world: World, index: int, rules: Rules) -> Iterator[Step]:
    """A create reaches Meta, at any time after it was sent. One that never does is one that is late."""
    flight = world.flights[index]
    rest = world.without_flight(index)
    parent_stands = flight.step == "campaign" or any(
        thing.id == flight.parent_id and not thing.deleted for thing in world.things
    )
    me = flight.sender
    if me is not None and not parent_stands:
        yield Step("Meta refuses", answered(rest, me, "refused"))
    if me is not None and flight.proof < 0:
        yield Step("Meta refuses the proof", answered(rest, me, "proof_refused"))
    if parent_stands and flight.proof >= -rules.meta_skew:
        for hidden in {0, rules.meta_lag}:
            yield from _create(rest, flight, hidden)


def _create(rest: World, flight: Flight, hidden: int) -> Iterator[Step]:
    thing = Thing(str(len(rest.things) + 1), flight.job, flight.step, flight.parent_id, hidden)
    created = rest._replace(things=(*rest.things, thing))
    if flight.sender is None:
        yield Step("Meta creates", created)
        return
    yield Step("Meta creates", answered(created, flight.sender, "created", thing.id))
    if rest.may("lost_answers"):
        lost = answered(created.after("lost_answers"), flight.sender, "unknown")
        yield Step("Meta creates and the answer is lost", lost, fault=True)


def _press_again(world: World) -> Iterator[Step]:
    """The customer publishes once more; the gateway allows that when the run before is over."""
    for index, job in enumerate(world.jobs):
        if job.status == "absent" and world.jobs[index - 1].status in ("done", "failed"):
            yield Step("the customer publishes again", world.with_job(index, job._replace(status="ready")))


def _delete(world: World) -> Iterator[Step]:
    """A user deletes a campaign at Meta, with what is below it."""
    if world.may("deletions"):
        for campaign in world.live("campaign"):
            things = tuple(
                thing._replace(deleted=True) if campaign.id in (thing.id, thing.parent_id) else thing
                for thing in world.things
            )
            after = world.after("deletions")._replace(things=things)
            yield Step("a user deletes the campaign", after, fault=True)

"""Two states that cannot be told apart by what follows are one: it keeps the walk short.

Workers are alike, so the one that holds the lease comes first. The writes of a stale worker are refused, so
all that it can still do is send; when it has no create left to send, it is taken as stopped. Without the
fence its writes count, and it goes on.
"""

from publish_model.rules import Rules
from publish_model.worker import stop_listening
from publish_model.world import Worker, World


def reduced(world: World, rules: Rules) -> World:
    """The one of all equal states that stands for them."""
    if rules.fence:
        for me, worker in enumerate(world.workers):
            if worker.at not in ("idle", "journaled") and not holds(world, me):
                world = stop_listening(world, me).with_worker(me, Worker())
    first, second = world.workers
    if holds(world, 1) or (first.at == "idle" != second.at):
        return _swapped(world)
    return world


def holds(world: World, me: int) -> bool:
    """Whether this worker has the newest claim of the job that it works on."""
    job = world.jobs[world.workers[me].job]
    return job.status == "running" and job.holder == me and world.workers[me].at != "idle"


def _swapped(world: World) -> World:
    other = {None: None, 0: 1, 1: 0}
    return world._replace(
        workers=world.workers[::-1],
        jobs=tuple(job._replace(holder=other[job.holder]) for job in world.jobs),
        flights=tuple(flight._replace(sender=other[flight.sender]) for flight in world.flights),
    )

"""Two states that cannot be told apart by what follows are one: it keeps the walk short.

Workers are alike, so the one that holds the lease comes first. A stale worker whose every write is refused can
only still do harm by sending; when it has no create left to send, it is taken as stopped.
"""

from publish_model.worker import stop_listening
from publish_model.world import Rules, Worker, World


def reduced(world: World, rules: Rules) -> World:
    """The one of all equal states that stands for them."""
    if rules.fence and rules.still_running:
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

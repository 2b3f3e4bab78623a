"""One state of the world in which runs are published: our tables, the workers, the network, Meta.

Every moment is kept relative to now, in ticks, and stops counting once it has passed. So time never runs out
and the number of states is finite all the same.
"""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from ads_publisher.saga import AttemptOutcome, Do, Finish, GiveUp, Step, Verify
from publish_model.rules import Rules

PASSED: Final = -9
"""What is left of a proof that Meta no longer accepts."""

Fact = Literal["created", "unknown", "not_sent", "proof_refused", "refused"]
Fault = Literal["kills", "takeovers", "lost_answers", "not_sent", "token_failures", "deletions", "stalls"]


class Look(NamedTuple):
    """`saga.Settle`, with what the worker takes from its clock: is this look the last, when is the next."""

    row: int
    last: bool
    next_look: int


class Pause(NamedTuple):
    """`saga.Wait`, in ticks from now."""

    ticks: int


Move = Do | Finish | GiveUp | Verify | Look | Pause


class Job(NamedTuple):
    """A row of publish_jobs. `holder` is the worker with the newest claim: the one whose fence is current."""

    status: Literal["absent", "ready", "running", "done", "failed"] = "absent"
    holder: int | None = None
    due: int = 0
    campaign_id: str | None = None
    adset_id: str | None = None


class Row(NamedTuple):
    """A row of publish_attempts; its id is its place in the journal."""

    job: int
    step: Step
    number: int
    parent_id: str | None
    not_before: int = 0
    look_at: int = 0
    looks: int = 0
    outcome: AttemptOutcome | None = None
    object_id: str | None = None
    proof_refused: bool = False

    @property
    def unsettled(self) -> bool:
        return self.outcome in (None, "unknown")

    @property
    def alive(self) -> bool:
        return self.outcome in ("created", "adopted")


class Thing(NamedTuple):
    """A campaign or an ad set at Meta. `hidden`: ticks until Meta's lists show it."""

    id: str
    job: int
    step: Step
    parent_id: str | None
    hidden: int
    deleted: bool = False


class Flight(NamedTuple):
    """A create on its way to Meta. `proof`: ticks for which Meta admits it. `sender` still listens."""

    job: int
    step: Step
    parent_id: str | None
    proof: int
    sender: int | None


class Worker(NamedTuple):
    """A task of some process, and how far it is. One that does not move while others do is the zombie."""

    at: Literal["idle", "claimed", "decided", "journaled", "sent", "answered", "looked", "failing"] = "idle"
    job: int = 0
    verified: frozenset[str] = frozenset()
    move: Move | None = None
    row: int | None = None
    proof: int = 0
    fact: Fact | None = None
    object_id: str | None = None


class Budget(NamedTuple):
    """How many more things of each kind may go wrong."""

    kills: int = 0
    takeovers: int = 0
    lost_answers: int = 0
    not_sent: int = 0
    token_failures: int = 0
    deletions: int = 0
    stalls: int = 0
    """Ticks that pass while the worker with the lease is busy: it is slow, but has not lost its lease."""


class World(NamedTuple):
    """Everything that decides what may happen next."""

    jobs: tuple[Job, ...]
    workers: tuple[Worker, ...]
    journal: tuple[Row, ...]
    things: tuple[Thing, ...]
    flights: tuple[Flight, ...]
    budget: Budget

    def with_worker(self, index: int, worker: Worker) -> "World":
        return self._replace(workers=(*self.workers[:index], worker, *self.workers[index + 1 :]))

    def with_job(self, index: int, job: Job) -> "World":
        return self._replace(jobs=(*self.jobs[:index], job, *self.jobs[index + 1 :]))

    def with_row(self, index: int, row: Row) -> "World":
        return self._replace(journal=(*self.journal[:index], row, *self.journal[index + 1 :]))

    def without_flight(self, index: int) -> "World":
        return self._replace(flights=self.flights[:index] + self.flights[index + 1 :])

    def may(self, fault: Fault) -> bool:
        left: int = getattr(self.budget, fault)
        return left > 0

    def after(self, fault: Fault) -> "World":
        """This world with one fault fewer to come."""
        left: int = getattr(self.budget, fault)
        return self._replace(budget=self.budget._replace(**{fault: left - 1}))

    def live(self, step: Step) -> list[Thing]:
        return [thing for thing in self.things if thing.step == step and not thing.deleted]

    @property
    def over(self) -> bool:
        """Nothing of ours is under way any more."""
        return (
            all(job.status in ("absent", "done", "failed") for job in self.jobs)
            and all(worker.at == "idle" for worker in self.workers)
            and not self.flights
        )


def tick(world: World, rules: Rules) -> World:
    """Let one tick pass for everything that waits."""
    return world._replace(
        jobs=tuple(job._replace(due=job.due - 1) if job.due else job for job in world.jobs),
        workers=tuple(_later(worker, rules) for worker in world.workers),
        journal=tuple(
            row._replace(not_before=max(row.not_before - 1, 0), look_at=max(row.look_at - 1, 0))
            if row.not_before or row.look_at
            else row
            for row in world.journal
        ),
        things=tuple(
            thing._replace(hidden=thing.hidden - 1) if thing.hidden else thing for thing in world.things
        ),
        flights=without_spent(
            flight._replace(proof=shorter(flight.proof, rules)) for flight in world.flights
        ),
    )


def _later(worker: Worker, rules: Rules) -> Worker:
    if worker.at == "journaled":
        return worker._replace(proof=shorter(worker.proof, rules))
    match worker.move:
        case Look(next_look=ticks) if ticks:
            return worker._replace(move=worker.move._replace(next_look=ticks - 1))
        case Pause(ticks=ticks) if ticks:
            return worker._replace(move=Pause(ticks - 1))
    return worker


def shorter(proof: int, rules: Rules) -> int:
    """A proof one tick later. It is over when even a Meta with a late clock refuses it."""
    return proof - 1 if proof > -rules.meta_skew else PASSED


def without_spent(flights: Iterable[Flight]) -> tuple[Flight, ...]:
    """Without those that can have no effect any more: nobody listens and Meta refuses them."""
    return tuple(f for f in flights if f.sender is not None or f.proof != PASSED)

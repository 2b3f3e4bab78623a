"""The bounds of the walks: which run starts from what, and how much may go wrong on the way."""

from dataclasses import dataclass
from typing import Final

from publish_model.explorer import MAX_ROWS
from publish_model.rules import Rules
from publish_model.world import Budget, Job, Row, Thing, Worker, World

CAMPAIGN: Final = Thing("1", 0, "campaign", None, hidden=0)
CREATED: Final = Row(0, "campaign", 1, None, outcome="created", object_id="1")


def start(*jobs: Job, journal: tuple[Row, ...] = (), things: tuple[Thing, ...] = (), **faults: int) -> World:
    """Two idle workers in front of these jobs."""
    workers = (Worker(), Worker())
    return World(jobs, workers, journal, things, flights=(), budget=Budget(**faults))


READY: Final = Job(status="ready")
LATER: Final = Job(status="absent")
FAILED: Final = Job(status="failed")

FULL: Final = {
    "one run, killed twice": start(READY, kills=2, takeovers=1, lost_answers=1),
    "one run, two zombies": start(READY, takeovers=2, lost_answers=1),
    "one run, slow workers": start(READY, kills=1, takeovers=1, stalls=3),
    "one run, Meta out of reach": start(READY, kills=1, takeovers=1, not_sent=2),
    "a second run after it": start(READY, LATER, kills=1, takeovers=1, lost_answers=1, token_failures=1),
    "four creates absent before": start(
        READY,
        LATER,
        journal=tuple(Row(0, "campaign", number, None, outcome="absent") for number in range(1, 5)),
        kills=1,
        takeovers=1,
        lost_answers=1,
    ),
    "a campaign that a user deletes": start(
        FAILED, READY, journal=(CREATED,), things=(CAMPAIGN,), lost_answers=2, stalls=2, deletions=1
    ),
}
"""Every guard in place: nothing bad may be found."""

DELETED_AND_KILLED: Final = start(FAILED, READY, journal=(CREATED,), things=(CAMPAIGN,), kills=1, deletions=1)

ONE: Final = start(READY, kills=1, takeovers=1, lost_answers=1)
SLOW: Final = start(READY, takeovers=1, lost_answers=1, stalls=2)
AGAIN: Final = start(READY, LATER, takeovers=1, lost_answers=1, token_failures=1)
AD_SET: Final = start(READY, journal=(CREATED,), things=(CAMPAIGN,), takeovers=1, lost_answers=1)
"""The campaign stands and only the ad set is to come: few enough states to do without the reductions."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """A walk with something taken away. `why` tells the bad end, or why there is none."""

    rules: Rules
    world: World = ONE
    found: str | None
    why: str
    max_rows: int = MAX_ROWS


REMOVALS: Final = {
    "no intent journal": Removal(
        rules=Rules(intent_journal=False),
        found="duplicate",
        why="nobody knows of a create that was sent before its worker died",
    ),
    "no look-up": Removal(
        rules=Rules(look_up=False),
        found="duplicate",
        why="what was created and not answered is created again",
    ),
    "no wait": Removal(
        rules=Rules(wait=False),
        found="duplicate",
        why="a create that is still on its way lands beside the next one",
    ),
    "clock read after the look": Removal(
        rules=Rules(clock_before_look=False),
        world=SLOW,
        found="duplicate",
        why="a look that was early is taken for the last one by a worker that was slow after it",
    ),
    "proof stamped when sent": Removal(
        rules=Rules(proof_from_intent=False),
        found="duplicate",
        why="Meta admits what a zombie sends long after its attempt was called absent",
    ),
    "doubts not settled": Removal(
        rules=Rules(settle_doubts=False),
        found="duplicate",
        why="a lost answer is taken for a no",
    ),
    "earlier runs not seen": Removal(
        rules=Rules(whole_account=False),
        world=AGAIN,
        found="second campaign",
        why="the run before failed with a campaign on its way",
    ),
    "no margin for Meta's lists": Removal(
        rules=Rules(settle=0),
        found="duplicate",
        why="the last look comes before Meta's lists show what was created last",
    ),
    "no margin for Meta's clock": Removal(
        rules=Rules(skew=0),
        found="duplicate",
        why="Meta admits a create for longer than we wait",
    ),
    "Meta's lists lag longer than the margin": Removal(
        rules=Rules(meta_lag=2),
        found="duplicate",
        why="the promise is as good as META_SETTLE_SECONDS; the sweeper cleans up beyond it",
    ),
    "Meta's clock is later than the margin": Removal(
        rules=Rules(meta_skew=2),
        found="duplicate",
        why="the promise is as good as META_CLOCK_SKEW_SECONDS; the sweeper cleans up beyond it",
    ),
    "no fence": Removal(
        rules=Rules(fence=False),
        world=AD_SET,
        found=None,
        why="a zombie's decision is for a number that is taken, its answer for an attempt that has one; the"
        " fence saves work",
    ),
    "no unique number": Removal(
        rules=Rules(unique_number=False),
        world=AD_SET,
        found=None,
        why="the fence has refused the second writer already",
    ),
    "answers taken twice": Removal(
        rules=Rules(answered_once=False),
        world=AD_SET,
        found=None,
        why="the fence has refused the second writer already",
    ),
    "no fence and no unique number": Removal(
        rules=Rules(fence=False, unique_number=False),
        world=AD_SET,
        found="duplicate",
        why="two workers with one thought both journal it and both send",
    ),
    "no fence and answers taken twice": Removal(
        rules=Rules(fence=False, answered_once=False),
        world=AD_SET,
        found="stuck",
        max_rows=4,
        why="a late answer opens a settled attempt again, which then finds the object of the next one",
    ),
}
"""What the walk says when a guard, or the time that one relies on, is taken away."""

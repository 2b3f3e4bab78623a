"""The protocol of a publish: journal in, next move out. No clock, no network, no database.

Meta has no idempotency key, so a create is never repeated on a doubt. The journal of one ad account holds
every create that was ever meant there, by any run; an intent without an answer has to be settled (looked up
at Meta, and waited for until Meta itself would refuse it) before another create may start.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal
from uuid import UUID

Step = Literal["campaign", "adset"]
AttemptOutcome = Literal[
    "created", "adopted", "gone", "unknown", "absent", "rejected", "throttled", "not_sent"
]
MAX_ATTEMPTS: Final = 5
"""Creates of one run and step whose answer was lost and that Meta does not show; then a person must look."""
LOOK_DELAYS_SECONDS: Final = (1.0, 2.0, 4.0, 8.0)
"""Pauses between looks at Meta while an answer is missing; the last one repeats."""
RETRY_DELAYS_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Pauses while something that we need does not answer; the last one repeats."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One journaled create. `outcome` is None while nobody knows; so it is after a crash."""

    id: int
    job_id: UUID
    run_id: UUID
    step: Step
    number: int
    parent_id: str | None
    intent_at: datetime
    not_before: datetime
    look_at: datetime
    looks: int = 0
    outcome: AttemptOutcome | None = None
    object_id: str | None = None
    skew_seconds: int | None = None
    """Meta refused the proof; its clock was so many seconds ahead of ours."""

    @property
    def unsettled(self) -> bool:
        return self.outcome in (None, "unknown")

    @property
    def alive(self) -> bool:
        return self.outcome in ("created", "adopted")


@dataclass(frozen=True, kw_only=True)
class Do:
    """Journal the intent, then create.

    `skew_seconds` is set when Meta has just refused an attempt's proof: stamp afresh, by Meta's clock.
    """

    step: Step
    number: int
    parent_id: str | None
    skew_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class Settle:
    """Look at Meta whether this attempt created its object."""

    attempt: Attempt


@dataclass(frozen=True, kw_only=True)
class Verify:
    """Look at Meta whether an object of an earlier run still stands."""

    step: Step
    object_id: str


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Nothing may be done before `until`."""

    until: datetime
    attempt: Attempt


@dataclass(frozen=True, kw_only=True)
class Finish:
    """Both objects stand."""

    campaign_id: str
    adset_id: str


@dataclass(frozen=True, kw_only=True)
class GiveUp:
    """The answer was lost too often; a person must look at the ad account."""

    step: Step


Move = Do | Settle | Verify | Wait | Finish | GiveUp


def next_move(
    journal: Sequence[Attempt],
    *,
    job_id: UUID,
    now: datetime,
    verified: AbstractSet[str] = frozenset(),
    max_attempts: int = MAX_ATTEMPTS,
) -> Move:
    """Decide the one next move for a run.

    `journal` holds every attempt of the customer in this ad account, oldest first; `verified` the ids that
    this execution has already seen at Meta.
    """
    decide = partial(
        _step_move, journal, job_id=job_id, now=now, verified=verified, max_attempts=max_attempts
    )
    campaign = decide("campaign", None)
    if not isinstance(campaign, str):
        return campaign
    adset = decide("adset", campaign)
    if not isinstance(adset, str):
        return adset
    return Finish(campaign_id=campaign, adset_id=adset)


def _step_move(
    journal: Sequence[Attempt],
    step: Step,
    parent_id: str | None,
    *,
    job_id: UUID,
    now: datetime,
    verified: AbstractSet[str],
    max_attempts: int,
) -> Move | str:
    """The move that this step needs, or the id of its object when it needs none."""
    attempts = [a for a in journal if a.step == step and a.parent_id == parent_id]
    for attempt in attempts:
        if attempt.unsettled:
            return (
                Settle(attempt=attempt)
                if now >= attempt.look_at
                else Wait(until=attempt.look_at, attempt=attempt)
            )
    alive = [a for a in attempts if a.alive and a.object_id]
    if alive:
        newest = alive[-1]
        object_id = newest.object_id or ""
        known = newest.job_id == job_id or object_id in verified
        return object_id if known else Verify(step=step, object_id=object_id)
    own = [a for a in journal if a.step == step and a.job_id == job_id]
    if sum(a.outcome == "absent" for a in own) >= max_attempts:
        return GiveUp(step=step)
    return Do(
        step=step,
        number=max((a.number for a in own), default=0) + 1,
        parent_id=parent_id,
        skew_seconds=own[-1].skew_seconds if own else None,
    )


def next_look(attempt: Attempt, *, now: datetime) -> datetime:
    """When to look again after a look that found nothing; the last look is never before `not_before`."""
    delay = LOOK_DELAYS_SECONDS[min(attempt.looks, len(LOOK_DELAYS_SECONDS) - 1)]
    return min(now + timedelta(seconds=delay), max(attempt.not_before, now))


def retry_delay(deferrals: int) -> float:
    """Seconds to wait before the next try, after so many in a row."""
    return RETRY_DELAYS_SECONDS[min(deferrals, len(RETRY_DELAYS_SECONDS) - 1)]

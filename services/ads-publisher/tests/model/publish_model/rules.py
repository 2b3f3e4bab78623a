"""What protects a publish, guard by guard, and the times that it relies on."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The guards of the protocol, each of which can be taken away, and its times in ticks of one second."""

    intent_journal: bool = True
    """The intent is committed before the call; without it only the answer is written."""
    look_up: bool = True
    """Meta is searched for the marker of a create whose answer is missing."""
    wait: bool = True
    """Nothing is called absent before `not_before`."""
    clock_before_look: bool = True
    """Absent is only what a look did not find that began after `not_before`."""
    proof_from_intent: bool = True
    """The proof is stamped from the journaled intent, not when the call is sent."""
    settle_doubts: bool = True
    """The saga is told of answers that are missing; without it they pass for creates that failed."""
    whole_account: bool = True
    """The saga sees the doubts and objects of the account's earlier runs."""
    fence: bool = True
    """Every write carries the number of its claim, and only the newest claim's goes through."""
    unique_number: bool = True
    """One row for each job, step and number."""
    answered_once: bool = True
    """Only an attempt without an answer takes one."""
    gone_below: bool = True
    """With a campaign that is gone, its ad sets are journaled as gone too."""
    window: int = 1
    full_window: int = 2
    skew: int = 1
    settle: int = 1
    meta_skew: int = 1
    """By how much Meta's clock is really late at most."""
    meta_lag: int = 1
    """For how long Meta's lists really hide a new object at most."""

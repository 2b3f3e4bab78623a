"""The decisions, all taken by the real saga on a journal made from the model's."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final, assert_never
from uuid import UUID

from ads_publisher.saga import Attempt, Do, Finish, GiveUp, Settle, Verify, Wait, next_look, next_move
from publish_model.world import Look, Move, Pause, Row

NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
"""Any moment will do: all the model's times are relative to now."""


@cache
def decide(
    journal: tuple[Row, ...], job: int, verified: frozenset[str], *, whole_account: bool, settle_doubts: bool
) -> Move:
    """Ask the saga for the next move of a job; the two flags say what it gets to see."""
    attempts = as_attempts(journal)
    if not whole_account:
        attempts = [attempt for attempt in attempts if attempt.job_id == UUID(int=job)]
    if not settle_doubts:
        attempts = [replace(a, outcome="rejected") if a.unsettled else a for a in attempts]
    move = next_move(attempts, job_id=UUID(int=job), now=NOW, verified=verified)
    match move:
        case Settle(attempt=attempt):
            return Look(
                row=attempt.id,
                last=attempt.not_before <= NOW,
                next_look=_ticks(next_look(attempt, now=NOW)),
            )
        case Wait(until=until):
            return Pause(_ticks(until))
        case Do() | Verify() | Finish() | GiveUp():
            return move
        case _:
            assert_never(move)


def as_attempts(journal: Sequence[Row]) -> list[Attempt]:
    """The rows as the store would load them."""
    return [
        Attempt(
            id=index,
            job_id=UUID(int=row.job),
            run_id=UUID(int=row.job),
            step=row.step,
            number=row.number,
            parent_id=row.parent_id,
            intent_at=NOW,
            not_before=_moment(row.not_before),
            look_at=_moment(row.look_at),
            looks=row.looks,
            outcome=row.outcome,
            object_id=row.object_id,
            skew_seconds=0 if row.proof_refused else None,
        )
        for index, row in enumerate(journal)
    ]


def _moment(ticks: int) -> datetime:
    return NOW + timedelta(seconds=ticks)


def _ticks(moment: datetime) -> int:
    return round((moment - NOW).total_seconds())

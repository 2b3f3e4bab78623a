"""The SQL statement by which reports are written: one round trip for all that are ready, all or nothing."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, Literal

import asyncpg

from ads_publisher.call_store import CALL, CALL_COLUMNS, as_rows
from ads_publisher.calls import MetaCall
from ads_publisher.saga import Attempt, AttemptOutcome, Step
from ads_publisher.store import ATTEMPT_COLUMNS, DeadReason, Job, LeaseLost, attempt_of
from chassis.database import Connection, text_for
from chassis.outbox import wake_relay
from contracts.events import RESULTS_STREAM, AnyEvent


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A create that is about to be sent; the database's clock stamps it."""

    ad_account_id: str
    step: Step
    number: int
    parent_id: str | None
    backdate_seconds: int
    not_before_seconds: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of a create. Only an attempt that is not settled takes one."""

    attempt_id: int
    outcome: AttemptOutcome
    object_id: str | None = None
    extra_ids: Sequence[str] = ()
    error: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Journaled:
    """An intent as it stands in the journal. `proof_time` in unix seconds."""

    attempt: Attempt
    proof_time: int


@dataclass(kw_only=True)
class Draft:
    """All that one report says and changes; `step` and `attempt` are what its calls to Meta were made for."""

    events: list[AnyEvent] = field(default_factory=list)
    mode: str | None = None
    status: Literal["ready", "done", "failed"] | None = None
    """What becomes of the job; None while the run goes on."""
    wait_seconds: float = 0.0
    dead_reason: DeadReason | None = None
    progress: bool = False
    """The deferrals in a row are over."""
    answer: Answer | None = None
    intent: Intent | None = None
    step: str | None = None
    attempt: int | None = None
    calls: Sequence[MetaCall] = ()
    account: dict[str, Any] | None = None
    changes: list[Callable[[Connection], Awaitable[None]]] = field(default_factory=list)
    """Statements of its own that go before it, in the same transaction."""


# `held` proves the lease. All else takes its rows from there, so that without the lease nothing is written.
# It names the customer, as a batch sees the rows of all.
_WRITE: Final = f"""
WITH held AS (
    UPDATE publish_jobs AS job SET
        version = job.version + cardinality($4::uuid[]),
        mode = coalesce(job.mode, $6),
        status = coalesce($7, job.status),
        due_at = CASE WHEN $7 = 'ready' THEN now() + make_interval(secs => $8) ELSE job.due_at END,
        deferrals = CASE WHEN $7 = 'ready' THEN job.deferrals + 1 WHEN $10 THEN 0 ELSE job.deferrals END,
        dead_reason = $9,
        crashes = job.crashes + CASE WHEN $9 = 'crashed' THEN 1 ELSE 0 END,
        finished_at = CASE WHEN $7 IN ('done', 'failed') THEN now() END,
        account = coalesce($25::jsonb, job.account)
    WHERE job.id = $1 AND job.fence = $2 AND job.status = 'running' AND job.version = $3
      AND job.customer_id = $26
    RETURNING job.id, job.run_id, job.customer_id, job.fence
), told AS (
    INSERT INTO outbox (event_id, stream, subject, body)
    SELECT event.id, '{RESULTS_STREAM}', held.run_id::text, event.body
    FROM held, unnest($4::uuid[], $5::text[]) WITH ORDINALITY AS event (id, body, place) ORDER BY event.place
), answered AS (
    UPDATE publish_attempts AS attempt SET
        outcome = $12, object_id = coalesce($13, attempt.object_id), extra_ids = $14,
        error = coalesce($15::jsonb, attempt.error), answered_at = now(),
        -- Only a create whose answer was lost once can have left an extra object behind.
        sweep_at =
            CASE WHEN $12 IN ('unknown', 'adopted', 'absent') THEN coalesce(attempt.sweep_at, now()) END
    FROM held
    WHERE attempt.id = $11 AND (attempt.outcome IS NULL OR attempt.outcome = 'unknown')
      AND attempt.customer_id = held.customer_id
    RETURNING attempt.id
), asked AS (
    INSERT INTO meta_calls (job_id, step, attempt, {CALL_COLUMNS})
    SELECT held.id, $22, $23, {CALL_COLUMNS} FROM held, jsonb_to_recordset($24::jsonb) AS {CALL}
), meant AS (
    INSERT INTO publish_attempts AS attempt
        (job_id, run_id, customer_id, ad_account_id, step, number, fence, parent_id,
         intent_at, look_at, not_before, proof_time)
    SELECT held.id, held.run_id, held.customer_id, $16, $17, $18, held.fence, $19, clock.now, clock.now,
           clock.now + make_interval(secs => $21), floor(extract(epoch FROM clock.now))::bigint - $20
    FROM held, (SELECT clock_timestamp() AS now) AS clock
    WHERE $17::text IS NOT NULL
    RETURNING {ATTEMPT_COLUMNS}, attempt.proof_time
)
SELECT held.id AS held_id, meant.*, (SELECT count(*) FROM answered) AS answers
FROM held LEFT JOIN meant ON true
"""


async def write_reports(
    connection: Connection, reports: Sequence[tuple[Job, Draft]]
) -> list[Journaled | None]:
    """Write reports of different jobs; returns the intent of each as journaled, if it has one.

    More than one need a transaction that sees the rows of all customers. The unique index on (job, step,
    number) refuses a second process that had the same thought.

    Raises:
        LeaseLost: one of the jobs was claimed by someone else or is finished, or its attempt has its answer
            already. The transaction must be rolled back, as others are written in it.
    """
    # In one order everywhere, else two transactions could wait for each other's jobs.
    in_order = sorted((_values(job, draft) for job, draft in reports), key=itemgetter(0))
    rows = await connection.fetchmany(text_for(_WRITE, (job.customer_id for job, _ in reports)), in_order)
    held = {row["held_id"]: row for row in rows}
    if len(held) < len(reports) or any(
        draft.answer and not held[job.id]["answers"] for job, draft in reports
    ):
        raise LeaseLost
    wake_relay(connection)
    return [_journaled(held[job.id]) if draft.intent else None for job, draft in reports]


def _values(job: Job, draft: Draft) -> tuple[Any, ...]:
    answer, intent = draft.answer, draft.intent
    return (
        job.id,
        job.fence,
        job.version,
        [event.id for event in draft.events],
        [event.to_json() for event in draft.events],
        draft.mode,
        draft.status,
        draft.wait_seconds,
        draft.dead_reason,
        draft.progress,
        answer and answer.attempt_id,
        answer and answer.outcome,
        answer and answer.object_id,
        list(answer.extra_ids) or None if answer else None,
        answer and answer.error,
        intent and intent.ad_account_id,
        intent and intent.step,
        intent and intent.number,
        intent and intent.parent_id,
        intent.backdate_seconds if intent else 0,
        intent.not_before_seconds if intent else 0.0,
        draft.step,
        draft.attempt,
        as_rows(draft.calls),
        draft.account if draft.calls else None,
        job.customer_id,
    )


def _journaled(row: asyncpg.Record) -> Journaled:
    values = dict(row)
    del values["answers"], values["held_id"]
    return Journaled(proof_time=values.pop("proof_time"), attempt=attempt_of(values))

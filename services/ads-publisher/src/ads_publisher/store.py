"""Every SQL statement of the publisher. Functions take the connection and never commit.

The clock is the database's: leases and waits must not depend on which process looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

import asyncpg

from ads_publisher.saga import Attempt, AttemptOutcome, Step
from ads_publisher.usage import APP
from chassis.database import Connection, affected

OPEN: Final = "('ready', 'running')"
DeadReason = Literal["crashed", "unconfirmed"]
"""Why an operator may try a failed run again: it crashed too often, or Meta never confirmed a create."""


class LeaseLost(Exception):
    """Another process has taken this job over: stop quietly, write nothing more."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A claimed job. `fence` is this claim's number: a write with an older one changes nothing."""

    id: UUID
    run_id: UUID
    customer_id: UUID
    kind: str
    lane: str
    request: dict[str, Any]
    traceparent: str | None
    mode: str | None
    fence: int
    version: int
    deferrals: int
    crashes: int
    replays: int
    created_at: datetime


ATTEMPT_COLUMNS: Final = (
    "attempt.id, attempt.job_id, attempt.run_id, attempt.step, attempt.number, attempt.parent_id,"
    " attempt.intent_at, attempt.not_before, attempt.look_at, attempt.looks, attempt.outcome,"
    " attempt.object_id, (attempt.error->>'skew_seconds')::int AS skew_seconds"
)
JOB_COLUMNS: Final = (
    "id, run_id, customer_id, kind, lane, request, traceparent, mode, fence, version, deferrals,"
    " crashes, replays, created_at"
)


async def insert_job(
    connection: Connection,
    *,
    job_id: UUID,
    run_id: UUID,
    customer_id: UUID,
    kind: str,
    lane: str,
    request: dict[str, Any],
    traceparent: str | None,
) -> bool:
    """Take a job in; False when this job, or another for the same run, is already there."""
    inserted = await connection.fetchval(
        """
        INSERT INTO publish_jobs (id, run_id, customer_id, kind, lane, request, traceparent)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT DO NOTHING
        RETURNING id
        """,
        job_id,
        run_id,
        customer_id,
        kind,
        lane,
        request,
        traceparent,
    )
    return inserted is not None


async def claim_due_jobs(connection: Connection, *, limit: int, lease_seconds: float) -> list[Job]:
    """Lease up to `limit` due jobs, each the head of its lane and none beside a running one.

    SKIP LOCKED lets several processes claim at once. Two heads of one lane, seen by two processes in the
    same instant, meet on the index publish_jobs_one_running_per_lane: one claim fails as a whole and the
    next round sees the lane taken.
    """
    try:
        rows = await connection.fetch(
            f"""
            WITH due AS (
                SELECT job.id FROM publish_jobs AS job
                WHERE job.status IN {OPEN} AND job.due_at <= now()
                  AND NOT EXISTS (
                      SELECT 1 FROM publish_jobs AS other
                      WHERE other.lane = job.lane AND other.id <> job.id
                        AND (other.status = 'running' OR (other.status = 'ready' AND other.seq < job.seq))
                  )
                ORDER BY job.due_at
                LIMIT $1
                FOR UPDATE SKIP LOCKED
            )
            UPDATE publish_jobs AS job
            SET status = 'running', fence = job.fence + 1, due_at = now() + make_interval(secs => $2)
            FROM due WHERE job.id = due.id
            RETURNING {", ".join(f"job.{column}" for column in JOB_COLUMNS.split(", "))}
            """,
            limit,
            lease_seconds,
        )
    except asyncpg.UniqueViolationError:
        return []
    return [Job(**dict(row)) for row in rows]


async def renew_leases(
    connection: Connection, held: Sequence[tuple[UUID, int]], *, lease_seconds: float
) -> set[UUID]:
    """Renew all leases of this process in one statement; returns the jobs that are still ours."""
    rows = await connection.fetch(
        """
        UPDATE publish_jobs AS job SET due_at = now() + make_interval(secs => $3)
        FROM unnest($1::uuid[], $2::int[]) AS held (id, fence)
        WHERE job.id = held.id AND job.fence = held.fence AND job.status = 'running'
        RETURNING job.id
        """,
        [job_id for job_id, _ in held],
        [fence for _, fence in held],
        lease_seconds,
    )
    return {row["id"] for row in rows}


async def next_version(connection: Connection, job: Job) -> int:
    """Number the next event of the run. Also the guard of every write: it proves that the lease is held.

    Raises:
        LeaseLost: the job was claimed by someone else, or is finished.
    """
    version: int | None = await connection.fetchval(
        "UPDATE publish_jobs SET version = version + 1"
        " WHERE id = $1 AND fence = $2 AND status = 'running' RETURNING version",
        job.id,
        job.fence,
    )
    if version is None:
        raise LeaseLost
    return version


async def record_mode(connection: Connection, job: Job, mode: str) -> None:
    await connection.execute("UPDATE publish_jobs SET mode = $2 WHERE id = $1", job.id, mode)


async def defer_job(connection: Connection, job: Job, *, seconds: float) -> None:
    """Give the job back for some seconds; counts as one more deferral in a row."""
    await _release(
        connection,
        job,
        "due_at = now() + make_interval(secs => $3), deferrals = deferrals + 1",
        seconds,
    )


async def defer_crashed_job(connection: Connection, job: Job, *, seconds: float) -> None:
    """Give the job back for some seconds after an unexpected exception, and count it."""
    await _release(
        connection, job, "due_at = now() + make_interval(secs => $3), crashes = crashes + 1", seconds
    )


async def change_lane(connection: Connection, job: Job, lane: str) -> None:
    """Put the job into the lane of its real ad account, to be claimed there in its turn."""
    await _release(connection, job, "lane = $3, due_at = now()", lane)


async def has_attempts(connection: Connection, job: Job) -> bool:
    """Whether this job has meant to create anything yet."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM publish_attempts WHERE job_id = $1)", job.id
    )
    return found


async def progress_made(connection: Connection, job: Job) -> None:
    await connection.execute("UPDATE publish_jobs SET deferrals = 0 WHERE id = $1 AND deferrals > 0", job.id)


async def _release(connection: Connection, job: Job, assignments: str, *values: Any) -> None:
    status = await connection.execute(
        f"UPDATE publish_jobs SET status = 'ready', {assignments}"
        " WHERE id = $1 AND fence = $2 AND status = 'running'",
        job.id,
        job.fence,
        *values,
    )
    if affected(status) == 0:
        raise LeaseLost


async def finish_job(
    connection: Connection, job: Job, status: str, *, dead_reason: DeadReason | None = None
) -> None:
    """End the job as `done` or `failed`; with a reason, an operator may open it again."""
    changed = await connection.execute(
        "UPDATE publish_jobs SET status = $3, dead_reason = $4, finished_at = now(),"
        " crashes = crashes + CASE WHEN $4 = 'crashed' THEN 1 ELSE 0 END"  # the last one
        " WHERE id = $1 AND fence = $2 AND status = 'running'",
        job.id,
        job.fence,
        status,
        dead_reason,
    )
    if affected(changed) == 0:
        raise LeaseLost


async def load_journal(
    connection: Connection, *, customer_id: UUID, ad_account_id: str
) -> tuple[list[Attempt], datetime, datetime | None]:
    """All creates ever meant for this customer in this ad account, oldest first.

    With it the time now, and until when Meta must not be called, if so.
    """
    rows = await connection.fetch(
        f"""
        SELECT {ATTEMPT_COLUMNS} FROM publish_attempts AS attempt
        WHERE attempt.customer_id = $1 AND attempt.ad_account_id = $2
        ORDER BY attempt.id
        """,
        customer_id,
        ad_account_id,
    )
    clock = await connection.fetchrow(
        "SELECT clock_timestamp() AS now,"
        " (SELECT max(until) FROM account_pauses"
        "  WHERE scope = ANY($1) AND until > clock_timestamp()) AS pause",
        [APP, ad_account_id],
    )
    assert clock is not None  # noqa: S101 - a SELECT without FROM has one row
    return [_attempt(row) for row in rows], clock["now"], clock["pause"]


async def save_pause(connection: Connection, *, scope: str, seconds: float) -> None:
    """Nobody calls Meta for this scope for some seconds; a longer pause that is known stays."""
    await connection.execute(
        """
        INSERT INTO account_pauses (scope, until) VALUES ($1, clock_timestamp() + make_interval(secs => $2))
        ON CONFLICT (scope) DO UPDATE SET until = greatest(account_pauses.until, excluded.until)
        """,
        scope,
        seconds,
    )


def _attempt(row: asyncpg.Record) -> Attempt:
    values = dict(row)
    assert values["step"] in get_args(Step)  # noqa: S101 - a check constraint promises it
    assert values["outcome"] is None or values["outcome"] in get_args(AttemptOutcome)  # noqa: S101 - as above
    return Attempt(**values)


async def insert_intent(
    connection: Connection,
    job: Job,
    *,
    ad_account_id: str,
    step: Step,
    number: int,
    parent_id: str | None,
    backdate_seconds: int,
    not_before_seconds: float,
) -> tuple[int, int]:
    """Journal that a create is about to be sent; returns the attempt's id and its proof time (unix seconds).

    The unique index on (job, step, number) refuses a second process that had the same thought.
    """
    row = await connection.fetchrow(
        """
        INSERT INTO publish_attempts
            (job_id, run_id, customer_id, ad_account_id, step, number, fence, parent_id,
             intent_at, look_at, not_before, proof_time)
        SELECT $1, $2, $3, $4, $5, $6, $7, $8, clock.now, clock.now,
               clock.now + make_interval(secs => $10), floor(extract(epoch FROM clock.now))::bigint - $9
        FROM (SELECT clock_timestamp() AS now) AS clock
        RETURNING id, proof_time
        """,
        job.id,
        job.run_id,
        job.customer_id,
        ad_account_id,
        step,
        number,
        job.fence,
        parent_id,
        backdate_seconds,
        not_before_seconds,
    )
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives the row or raises
    return row["id"], row["proof_time"]


async def record_answer(
    connection: Connection,
    attempt_id: int,
    outcome: AttemptOutcome,
    *,
    object_id: str | None = None,
    extra_ids: Sequence[str] = (),
    error: dict[str, Any] | None = None,
) -> None:
    """Journal what became of a create. Only an unsettled attempt takes an answer."""
    changed = await connection.execute(
        """
        UPDATE publish_attempts
        SET outcome = $2, object_id = coalesce($3, object_id), extra_ids = $4, error = coalesce($5, error),
            answered_at = now(),
            -- Only a create whose answer was lost once can have left an extra object behind.
            sweep_at = CASE WHEN $2 IN ('unknown', 'adopted', 'absent') THEN coalesce(sweep_at, now()) END
        WHERE id = $1 AND (outcome IS NULL OR outcome = 'unknown')
        """,
        attempt_id,
        outcome,
        object_id,
        list(extra_ids) or None,
        error,
    )
    if affected(changed) == 0:
        raise LeaseLost


async def record_gone(connection: Connection, *, customer_id: UUID, object_id: str) -> None:
    """Meta no longer has this object, nor what was below it; none of it will be used again."""
    await connection.execute(
        "UPDATE publish_attempts SET outcome = 'gone'"
        " WHERE customer_id = $1 AND (object_id = $2 OR parent_id = $2)"
        " AND outcome IN ('created', 'adopted')",
        customer_id,
        object_id,
    )


async def clock_seconds(connection: Connection) -> float:
    """The database's clock, unix seconds: the one that stamps intents."""
    now: float = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    return now


async def record_look(connection: Connection, attempt_id: int, *, look_at: datetime) -> None:
    await connection.execute(
        "UPDATE publish_attempts SET looks = looks + 1, look_at = $2 WHERE id = $1", attempt_id, look_at
    )


async def next_version_after_end(connection: Connection, job: Job) -> int:
    """Number news about a run that is over.

    Raises:
        LeaseLost: the run is not over.
    """
    version: int | None = await connection.fetchval(
        "UPDATE publish_jobs SET version = version + 1"
        " WHERE id = $1 AND status IN ('done', 'failed') RETURNING version",
        job.id,
    )
    if version is None:
        raise LeaseLost
    return version


async def get_job_by_run(connection: Connection, run_id: UUID) -> Job | None:
    row = await connection.fetchrow(f"SELECT {JOB_COLUMNS} FROM publish_jobs WHERE run_id = $1", run_id)
    return Job(**dict(row)) if row else None

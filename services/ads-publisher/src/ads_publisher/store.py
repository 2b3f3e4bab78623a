"""Every SQL statement of the publisher. Functions take the connection and never commit.

The clock is the database's: leases and waits must not depend on which process looks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Literal, get_args
from uuid import UUID

import asyncpg

from ads_publisher.saga import Attempt, AttemptOutcome, Step
from ads_publisher.usage import APP
from chassis.database import Connection, affected, text_for

OPEN: Final = "('ready', 'running')"
DeadReason = Literal["crashed", "unconfirmed"]
"""Why an operator may try a failed run again: it crashed too often, or Meta never confirmed a create."""


class LeaseLost(Exception):
    """Another process has taken this job over: stop quietly, write nothing more."""


@dataclass(kw_only=True)
class NewJob:
    """A command as it came in."""

    id: UUID
    run_id: UUID
    customer_id: UUID
    kind: str
    lane: str
    request: dict[str, Any]
    traceparent: str | None


@dataclass(kw_only=True)
class Job(NewJob):
    """A claimed job. `fence` is this claim's number: a write with an older one changes nothing.

    `version` is the number of the newest event about the run; each report that is written raises it.
    """

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
_LOAD: Final = f"""
SELECT customer.place, clock.now, pause.until AS pause, {ATTEMPT_COLUMNS}
FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS customer (id, account, place)
CROSS JOIN (SELECT clock_timestamp() AS now) AS clock
CROSS JOIN LATERAL (
    SELECT max(until) AS until FROM account_pauses
    WHERE scope IN ($3, customer.account) AND until > clock.now
) AS pause
LEFT JOIN LATERAL (
    SELECT * FROM publish_attempts
    WHERE customer_id = customer.id AND ad_account_id = customer.account
    OFFSET 0  -- one by one by the index: a plan that was made for an empty table reads all of a full one
) AS attempt ON true
ORDER BY customer.place, attempt.id
"""
JOB_COLUMNS: Final = (
    "id, run_id, customer_id, kind, lane, request, traceparent, mode, fence, version, deferrals,"
    " crashes, replays, created_at"
)


async def insert_jobs(connection: Connection, jobs: Sequence[NewJob]) -> set[UUID]:
    """Take jobs in; returns those that are new: neither they, nor others for the same runs, were there."""
    rows = await connection.fetchmany(
        """
        INSERT INTO publish_jobs (id, run_id, customer_id, kind, lane, request, traceparent)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT DO NOTHING
        RETURNING id
        """,
        # In one order, as who meets a job that another transaction has just added waits for that one.
        [
            (job.id, job.run_id, job.customer_id, job.kind, job.lane, job.request, job.traceparent)
            for job in sorted(jobs, key=attrgetter("id"))
        ],
    )
    return {row["id"] for row in rows}


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
        WITH ours AS (
            SELECT job.id
            FROM unnest($1::uuid[], $2::int[]) AS held (id, fence)
            JOIN publish_jobs AS job USING (id, fence)
            WHERE job.status = 'running'
            -- In one order everywhere: reports lock several jobs as well.
            ORDER BY job.id
            FOR UPDATE OF job
        )
        UPDATE publish_jobs AS job SET due_at = now() + make_interval(secs => $3)
        FROM ours WHERE job.id = ours.id
        RETURNING job.id
        """,
        [job_id for job_id, _ in held],
        [fence for _, fence in held],
        lease_seconds,
    )
    return {row["id"] for row in rows}


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """All creates ever meant for a customer in an ad account, oldest first.

    With it the time `now`, and until when Meta must not be called, if so.
    """

    attempts: list[Attempt]
    now: datetime
    paused_until: datetime | None


async def load_journals(connection: Connection, accounts: Sequence[tuple[UUID, str]]) -> list[Journal]:
    """The journal of each customer in an ad account; of several in a transaction that sees all rows."""
    rows = await connection.fetch(
        text_for(_LOAD, (customer_id for customer_id, _ in accounts)),
        [customer_id for customer_id, _ in accounts],
        [ad_account_id for _, ad_account_id in accounts],
        APP,
    )
    journals: dict[int, Journal] = {}
    for row in rows:
        values = dict(row)
        place, now, pause = values.pop("place"), values.pop("now"), values.pop("pause")
        journal = journals.setdefault(place, Journal(attempts=[], now=now, paused_until=pause))
        if values["id"] is not None:
            journal.attempts.append(attempt_of(values))
    return [journals[place] for place in sorted(journals)]


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


def attempt_of(values: dict[str, Any]) -> Attempt:
    """An attempt from the row of `ATTEMPT_COLUMNS`."""
    assert values["step"] in get_args(Step)  # noqa: S101 - a check constraint promises it
    assert values["outcome"] is None or values["outcome"] in get_args(AttemptOutcome)  # noqa: S101 - as above
    return Attempt(**values)


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

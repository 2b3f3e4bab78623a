"""SQL statements with which an operator looks at jobs. Reads only."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from ads_publisher.usage import APP
from chassis.database import Connection

_LISTED: Final = """
    job.id AS job_id, job.run_id, job.customer_id, job.kind, job.status, job.lane, job.mode, job.fence,
    job.version, job.deferrals, job.crashes, job.replays, job.dead_reason, job.traceparent, job.created_at,
    job.finished_at, job.due_at, now() AS looked_at,
    (SELECT count(*) FROM publish_attempts AS attempt WHERE attempt.job_id = job.id) AS attempts,
    (SELECT attempt.error FROM publish_attempts AS attempt
     WHERE attempt.job_id = job.id AND attempt.error IS NOT NULL ORDER BY attempt.id DESC LIMIT 1)
        AS attempt_error,
    (SELECT outbox.body::jsonb -> 'data' FROM outbox
     WHERE outbox.subject = job.run_id::text AND outbox.body::jsonb ->> 'type' = 'RUN_FAILED'
     ORDER BY outbox.id DESC LIMIT 1) AS failure
"""


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job as an operator looks at it; `failure` is the news of its failed end while that is kept."""

    job_id: UUID
    run_id: UUID
    customer_id: UUID
    kind: str
    status: str
    lane: str
    mode: str | None
    fence: int
    version: int
    deferrals: int
    crashes: int
    replays: int
    dead_reason: str | None
    traceparent: str | None
    created_at: datetime
    finished_at: datetime | None
    due_at: datetime
    looked_at: datetime
    attempts: int
    attempt_error: dict[str, Any] | None
    failure: dict[str, Any] | None


async def list_jobs(
    connection: Connection, *, status: str | None, lane: str | None, limit: int
) -> list[JobView]:
    """The newest jobs first, of one status and lane if given."""
    rows = await connection.fetch(
        f"SELECT {_LISTED} FROM publish_jobs AS job"
        " WHERE ($1::text IS NULL OR job.status = $1) AND ($2::text IS NULL OR job.lane = $2)"
        " ORDER BY job.seq DESC LIMIT $3",
        status,
        lane,
        limit,
    )
    return [JobView(**dict(row)) for row in rows]


async def find_job(connection: Connection, job_or_run_id: UUID) -> JobView | None:
    row = await connection.fetchrow(
        f"SELECT {_LISTED} FROM publish_jobs AS job WHERE job.id = $1 OR job.run_id = $1", job_or_run_id
    )
    return JobView(**dict(row)) if row else None


async def journal_of(connection: Connection, job_id: UUID) -> list[dict[str, Any]]:
    """Every create that the job has meant, oldest first."""
    return _dicts(
        await connection.fetch(
            "SELECT step, number, outcome, object_id, parent_id, extra_ids, error, fence, intent_at,"
            " answered_at, not_before, look_at, looks, sweeps, sweep_at"
            " FROM publish_attempts WHERE job_id = $1 ORDER BY id",
            job_id,
        )
    )


async def calls_of(connection: Connection, job_id: UUID) -> list[dict[str, Any]]:
    """Every call to Meta that is kept of the job, in the order in which they were made."""
    return _dicts(
        await connection.fetch(
            "SELECT at, step, attempt, method, path, params, status, failure, headers, answer, duration_ms"
            " FROM meta_calls WHERE job_id = $1 ORDER BY at, id",
            job_id,
        )
    )


async def pauses_of(connection: Connection, lane: str) -> list[dict[str, Any]]:
    """Until when Meta must not be called for this lane, by what asks for it."""
    return _dicts(
        await connection.fetch(
            "SELECT scope, until FROM account_pauses WHERE scope = ANY($1) AND until > now() ORDER BY scope",
            [APP, lane],
        )
    )


async def ahead_of(connection: Connection, job_id: UUID) -> list[UUID]:
    """Runs of the same lane for which this open job waits."""
    rows = await connection.fetch(
        """
        SELECT other.run_id FROM publish_jobs AS job JOIN publish_jobs AS other USING (lane)
        WHERE job.id = $1 AND job.status = 'ready' AND other.id <> job.id
          AND (other.status = 'running' OR (other.status = 'ready' AND other.seq < job.seq))
        ORDER BY other.seq
        """,
        job_id,
    )
    return [row["run_id"] for row in rows]


async def news_of(connection: Connection, run_id: UUID) -> list[str]:
    """The events about a run that are still in the outbox, oldest first, as JSON."""
    rows = await connection.fetch("SELECT body FROM outbox WHERE subject = $1 ORDER BY id", str(run_id))
    return [row["body"] for row in rows]


async def account_of(connection: Connection, job_id: UUID) -> dict[str, Any]:
    """What meta-auth said of the ad account when the job was last worked."""
    found = await connection.fetchval("SELECT account FROM publish_jobs WHERE id = $1", job_id)
    return dict(found or {})


async def schema_revision(connection: Connection) -> str | None:
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


def _dicts(rows: list[asyncpg.Record]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]

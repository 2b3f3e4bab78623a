"""SQL statements about dead jobs: failed runs that an operator may try again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from ads_publisher.store import JOB_COLUMNS, Job
from chassis.database import Connection, affected

_DEAD: Final = (
    f"SELECT {JOB_COLUMNS}, dead_reason, finished_at FROM publish_jobs WHERE dead_reason IS NOT NULL"
)


@dataclass(frozen=True, kw_only=True)
class DeadJob:
    """A job that was given up, why and when."""

    job: Job
    dead_reason: str
    finished_at: datetime


async def list_dead(connection: Connection) -> list[DeadJob]:
    """All dead jobs, the newest first."""
    rows = await connection.fetch(f"{_DEAD} ORDER BY finished_at DESC")
    return [_dead_job(row) for row in rows]


async def find_dead(connection: Connection, job_or_run_id: UUID) -> DeadJob | None:
    row = await connection.fetchrow(f"{_DEAD} AND (id = $1 OR run_id = $1)", job_or_run_id)
    return _dead_job(row) if row else None


async def reopen_job(connection: Connection, job_id: UUID) -> bool:
    """Make a dead job ready again; False when it is not dead (any more)."""
    changed = await connection.execute(
        """
        UPDATE publish_jobs
        SET status = 'ready', dead_reason = NULL, finished_at = NULL, due_at = now(),
            crashes = 0, deferrals = 0, replays = replays + 1
        WHERE id = $1 AND dead_reason IS NOT NULL
        """,
        job_id,
    )
    return affected(changed) == 1


async def look_again(connection: Connection, job_id: UUID) -> None:
    """Unsettle the job's last create when it was never seen at Meta: it may have come to light since.

    Not when the customer has such an object by now, of another run: then an extra one is the sweeper's.
    """
    await connection.execute(
        """
        UPDATE publish_attempts AS last SET outcome = 'unknown', look_at = now()
        WHERE last.id = (SELECT max(id) FROM publish_attempts WHERE job_id = $1)
          AND last.outcome = 'absent'
          AND NOT EXISTS (
              SELECT 1 FROM publish_attempts AS other
              WHERE other.customer_id = last.customer_id AND other.ad_account_id = last.ad_account_id
                AND other.step = last.step AND other.parent_id IS NOT DISTINCT FROM last.parent_id
                AND other.outcome IN ('created', 'adopted')
          )
        """,
        job_id,
    )


def _dead_job(row: asyncpg.Record) -> DeadJob:
    values = dict(row)
    dead_reason, finished_at = values.pop("dead_reason"), values.pop("finished_at")
    return DeadJob(job=Job(**values), dead_reason=dead_reason, finished_at=finished_at)

"""SQL statements about the calls to Meta that are kept for a repro bundle."""

from dataclasses import asdict
from datetime import timedelta
from typing import Final
from uuid import UUID

from ads_publisher.calls import CallLog
from chassis.database import Connection

KEEP_CALLS: Final = timedelta(days=30)
"""How long someone may still ask what was said to Meta. They go with their job when that goes first."""


async def insert_calls(
    connection: Connection, job_id: UUID, log: CallLog, *, step: str | None, attempt: int | None
) -> None:
    """Keep the calls of a run, in one statement; `step` and `attempt` are what they were made for."""
    if not log.calls:
        return
    await connection.execute(
        """
        WITH known AS (
            UPDATE publish_jobs SET account = $5::jsonb
            WHERE id = $1 AND $5::jsonb IS NOT NULL AND account IS DISTINCT FROM $5::jsonb
        )
        INSERT INTO meta_calls
            (job_id, step, attempt, at, method, path, params, status, failure, headers, answer, duration_ms)
        SELECT $1, $2, $3, at, method, path, params, status, failure, headers, answer, duration_ms
        FROM jsonb_to_recordset($4::jsonb) AS call (
            at timestamptz, method text, path text, params jsonb, status int, failure text,
            headers jsonb, answer jsonb, duration_ms int
        )
        """,
        job_id,
        step,
        attempt,
        [{**asdict(call), "at": call.at.isoformat()} for call in log.calls],
        log.account,
    )


async def remove_old_calls(connection: Connection) -> None:
    await connection.execute("DELETE FROM meta_calls WHERE at < now() - $1::interval", KEEP_CALLS)

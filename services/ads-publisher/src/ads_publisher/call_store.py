"""SQL statements about the calls to Meta that are kept for a repro bundle."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from ads_publisher.calls import CallLog, MetaCall
from chassis.database import Connection

KEEP_CALLS: Final = timedelta(days=30)
"""How long someone may still ask what was said to Meta. They go with their job when that goes first."""

CALL_COLUMNS: Final = "at, method, path, params, status, failure, headers, answer, duration_ms"
CALL: Final = """call (
    at timestamptz, method text, path text, params jsonb, status int, failure text, headers jsonb,
    answer jsonb, duration_ms int
)"""
"""How Postgres reads what `as_rows` gives it as JSON."""


def as_rows(calls: Iterable[MetaCall]) -> list[dict[str, Any]]:
    return [{**asdict(call), "at": call.at.isoformat()} for call in calls]


async def insert_calls(
    connection: Connection, job_id: UUID, log: CallLog, *, step: str | None, attempt: int | None
) -> None:
    """Keep the calls of a run, in one statement; `step` and `attempt` are what they were made for."""
    if not log.calls:
        return
    await connection.execute(
        f"""
        WITH known AS (
            UPDATE publish_jobs SET account = $5::jsonb
            WHERE id = $1 AND $5::jsonb IS NOT NULL AND account IS DISTINCT FROM $5::jsonb
        )
        INSERT INTO meta_calls (job_id, step, attempt, {CALL_COLUMNS})
        SELECT $1, $2, $3, {CALL_COLUMNS} FROM jsonb_to_recordset($4::jsonb) AS {CALL}
        """,
        job_id,
        step,
        attempt,
        as_rows(log.calls),
        log.account,
    )


async def remove_old_calls(connection: Connection) -> None:
    await connection.execute("DELETE FROM meta_calls WHERE at < now() - $1::interval", KEEP_CALLS)

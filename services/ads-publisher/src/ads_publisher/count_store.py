"""What the gauges count; each statement stays as quick with a million rows as with none."""

from ads_publisher.store import OPEN
from chassis.database import Connection
from chassis.metrics import COUNT_LIMIT


async def count_due_jobs(connection: Connection) -> tuple[int, float]:
    """Jobs whose time has come, at most `COUNT_LIMIT`, and for how many seconds the first has been due.

    The index publish_jobs_due has the open jobs only, so those that have ended cost nothing.
    """
    row = await connection.fetchrow(
        f"""
        SELECT (SELECT count(*) FROM (
                    SELECT FROM publish_jobs WHERE status IN {OPEN} AND due_at <= now() LIMIT $1
                ) AS counted) AS due,
               coalesce((SELECT extract(epoch FROM now() - due_at)::float8 FROM publish_jobs
                         WHERE status IN {OPEN} AND due_at <= now() ORDER BY due_at LIMIT 1), 0) AS oldest
        """,
        COUNT_LIMIT,
    )
    assert row is not None  # noqa: S101 - a SELECT without FROM has one row
    return row["due"], row["oldest"]


async def count_dead_jobs(connection: Connection) -> dict[str, int]:
    """Dead jobs by reason, at most `COUNT_LIMIT`; the index publish_jobs_dead_newest has no others."""
    rows = await connection.fetch(
        "SELECT dead_reason, count(*) FROM"
        " (SELECT dead_reason FROM publish_jobs WHERE dead_reason IS NOT NULL LIMIT $1) AS dead GROUP BY 1",
        COUNT_LIMIT,
    )
    return {row["dead_reason"]: row["count"] for row in rows}

"""The sweeper's SQL statements, apart from those of the runs themselves."""

from collections.abc import Sequence

from ads_publisher import store
from ads_publisher.saga import Attempt
from ads_publisher.store import Job
from chassis.database import Connection


async def claim_due_sweeps(
    connection: Connection, *, limit: int, lease_seconds: float, first_after_seconds: float
) -> list[tuple[Attempt, Job, str, int]]:
    """Lease attempts whose ad account is to be looked at for extra objects.

    Each with its job, its ad account and the number of sweeps before.
    """
    rows = await connection.fetch(
        f"""
        WITH due AS (
            SELECT attempt.id FROM publish_attempts AS attempt
            WHERE attempt.sweep_at <= now()
              AND attempt.intent_at <= now() - make_interval(secs => $3)
            ORDER BY attempt.sweep_at LIMIT $1
            FOR UPDATE SKIP LOCKED
        )
        UPDATE publish_attempts AS attempt SET sweep_at = now() + make_interval(secs => $2)
        FROM due WHERE attempt.id = due.id
        RETURNING attempt.sweeps, attempt.ad_account_id, {store.ATTEMPT_COLUMNS}
        """,
        limit,
        lease_seconds,
        first_after_seconds,
    )
    found = []
    for row in rows:
        values = dict(row)
        sweeps, ad_account_id = values.pop("sweeps"), values.pop("ad_account_id")
        job = await store.get_job_by_run(connection, values["run_id"])
        assert job is not None  # noqa: S101 - a foreign key promises it
        found.append((Attempt(**values), job, ad_account_id, sweeps))
    return found


async def record_sweep(
    connection: Connection, attempt_id: int, *, next_after_seconds: float | None, extra_ids: Sequence[str]
) -> None:
    """Journal a sweep; the next one is so many seconds after the intent, or never."""
    await connection.execute(
        """
        UPDATE publish_attempts
        SET sweeps = sweeps + 1, sweep_at = intent_at + make_interval(secs => $2),
            extra_ids = coalesce(nullif($3::text[], '{}'), extra_ids)
        WHERE id = $1
        """,
        attempt_id,
        next_after_seconds,
        list(extra_ids),
    )

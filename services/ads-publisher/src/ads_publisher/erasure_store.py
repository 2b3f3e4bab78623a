"""SQL statements that delete what came from Meta."""

from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.database import Connection

_OVER: Final = """(
    SELECT j.id FROM publish_jobs AS j JOIN erasures AS e USING (customer_id)
    WHERE j.customer_id = $1 AND j.created_at <= e.before AND j.status NOT IN ('ready', 'running')
)"""
"""Jobs that are meant, and can bring nothing more."""
_CALLS: Final = f"DELETE FROM meta_calls WHERE job_id IN {_OVER}"
_JOURNAL: Final = f"DELETE FROM publish_attempts WHERE job_id IN {_OVER}"
_PAUSES: Final = f"""
DELETE FROM account_pauses AS p WHERE scope IN (SELECT lane FROM publish_jobs WHERE id IN {_OVER})
    AND NOT EXISTS (SELECT FROM publish_jobs AS o WHERE o.lane = p.scope AND o.customer_id <> $1)
"""
"""Others who use the same ad account still have to wait for it."""
_NEWS: Final = f"""
DELETE FROM outbox WHERE sent_at IS NOT NULL
    AND subject IN (SELECT run_id::text FROM publish_jobs WHERE id IN {_OVER})
"""
_JOBS: Final = f"""
UPDATE publish_jobs SET lane = 'customer:' || customer_id, request = request - 'adAccountId', account = NULL
WHERE id IN {_OVER}
    AND (lane <> 'customer:' || customer_id OR account IS NOT NULL OR request ->> 'adAccountId' IS NOT NULL)
"""
_DONE: Final = """
DELETE FROM erasures AS e WHERE e.customer_id = $1 AND NOT EXISTS (
    SELECT FROM publish_jobs AS j WHERE j.customer_id = e.customer_id AND j.created_at <= e.before
        AND (j.status IN ('ready', 'running')
             OR EXISTS (SELECT FROM outbox AS o WHERE o.subject = j.run_id::text AND o.sent_at IS NULL))
)
"""


async def begin_erasure(connection: Connection, customer_id: UUID, *, before: datetime) -> None:
    await connection.execute(
        "INSERT INTO erasures AS e (customer_id, before) VALUES ($1, $2)"
        " ON CONFLICT (customer_id) DO UPDATE SET before = greatest(e.before, excluded.before)",
        customer_id,
        before,
    )


async def customers_to_erase(connection: Connection) -> list[UUID]:
    rows = await connection.fetch("SELECT customer_id FROM erasures ORDER BY customer_id LIMIT 100")
    return [row["customer_id"] for row in rows]


async def erase_what_is_over(connection: Connection, customer_id: UUID) -> int:
    """Carry out what was noted for a customer; returns how many jobs it concerned."""
    for statement in (_CALLS, _JOURNAL, _PAUSES, _NEWS):
        await connection.execute(statement, customer_id)
    changed = await connection.execute(_JOBS, customer_id)
    await connection.execute(_DONE, customer_id)
    return int(changed.removeprefix("UPDATE "))

"""Deletion of what came from Meta, at a person's request. The bare facts of runs stay."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from chassis.database import Connection, seeing_all_customers

ERASED: Final = "Erased with the data from Meta."
_OVER: Final = """(
    SELECT r.id FROM ad_runs AS r JOIN erasures AS e USING (customer_id)
    WHERE r.customer_id = $1 AND r.created_at <= e.before AND r.status NOT IN ('queued', 'running')
)"""
"""Runs that are meant, and can bring nothing more."""
_STILL_OPEN: Final = """(
    SELECT FROM ad_runs AS r JOIN erasures AS e USING (customer_id)
    WHERE r.customer_id = $1 AND r.created_at <= e.before AND r.status IN ('queued', 'running')
)"""
_NEWER: Final = """(
    SELECT FROM ad_runs AS r JOIN erasures AS e USING (customer_id)
    WHERE r.customer_id = $1 AND r.created_at > e.before
)"""
"""With a newer run, what stands at Meta is no longer what was meant."""
_STEPS: Final = f"DELETE FROM ad_run_steps WHERE run_id IN {_OVER}"
_COMMANDS: Final = f"""
DELETE FROM outbox WHERE sent_at IS NOT NULL AND subject IN (SELECT id::text FROM {_OVER} AS over)
"""
_RUNS: Final = f"""
UPDATE ad_runs SET ad_account_id = NULL, campaign_id = NULL, adset_id = NULL, hint = NULL,
    error_message = CASE WHEN error_message IS NOT NULL THEN '{ERASED}' END
WHERE id IN {_OVER}
"""
_OBJECTS: Final = f"DELETE FROM meta_ad_objects WHERE customer_id = $1 AND NOT EXISTS {_NEWER}"
_SETTINGS: Final = f"""
UPDATE ad_settings
SET last_error = NULL, status = CASE status WHEN 'error' THEN 'ready' ELSE status END
WHERE customer_id = $1 AND NOT EXISTS {_NEWER}
"""
_DONE: Final = f"DELETE FROM erasures WHERE customer_id = $1 AND NOT EXISTS {_STILL_OPEN}"


async def begin_erasure(connection: Connection, customer_id: UUID, *, before: datetime) -> None:
    """Note that what is older than this goes; a run that is still open goes when it is over."""
    await connection.execute(
        "INSERT INTO erasures AS e (customer_id, before)"
        " SELECT id, $2 FROM customers WHERE id = $1"
        " ON CONFLICT (customer_id) DO UPDATE SET before = greatest(e.before, excluded.before)",
        customer_id,
        before,
    )


async def erase_what_is_over(connection: Connection, customer_ids: Sequence[UUID]) -> None:
    """Carry out what was noted for these customers; nothing when nothing was."""
    noted = "SELECT customer_id FROM erasures WHERE customer_id = ANY($1) ORDER BY customer_id"
    for customer_id in [row["customer_id"] for row in await connection.fetch(noted, customer_ids)]:
        # The serving role sees no events, not even the customer's own.
        async with seeing_all_customers(connection):
            await connection.execute(_COMMANDS, customer_id)
        for statement in (_STEPS, _RUNS, _OBJECTS, _SETTINGS, _DONE):
            await connection.execute(statement, customer_id)

"""The two statements that accept a run, each one round trip; the rest of it is in `store.runs`."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from chassis.database import Connection
from chassis.outbox import wake_relay
from contracts.events import AnyEvent
from gateway.store.ads import AdSettings
from gateway.store.rows import columns, read


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """What a run takes along: the settings as they are now, and the account that is believed to be selected.

    Not `added`: one of this customer and type is open, which ad_runs_one_open decides.
    """

    added: bool
    ad_account_id: str | None
    settings: AdSettings | None


_BEGIN: Final = f"""
WITH inputs AS (
    SELECT {columns(AdSettings, "s")}, v.ad_account_id
    FROM (SELECT $1::uuid AS id) AS customer
    LEFT JOIN ad_settings AS s ON s.customer_id = customer.id
    LEFT JOIN meta_connections_view AS v ON v.customer_id = customer.id
), added AS (
    INSERT INTO ad_runs
        (id, customer_id, job_id, job_type, ad_account_id, trace_id, trigger, status, ring_at)
    SELECT $2, $1, $3, $4, inputs.ad_account_id, $5, 'manual', 'queued', now() + make_interval(secs => $6)
    FROM inputs
    ON CONFLICT (customer_id, job_type) WHERE status IN ('queued', 'running') DO NOTHING
    RETURNING id
)
SELECT inputs.*, EXISTS (SELECT FROM added) AS added FROM inputs
"""

_TELL: Final = """
WITH event AS (
    INSERT INTO outbox (event_id, stream, subject, body) VALUES ($1, $2, $3, $4)
), entry AS (
    INSERT INTO audit_log (customer_id, user_id, action, result, detail) VALUES ($5, $6, $7, 'ok', $8)
)
SELECT extract(epoch FROM created_at + make_interval(secs => $11) - now())::float8 FROM ad_runs
WHERE customer_id = $5 AND job_type = $9 AND created_at > now() - make_interval(secs => $11)
ORDER BY created_at DESC, id DESC OFFSET $10 LIMIT 1
"""


async def begin_run(
    connection: Connection,
    customer_id: UUID,
    *,
    run_id: UUID,
    job_id: UUID,
    job_type: str,
    trace_id: str | None,
    ring_seconds: float,
) -> Begun:
    """Add a queued run for the account that is selected, unless one of this customer and type is open."""
    row = await connection.fetchrow(_BEGIN, customer_id, run_id, job_id, job_type, trace_id, ring_seconds)
    assert row is not None  # noqa: S101 - the left side of the join is one row
    return Begun(
        added=row["added"],
        ad_account_id=row["ad_account_id"],
        settings=read(AdSettings, row, "s") if row["s_id"] else None,
    )


async def tell_run(
    connection: Connection,
    customer_id: UUID,
    *,
    stream: str,
    event: AnyEvent,
    user_id: UUID,
    action: str,
    detail: dict[str, Any],
    job_type: str,
    allowed: int,
    window_seconds: int,
) -> float:
    """Put the event and the audit entry of a run that was just added beside it.

    Returns how long until a further run of this type may begin, beside that one; 0 if that one may. Who must
    wait rolls all of it back. The index ad_runs_one_open lets one transaction at a time get here, and this
    statement sees what was committed before it, so none slips through.
    """
    wait: float | None = await connection.fetchval(
        _TELL,
        event.id,
        stream,
        event.subject,
        event.to_json(),
        customer_id,
        user_id,
        action,
        detail,
        job_type,
        allowed,
        window_seconds,
    )
    wake_relay(connection)
    return max(wait, 1.0) if wait is not None else 0.0

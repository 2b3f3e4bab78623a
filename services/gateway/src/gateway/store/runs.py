"""Runs, their timeline, and the keys that make a repeated press harmless."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from chassis.database import Connection
from gateway.store.ads import AdObjects, AdSettings, ConnectionView
from gateway.store.rows import columns, read

NEWS_CHANNEL: Final = "ad_run_news"
"""Where a run's id is notified when its timeline grows; the schema's name follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdRun:
    id: UUID
    customer_id: UUID
    job_id: UUID
    job_type: str
    trigger: str
    status: str
    mode: str | None
    ad_account_id: str | None
    campaign_id: str | None
    adset_id: str | None
    step: str | None
    hint: str | None
    error_code: str | None
    fixed_by: str | None
    error_message: str | None
    trace_id: str | None
    last_version: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.status in ("queued", "running")


@dataclass(frozen=True, kw_only=True, slots=True)
class RunStep:
    version: int
    type: str
    step: str | None
    state: str | None
    message: str
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    settings: AdSettings | None
    objects: AdObjects | None
    view: ConnectionView | None
    runs: list[AdRun]


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyUse:
    """What an idempotency key was used for before."""

    route: str
    fingerprint: str
    status: int
    response: dict[str, Any]


_RUN: Final = columns(AdRun, "r")
_OVERVIEW: Final = f"""
SELECT {columns(AdSettings, "s")}, {columns(AdObjects, "o")}, {columns(ConnectionView, "v")}, {_RUN}
FROM (SELECT $1::uuid AS id) AS customer
LEFT JOIN ad_settings AS s ON s.customer_id = customer.id
LEFT JOIN meta_ad_objects AS o ON o.customer_id = customer.id
LEFT JOIN meta_connections_view AS v ON v.customer_id = customer.id
LEFT JOIN LATERAL (
    SELECT * FROM ad_runs WHERE customer_id = customer.id ORDER BY created_at DESC, id DESC LIMIT $2
) AS r ON true
ORDER BY r.created_at DESC, r.id DESC
"""
"""One round trip for the page that is polled most; the index ad_runs_newest keeps it flat."""


async def overview(connection: Connection, customer_id: UUID, *, limit: int) -> Overview:
    rows = await connection.fetch(_OVERVIEW, customer_id, limit)
    first = rows[0]
    return Overview(
        settings=read(AdSettings, first, "s") if first["s_id"] else None,
        objects=read(AdObjects, first, "o") if first["o_id"] else None,
        view=read(ConnectionView, first, "v") if first["v_status"] else None,
        runs=[read(AdRun, row, "r") for row in rows if row["r_id"]],
    )


async def insert_run(
    connection: Connection,
    *,
    run_id: UUID,
    customer_id: UUID,
    job_id: UUID,
    job_type: str,
    ad_account_id: str | None,
    trace_id: str | None,
    ring_seconds: float,
) -> bool:
    """Add a queued run; False when one of this customer and type is open, which ad_runs_one_open decides."""
    added = await connection.fetchval(
        """
        INSERT INTO ad_runs
            (id, customer_id, job_id, job_type, ad_account_id, trace_id, trigger, status, ring_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'manual', 'queued', now() + make_interval(secs => $7))
        ON CONFLICT (customer_id, job_type) WHERE status IN ('queued', 'running') DO NOTHING
        RETURNING id
        """,
        run_id,
        customer_id,
        job_id,
        job_type,
        ad_account_id,
        trace_id,
        ring_seconds,
    )
    return added is not None


async def run_wait_seconds(
    connection: Connection, customer_id: UUID, job_type: str, *, allowed: int, window_seconds: int
) -> float:
    """How long until a further run of this type may begin, beside the one just added; 0 if that one may.

    The index ad_runs_one_open lets one transaction at a time get here, so none slips through.
    """
    wait: float | None = await connection.fetchval(
        """
        SELECT extract(epoch FROM created_at + make_interval(secs => $4) - now())::float8 FROM ad_runs
        WHERE customer_id = $1 AND job_type = $2 AND created_at > now() - make_interval(secs => $4)
        ORDER BY created_at DESC, id DESC OFFSET $3 LIMIT 1
        """,
        customer_id,
        job_type,
        allowed,
        window_seconds,
    )
    return max(wait, 1.0) if wait is not None else 0.0


async def open_run(connection: Connection, customer_id: UUID, job_type: str) -> tuple[UUID, UUID] | None:
    """Run id and job id of the open run, if there is one."""
    row = await connection.fetchrow(
        "SELECT id, job_id FROM ad_runs"
        " WHERE customer_id = $1 AND job_type = $2 AND status IN ('queued', 'running')",
        customer_id,
        job_type,
    )
    return (row["id"], row["job_id"]) if row else None


async def find_run(connection: Connection, customer_id: UUID, run_id: UUID) -> AdRun | None:
    row = await connection.fetchrow(
        f"SELECT {_RUN} FROM ad_runs AS r WHERE r.id = $1 AND r.customer_id = $2", run_id, customer_id
    )
    return read(AdRun, row, "r") if row else None


async def lock_run(connection: Connection, run_id: UUID) -> AdRun | None:
    """The run, which nobody else changes before this transaction ends."""
    row = await connection.fetchrow(f"SELECT {_RUN} FROM ad_runs AS r WHERE r.id = $1 FOR UPDATE", run_id)
    return read(AdRun, row, "r") if row else None


async def list_runs(
    connection: Connection, customer_id: UUID, *, limit: int, before: AdRun | None
) -> list[AdRun]:
    """The newest runs, or those older than `before`."""
    rows = await connection.fetch(
        f"SELECT {_RUN} FROM ad_runs AS r WHERE r.customer_id = $1"
        " AND ($3::timestamptz IS NULL OR (r.created_at, r.id) < ($3, $4::uuid))"
        " ORDER BY r.created_at DESC, r.id DESC LIMIT $2",
        customer_id,
        limit,
        before.created_at if before else None,
        before.id if before else None,
    )
    return [read(AdRun, row, "r") for row in rows]


async def update_run(connection: Connection, run: AdRun, *, ring_seconds: float) -> None:
    """Write a run that `lock_run` locked. News has come, so the next ring is far again."""
    await connection.execute(
        """
        UPDATE ad_runs SET
            status = $2, mode = $3, ad_account_id = $4, campaign_id = $5, adset_id = $6, step = $7, hint = $8,
            error_code = $9, fixed_by = $10, error_message = $11, last_version = $12, started_at = $13,
            finished_at = $14, ring_at = now() + make_interval(secs => $15), ring_count = 0
        WHERE id = $1
        """,
        run.id,
        run.status,
        run.mode,
        run.ad_account_id,
        run.campaign_id,
        run.adset_id,
        run.step,
        run.hint,
        run.error_code,
        run.fixed_by,
        run.error_message,
        run.last_version,
        run.started_at,
        run.finished_at,
        ring_seconds,
    )


async def add_step(connection: Connection, run_id: UUID, step: RunStep) -> None:
    """Add an entry to the timeline; at commit every process that streams this run is woken."""
    await connection.execute(
        # pg_notify in the same statement: no insert can forget it.
        "WITH added AS (INSERT INTO ad_run_steps (run_id, version, type, step, state, message, at, data)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING run_id)"
        " SELECT pg_notify($9 || '_' || current_schema(), run_id::text) FROM added",
        run_id,
        step.version,
        step.type,
        step.step,
        step.state,
        step.message,
        step.at,
        step.data,
        NEWS_CHANNEL,
    )


async def find_run_with_steps(
    connection: Connection, customer_id: UUID, run_id: UUID
) -> tuple[AdRun, list[RunStep]] | None:
    """A run and its timeline, as of one instant: who sees the end must see the last step too."""
    rows = await connection.fetch(
        f"SELECT {_RUN}, {columns(RunStep, 's')} FROM ad_runs AS r"
        " LEFT JOIN ad_run_steps AS s ON s.run_id = r.id"
        " WHERE r.id = $1 AND r.customer_id = $2 ORDER BY s.version",
        run_id,
        customer_id,
    )
    if not rows:
        return None
    return read(AdRun, rows[0], "r"), [read(RunStep, row, "s") for row in rows if row["s_version"]]


async def claim_runs_to_ring(
    connection: Connection, *, first_seconds: float, at_most_seconds: float, limit: int
) -> list[UUID]:
    """Open runs that nobody has told anything about for too long; sets when each is due next.

    SKIP LOCKED: a run whose news is being written just now, or that another gateway rings, is left alone.
    """
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT id FROM ad_runs WHERE status IN ('queued', 'running') AND ring_at <= now()
            ORDER BY ring_at LIMIT $3 FOR UPDATE SKIP LOCKED
        )
        UPDATE ad_runs SET ring_count = ring_count + 1,
            ring_at = now() + make_interval(secs => least($1 * 2 ^ least(ring_count + 1, 10), $2))
        FROM due WHERE ad_runs.id = due.id
        RETURNING ad_runs.id
        """,
        first_seconds,
        at_most_seconds,
        limit,
    )
    return [row["id"] for row in rows]


async def claim_key(
    connection: Connection, customer_id: UUID, key: str, *, route: str, fingerprint: str
) -> KeyUse | None:
    """Take an idempotency key; returns what it was used for when it is taken already.

    The second of two requests at once waits here, on the primary key, until the first has committed.
    """
    added = await connection.fetchval(
        "INSERT INTO idempotency_keys (customer_id, key, route, fingerprint) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING RETURNING key",
        customer_id,
        key,
        route,
        fingerprint,
    )
    if added is not None:
        return None
    row = await connection.fetchrow(
        "SELECT route, fingerprint, status, response FROM idempotency_keys"
        " WHERE customer_id = $1 AND key = $2",
        customer_id,
        key,
    )
    assert row is not None  # noqa: S101 - a key is removed long after any request that waits for it
    return KeyUse(**dict(row))


async def keep_answer(
    connection: Connection, customer_id: UUID, key: str, *, status: int, response: dict[str, Any]
) -> None:
    await connection.execute(
        "UPDATE idempotency_keys SET status = $3, response = $4 WHERE customer_id = $1 AND key = $2",
        customer_id,
        key,
        status,
        response,
    )

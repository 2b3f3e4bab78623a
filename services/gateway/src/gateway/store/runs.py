"""Runs, their timeline, and the keys that make a repeated press harmless."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from chassis.database import Connection
from gateway.store.ads import AdObjects, AdSettings, ConnectionView
from gateway.store.rows import columns, read


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
SELECT {columns(AdSettings, "(page.s)")}, {columns(AdObjects, "(page.o)")},
       {columns(ConnectionView, "(page.v)")}, {columns(AdRun, "(page.r)")}
FROM overview($1, $2) AS page
"""


async def overview(connection: Connection, customer_id: UUID, *, limit: int) -> Overview:
    """All of the page that is polled most, in one round trip.

    It needs no transaction: the function itself says whose rows it reads, until this statement is over.
    """
    rows = await connection.fetch(_OVERVIEW, customer_id, limit)
    first = rows[0]
    return Overview(
        settings=read(AdSettings, first, "s") if first["s_id"] else None,
        objects=read(AdObjects, first, "o") if first["o_id"] else None,
        view=read(ConnectionView, first, "v") if first["v_status"] else None,
        runs=[read(AdRun, row, "r") for row in rows if row["r_id"]],
    )


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

"""What an operator asks at a terminal: runs of all customers. Reads only."""

from typing import Final
from uuid import UUID

from chassis.database import Connection
from gateway.store.rows import columns, read
from gateway.store.runs import AdRun, RunStep

_RUN: Final = columns(AdRun, "r")


async def newest_runs(
    connection: Connection, *, customer_id: UUID | None, status: str | None, limit: int
) -> list[AdRun]:
    """The newest runs, of one customer or all, in one status or any."""
    rows = await connection.fetch(
        f"SELECT {_RUN} FROM ad_runs AS r"
        " WHERE ($1::uuid IS NULL OR r.customer_id = $1) AND ($2::text IS NULL OR r.status = $2)"
        " ORDER BY r.created_at DESC, r.id DESC LIMIT $3",
        customer_id,
        status,
        limit,
    )
    return [read(AdRun, row, "r") for row in rows]


async def any_run_with_steps(connection: Connection, run_id: UUID) -> tuple[AdRun, list[RunStep]] | None:
    """A run, whoever's it is, and its timeline, as of one instant."""
    rows = await connection.fetch(
        f"SELECT {_RUN}, {columns(RunStep, 's')} FROM ad_runs AS r"
        " LEFT JOIN ad_run_steps AS s ON s.run_id = r.id WHERE r.id = $1 ORDER BY s.version",
        run_id,
    )
    if not rows:
        return None
    return read(AdRun, rows[0], "r"), [read(RunStep, row, "s") for row in rows if row["s_version"]]

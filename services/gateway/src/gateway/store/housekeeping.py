"""Removal of rows that nobody asks for any more, and what the readiness page counts."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from chassis.database import Connection
from chassis.metrics import COUNT_LIMIT

KEEP: Final = {
    "DELETE FROM sessions WHERE expires_at < now() - $1::interval": timedelta(days=1),
    "DELETE FROM login_attempts WHERE at < now() - $1::interval": timedelta(days=1),
    "DELETE FROM known_addresses WHERE seen_at < now() - $1::interval": timedelta(days=90),
    "DELETE FROM password_resets WHERE expires_at < now() - $1::interval": timedelta(days=1),
    "DELETE FROM idempotency_keys WHERE created_at < now() - $1::interval": timedelta(days=7),
    "DELETE FROM inbox WHERE received_at < now() - $1::interval": timedelta(days=30),
}
"""Each statement with the age from which its rows go; redeliveries and retries are long over by then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenRuns:
    """Runs without an end, at most `COUNT_LIMIT`, and the age of the oldest."""

    count: int
    oldest_seconds: float


async def remove_old_rows(connection: Connection) -> None:
    for statement, age in KEEP.items():
        await connection.execute(statement, age)


async def open_runs(connection: Connection) -> OpenRuns:
    """An index holds the open runs only, so runs that have ended cost nothing."""
    row = await connection.fetchrow(
        "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds"
        " FROM (SELECT created_at FROM ad_runs WHERE status IN ('queued', 'running') LIMIT $1) AS counted",
        COUNT_LIMIT,
    )
    assert row is not None  # noqa: S101 - an aggregate is one row
    return OpenRuns(**dict(row))


async def schema_revision(connection: Connection) -> str | None:
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision

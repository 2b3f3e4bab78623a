"""Removal of rows that nobody asks for any more, and what the readiness page counts."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from chassis.database import Connection

KEEP: Final = {
    "DELETE FROM sessions WHERE expires_at < now() - $1::interval": timedelta(days=1),
    "DELETE FROM login_attempts WHERE at < now() - $1::interval": timedelta(days=1),
    "DELETE FROM idempotency_keys WHERE created_at < now() - $1::interval": timedelta(days=7),
    "DELETE FROM inbox WHERE received_at < now() - $1::interval": timedelta(days=30),
}
"""Each statement with the age from which its rows go; redeliveries and retries are long over by then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RelayLag:
    unsent: int
    oldest_seconds: float | None


async def remove_old_rows(connection: Connection) -> None:
    for statement, age in KEEP.items():
        await connection.execute(statement, age)


async def relay_lag(connection: Connection) -> RelayLag:
    row = await connection.fetchrow(
        "SELECT count(*) AS unsent, extract(epoch FROM now() - min(created_at))::float8 AS oldest_seconds"
        " FROM outbox WHERE sent_at IS NULL"
    )
    assert row is not None  # noqa: S101 - an aggregate is one row
    return RelayLag(**dict(row))


async def schema_revision(connection: Connection) -> str | None:
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision

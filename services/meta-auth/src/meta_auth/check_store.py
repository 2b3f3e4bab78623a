"""SQL statements about checking tokens at Meta, and about the keys that they are sealed with."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from chassis.database import Connection
from meta_auth.graph import TokenFacts
from meta_auth.store import MetaConnection, connection_of
from meta_auth.vault import SealedToken

CLAIM_LASTS: Final = timedelta(minutes=10)
"""A check that a dead process has begun, or that Meta did not answer, is due again after this."""


async def clock(connection: Connection) -> datetime:
    now: datetime = await connection.fetchval("SELECT now()")
    return now


async def claim_checks(
    connection: Connection, *, limit: int, all_before: datetime | None = None
) -> list[MetaConnection]:
    """Take the connections whose check is due; with `all_before`, all that were last checked before then.

    Moving `check_due_at` is the claim: the row's lock makes each row one process's, and nobody waits for it.
    """
    rows = await connection.fetch(
        """
        UPDATE meta_connections SET checked_at = now(), check_due_at = now() + $2::interval
        WHERE id IN (
            SELECT id FROM meta_connections
            WHERE status = 'connected' AND NOT is_placeholder
              AND CASE WHEN $3::timestamptz IS NULL THEN check_due_at IS NULL OR check_due_at <= now()
                  ELSE checked_at IS NULL OR checked_at < $3 END
            ORDER BY check_due_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        RETURNING *
        """,
        limit,
        CLAIM_LASTS,
        all_before,
    )
    return [connection_of(row) for row in rows]


async def plan_next_check(connection: Connection, row: MetaConnection, *, every: timedelta) -> None:
    """A tenth earlier or later than asked for, so that checks do not come in bursts."""
    await connection.execute(
        "UPDATE meta_connections SET check_due_at = now() + $2::interval * (0.9 + random() * 0.2)"
        " WHERE id = $1 AND check_due_at IS NOT NULL",
        row.id,
        every,
    )


async def record_facts(
    connection: Connection,
    row: MetaConnection,
    facts: TokenFacts,
    *,
    trouble: str | None,
    warned_days: int | None,
) -> MetaConnection | None:
    """Keep what Meta says of a token; None when the token was replaced meanwhile, or nothing is new."""
    known = await connection.fetchrow(
        """
        UPDATE meta_connections SET version = version + 1, updated_at = now(), granted_scopes = $3,
            token_expires_at = $4, data_access_expires_at = $5, trouble = $6, warned_days = $7
        WHERE id = $1 AND token_version = $2 AND status = 'connected'
          AND (granted_scopes, token_expires_at, data_access_expires_at, trouble, warned_days)
              IS DISTINCT FROM ($3::varchar[], $4::timestamptz, $5::timestamptz, $6::varchar, $7::int)
        RETURNING *
        """,
        row.id,
        row.token_version,
        facts.scopes,
        facts.expires_at,
        facts.data_access_expires_at,
        trouble,
        warned_days,
    )
    return connection_of(known) if known else None


async def find_on_other_keys(
    connection: Connection, key_id: str, *, after: UUID, limit: int
) -> list[MetaConnection]:
    """The next rows, by id, whose data key is wrapped by another key than this."""
    rows = await connection.fetch(
        "SELECT * FROM meta_connections WHERE id > $2 AND key_id <> $1 ORDER BY id LIMIT $3",
        key_id,
        after,
        limit,
    )
    return [connection_of(row) for row in rows]


async def count_on_other_keys(connection: Connection, key_id: str) -> dict[str, int]:
    rows = await connection.fetch(
        "SELECT key_id, count(*) AS rows FROM meta_connections WHERE key_id <> $1 GROUP BY 1 ORDER BY 1",
        key_id,
    )
    return {row["key_id"]: row["rows"] for row in rows}


async def replace_wrapping(connection: Connection, row: MetaConnection, new: SealedToken) -> bool:
    """Swap the wrapped data key, if it is still the one that was unwrapped.

    Each sealing has a data key of its own, so a token that was replaced meanwhile is never touched. For
    everybody else nothing has changed: neither version rises.
    """
    assert row.sealed is not None  # noqa: S101 - such a row has a key id
    changed = await connection.fetchval(
        "UPDATE meta_connections SET wrapped_key = $3, key_id = $4"
        " WHERE id = $1 AND wrapped_key = $2 RETURNING true",
        row.id,
        row.sealed.wrapped_key,
        new.wrapped_key,
        new.key_id,
    )
    return changed is True

"""SQL statements about people at Meta: whose connection is whose, and who wants their data deleted."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.database import Connection
from meta_auth.store import MetaConnection, connection_of


@dataclass(frozen=True, kw_only=True)
class DeletionRequest:
    """A request that has not been carried out."""

    confirmation_code: str
    person_hash: str
    asked_at: datetime


async def remember_person(connection: Connection, person_hash: str, customer_id: UUID) -> None:
    await connection.execute(
        "INSERT INTO meta_people (person_hash, customer_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        person_hash,
        customer_id,
    )


async def lock_connections_of(
    connection: Connection, user_id: str, *, granted_before: datetime
) -> list[MetaConnection]:
    """The connections of a person at Meta that were granted before this moment, locked in one order."""
    rows = await connection.fetch(
        "SELECT * FROM meta_connections WHERE meta_user_id = $1 AND NOT is_placeholder"
        " AND (granted_at IS NULL OR granted_at <= $2) ORDER BY id FOR UPDATE",
        user_id,
        granted_before,
    )
    return [connection_of(row) for row in rows]


async def add_request(
    connection: Connection, *, code: str, request_hash: str, person_hash: str, asked_at: datetime
) -> str:
    """Put a request into the journal; a repetition gets the code of the first."""
    kept: str = await connection.fetchval(
        # The update changes nothing: without it, a conflict would return no row.
        "INSERT INTO deletion_requests AS r (confirmation_code, request_hash, person_hash, asked_at)"
        " VALUES ($1, $2, $3, $4) ON CONFLICT (request_hash) DO UPDATE SET request_hash = r.request_hash"
        " RETURNING confirmation_code",
        code,
        request_hash,
        person_hash,
        asked_at,
    )
    return kept


async def find_request(connection: Connection, code: str) -> tuple[datetime, datetime | None] | None:
    """When it was made, and when it was carried out."""
    row = await connection.fetchrow(
        "SELECT requested_at, completed_at FROM deletion_requests WHERE confirmation_code = $1", code
    )
    return (row["requested_at"], row["completed_at"]) if row else None


async def claim_open_request(connection: Connection) -> DeletionRequest | None:
    """The oldest request that nobody works on; it is free again when the transaction ends."""
    row = await connection.fetchrow(
        "SELECT confirmation_code, person_hash, asked_at FROM deletion_requests"
        " WHERE completed_at IS NULL AND person_hash IS NOT NULL"
        " ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED"
    )
    return DeletionRequest(**dict(row)) if row else None


async def customers_of(connection: Connection, person_hash: str) -> list[UUID]:
    """Every customer that the person ever connected to, in one order."""
    rows = await connection.fetch(
        "SELECT customer_id FROM meta_people WHERE person_hash = $1 ORDER BY customer_id", person_hash
    )
    return [row["customer_id"] for row in rows]


async def forget_person(connection: Connection, person_hash: str, customer_id: UUID) -> None:
    await connection.execute(
        "DELETE FROM meta_people WHERE person_hash = $1 AND customer_id = $2", person_hash, customer_id
    )


async def forget_news(connection: Connection, customer_id: UUID) -> None:
    """Delete what was told about a connection; what still waits to be sent may be another deletion."""
    await connection.execute(
        "DELETE FROM outbox WHERE subject = $1 AND sent_at IS NOT NULL", str(customer_id)
    )


async def complete_request(connection: Connection, code: str) -> None:
    await connection.execute(
        "UPDATE deletion_requests SET completed_at = now(), person_hash = NULL WHERE confirmation_code = $1",
        code,
    )

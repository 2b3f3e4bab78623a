"""The audit log and its seals: append only, triggers see to it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from chassis.database import Connection

LATE: Final = 10_000
"""An entry that is committed later than so many newer ones is not sealed; `verify` then says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Who did what, when, and how it ended. `detail` holds ids and codes only."""

    id: int
    at: datetime
    customer_id: UUID | None
    user_id: UUID | None
    action: str
    result: str
    detail: dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """An entry's place in the chain; `previous` is the hash of the seal before."""

    seq: int
    entry_id: int
    previous: str
    hash: str


async def add_audit_entry(
    connection: Connection,
    action: str,
    *,
    result: str = "ok",
    customer_id: UUID | None = None,
    user_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Note who did what. `detail` holds ids only, never an address, a password or a token.

    Without a user, `actor` in it says who: an operator, Meta, another service. The transaction must be
    that of the customer, or of none, or see all customers.
    """
    await connection.execute(
        "INSERT INTO audit_log (customer_id, user_id, action, result, detail) VALUES ($1, $2, $3, $4, $5)",
        customer_id,
        user_id,
        action,
        result,
        detail,
    )


async def has_connection_entry(connection: Connection, customer_id: UUID, version: int) -> bool:
    """Whether it is noted already what led to this version of the customer's connection.

    Exact after the view was saved: its row makes those who note the same version wait for each other.
    """
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM audit_log WHERE customer_id = $1 AND starts_with(action, 'meta_')"
        " AND detail->>'version' = $2)",
        customer_id,
        str(version),
    )
    return found


def pseudonym(customer_id: UUID, value: str) -> str:
    """What stands for an id of Meta's in the log: to be compared with a known one, not to be read."""
    return hashlib.sha256(f"{customer_id}/{value}".encode()).hexdigest()[:16]


async def become_sealer(connection: Connection) -> bool:
    """Whether this transaction is the one that seals; others have to leave it alone."""
    alone: bool = await connection.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtext('audit_seal'), hashtext(current_schema()))"
    )
    return alone


async def last_seal(connection: Connection) -> Seal | None:
    row = await connection.fetchrow(
        "SELECT seq, entry_id, previous, hash FROM audit_seals ORDER BY seq DESC LIMIT 1"
    )
    return Seal(**dict(row)) if row else None


async def unsealed_entries(connection: Connection, *, limit: int) -> list[Entry]:
    """Committed entries without a seal, in the order of their ids.

    An entry may be committed after one with a higher id. So it is looked for some way back, and its place
    in the chain is the order in which it was seen.
    """
    rows = await connection.fetch(
        "SELECT id, at, customer_id, user_id, action, result, detail FROM audit_log AS entry"
        " WHERE id > (SELECT coalesce(max(entry_id), 0) - $2 FROM audit_seals)"
        " AND NOT EXISTS (SELECT FROM audit_seals WHERE entry_id = entry.id) ORDER BY id LIMIT $1",
        limit,
        LATE,
    )
    return [Entry(**dict(row)) for row in rows]


async def add_seals(connection: Connection, seals: Sequence[Seal]) -> None:
    await connection.executemany(
        "INSERT INTO audit_seals (seq, entry_id, previous, hash) VALUES ($1, $2, $3, $4)",
        [(seal.seq, seal.entry_id, seal.previous, seal.hash) for seal in seals],
    )


async def chain_after(connection: Connection, seq: int, *, limit: int) -> list[tuple[Seal, Entry | None]]:
    """The next seals of the chain, each with its entry if that is still there."""
    rows = await connection.fetch(
        "SELECT seal.seq, seal.entry_id, seal.previous, seal.hash, entry.id, entry.at, entry.customer_id,"
        " entry.user_id, entry.action, entry.result, entry.detail"
        " FROM audit_seals AS seal LEFT JOIN audit_log AS entry ON entry.id = seal.entry_id"
        " WHERE seal.seq > $1 ORDER BY seal.seq LIMIT $2",
        seq,
        limit,
    )
    found: list[tuple[Seal, Entry | None]] = []
    for row in rows:
        values = dict(row)
        seal = Seal(**{name: values.pop(name) for name in ("seq", "entry_id", "previous", "hash")})
        found.append((seal, Entry(**values) if values["id"] is not None else None))
    return found


async def forgotten_entry(connection: Connection, *, after_seconds: float) -> int | None:
    """The first entry that has gone unsealed for so long."""
    entry: int | None = await connection.fetchval(
        "SELECT min(id) FROM audit_log AS entry WHERE at < now() - make_interval(secs => $1)"
        " AND NOT EXISTS (SELECT FROM audit_seals WHERE entry_id = entry.id)",
        after_seconds,
    )
    return entry


async def entries_after(
    connection: Connection,
    entry_id: int,
    *,
    since: datetime | None,
    until: datetime | None,
    customer_id: UUID | None,
    limit: int,
) -> list[tuple[Entry, Seal | None]]:
    """The next entries of a time and a customer, in the order of their ids, each with its seal."""
    rows = await connection.fetch(
        "SELECT entry.id, entry.at, entry.customer_id, entry.user_id, entry.action, entry.result,"
        " entry.detail, seal.seq, seal.entry_id, seal.previous, seal.hash"
        " FROM audit_log AS entry LEFT JOIN audit_seals AS seal ON seal.entry_id = entry.id"
        " WHERE entry.id > $1 AND ($2::timestamptz IS NULL OR entry.at >= $2)"
        " AND ($3::timestamptz IS NULL OR entry.at < $3) AND ($4::uuid IS NULL OR entry.customer_id = $4)"
        " ORDER BY entry.id LIMIT $5",
        entry_id,
        since,
        until,
        customer_id,
        limit,
    )
    found: list[tuple[Entry, Seal | None]] = []
    for row in rows:
        values = dict(row)
        seal = {name: values.pop(name) for name in ("seq", "entry_id", "previous", "hash")}
        found.append((Entry(**values), Seal(**seal) if seal["seq"] is not None else None))
    return found

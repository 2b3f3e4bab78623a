"""Use cases of the audit log: chain its entries, and find the first place where the chain is broken.

The hash of an entry covers what it says and the hash before it, so no entry can be changed, removed or
exchanged without all that follow. Entries are sealed shortly after their commit, in a job of their own: an
accept waits for nobody.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass, fields
from typing import Final

from chassis.database import Connection, Pool, across_customers
from chassis.telemetry import get_logger
from contracts.wire import iso_utc
from gateway.store import audit as store
from gateway.store.audit import Entry, Seal

EVERY_SECONDS: Final = 5.0
BATCH: Final = 500
AT_ONCE: Final = 100
"""Entries that are sealed before requests get a turn: about 2 ms."""
PAGE: Final = 2000
FORGOTTEN_SECONDS: Final = 120.0
"""An entry without a seal after this time was left out: by a job that does not run, or on purpose."""
BEGINNING: Final = "0" * 64
_SAID: Final = tuple(field.name for field in fields(Entry))

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The end of a chain: where it stood, and the hash that stands for all before."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class BrokenChainError(Exception):
    """The first place where the log is not what was sealed."""


async def seal_entries(pool: Pool) -> int:
    """Seal what has been committed since; returns how much. Of several gateways, one does at a time."""
    total = 0
    while sealed := await _seal_batch(pool):
        total += sealed
        if sealed < BATCH:
            break
    return total


async def _seal_batch(pool: Pool) -> int:
    async with across_customers(pool) as conn:
        if not await store.become_sealer(conn):
            return 0
        last = await store.last_seal(conn)
        seals: list[Seal] = []
        for entry in await store.unsealed_entries(conn, limit=BATCH):
            last = _seal(entry, last)
            seals.append(last)
            if len(seals) % AT_ONCE == 0:
                await asyncio.sleep(0)
        await store.add_seals(conn, seals)
    if seals:
        # Off this machine with the other logs, where who can rewrite the database cannot follow.
        _log.info("audit_sealed", head=str(Head(seq=seals[-1].seq, hash=seals[-1].hash)))
    return len(seals)


def _seal(entry: Entry, last: Seal | None) -> Seal:
    seq, previous = (last.seq + 1, last.hash) if last else (1, BEGINNING)
    return Seal(
        seq=seq, entry_id=entry.id, previous=previous, hash=hash_of(entry, seq=seq, previous=previous)
    )


def hash_of(entry: Entry, *, seq: int, previous: str) -> str:
    """SHA-256 over the entry's one spelling as JSON, its place, and the hash before."""
    said = {name: getattr(entry, name) for name in _SAID}
    said |= {"at": iso_utc_exact(entry), "seq": seq, "previous": previous}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def iso_utc_exact(entry: Entry) -> str:
    """The time of an entry to the microsecond, as Postgres keeps it."""
    return entry.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def verify_chain(conn: Connection, expected: Head | None = None) -> Head:
    """Check every seal and entry; returns the head. `expected` is a head that was noted elsewhere before.

    Raises:
        BrokenChainError: the text names the first place, and what is wrong there.
    """
    head = Head(seq=0, hash=BEGINNING)
    while page := await store.chain_after(conn, head.seq, limit=PAGE):
        for seal, entry in page:
            head = _next_head(head, seal, entry)
            if expected and expected.seq == head.seq and expected.hash != head.hash:
                raise BrokenChainError(f"seal {head.seq} is not the one that was noted")
    if expected and expected.seq > head.seq:
        raise BrokenChainError(f"seal {expected.seq} was noted, the log ends with {head.seq}")
    if forgotten := await store.forgotten_entry(conn, after_seconds=FORGOTTEN_SECONDS):
        raise BrokenChainError(f"entry {forgotten} has no seal")
    return head


def _next_head(head: Head, seal: Seal, entry: Entry | None) -> Head:
    if seal.seq != head.seq + 1:
        raise BrokenChainError(f"seal {head.seq + 1} is missing")
    if seal.previous != head.hash:
        raise BrokenChainError(f"seal {seal.seq} of entry {seal.entry_id} does not follow the one before")
    if entry is None:
        raise BrokenChainError(f"entry {seal.entry_id} of seal {seal.seq} is missing")
    if hash_of(entry, seq=seal.seq, previous=seal.previous) != seal.hash:
        raise BrokenChainError(f"entry {seal.entry_id} of seal {seal.seq} was changed")
    return Head(seq=seal.seq, hash=seal.hash)


def as_line(entry: Entry, seal: Seal | None) -> str:
    """An entry as one line of JSON, whatever is in it."""
    return json.dumps(
        {
            "id": entry.id,
            "at": iso_utc(entry.at),
            "customerId": str(entry.customer_id) if entry.customer_id else None,
            "userId": str(entry.user_id) if entry.user_id else None,
            "action": entry.action,
            "result": entry.result,
            "detail": entry.detail,
            "seal": {"seq": seal.seq, "previous": seal.previous, "hash": seal.hash} if seal else None,
        }
    )

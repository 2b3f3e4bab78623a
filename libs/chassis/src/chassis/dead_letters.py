"""What nobody could read, for the operator: list it, look at one entry, send it back.

An entry of `<stream>.dead` keeps all fields of the entry that was buried, and beside them why and when.
"""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

from redis.asyncio import Redis

from chassis.outbox import STREAM_FIELD
from chassis.streams import DEAD_SUFFIX
from chassis.telemetry import redact

PAGE: Final = 200
"""Entries per read of a dead stream."""
ADDED_FIELDS: Final = frozenset({b"error", b"reason", b"source_stream", b"source_id", b"group", b"at"})
"""What burying adds to an entry; everything else is the entry itself."""
_Entry = tuple[bytes, dict[bytes, bytes]]
_ENTRY_ID: Final = re.compile(r"\d{1,20}-\d{1,20}")


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """One thing that an operator has to look at. `place` is where it lies, `at` when it was given up."""

    id: str
    place: str
    error: str
    reason: str
    at: str
    facts: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    def customer(self) -> UUID | None:
        """Whose it is, if the body says so."""
        try:
            return UUID(json.loads(self.body)["customerid"])
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            return None

    def readable_body(self) -> str:
        """The body as indented JSON if it is any, without what looks like a credential."""
        try:
            return json.dumps(redact(json.loads(self.body)), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return str(redact(self.body))


NoteReplay = Callable[[DeadLetter], Awaitable[None]]
"""Notes a replay for the audit log, before it is done: none is done without."""


class DeadLetters(Protocol):
    """A place with dead letters."""

    def newest_first(self) -> AsyncIterator[DeadLetter]:
        """All of them."""

    async def find(self, letter_id: str) -> list[DeadLetter]:
        """Those with this id."""

    async def replay(self, letter: DeadLetter) -> bool:
        """Try again what failed; False when there is nothing to replay any more."""


class DeadStreams:
    """The dead letters of some streams."""

    def __init__(self, redis: Redis, streams: Sequence[str], *, note: NoteReplay | None = None) -> None:
        self._redis = redis
        self._note = note
        self._dead = [f"{stream}{DEAD_SUFFIX}" for stream in streams]

    async def newest_first(self) -> AsyncIterator[DeadLetter]:
        """All entries, stream after stream, each read in pages.

        Raises:
            redis.exceptions.RedisError: Redis does not answer.
        """
        for dead in self._dead:
            newest = "+"
            while page := await self._read(dead, newest=newest):
                for entry_id, fields in page:
                    yield _letter(dead, entry_id, fields)
                newest = f"({page[-1][0].decode()}"  # from here on, without this one

    async def find(self, letter_id: str) -> list[DeadLetter]:
        """The entries with this id; ids are unique within a stream only.

        Raises:
            redis.exceptions.RedisError: Redis does not answer.
        """
        if not _ENTRY_ID.fullmatch(letter_id):
            return []
        return [
            _letter(dead, entry_id, fields)
            for dead in self._dead
            for entry_id, fields in await self._read(dead, newest=letter_id, oldest=letter_id)
        ]

    async def replay(self, letter: DeadLetter) -> bool:
        """Put the entry back as it came; False when it has gone.

        In one transaction, so that it is never lost. Two operators at once may put it back twice, which
        every consumer bears.

        Raises:
            redis.exceptions.RedisError: Redis does not answer.
        """
        found = await self._read(letter.place, newest=letter.id, oldest=letter.id)
        if not found:
            return False
        if self._note:
            await self._note(letter)
        original: dict[Any, Any] = {
            name: value for name, value in found[0][1].items() if name not in ADDED_FIELDS
        }
        async with self._redis.pipeline(transaction=True) as pipeline:
            _ = pipeline.xadd(letter.place.removesuffix(DEAD_SUFFIX), original)
            _ = pipeline.xdel(letter.place, letter.id)
            await pipeline.execute()
        return True

    async def _read(self, dead: str, *, newest: str, oldest: str = "-") -> list[_Entry]:
        entries: Any = await self._redis.xrevrange(dead, max=newest, min=oldest, count=PAGE)
        return list(entries)


def _letter(dead: str, entry_id: bytes, raw: Mapping[bytes, bytes]) -> DeadLetter:
    fields = {name.decode(errors="replace"): value.decode(errors="replace") for name, value in raw.items()}
    body = fields.pop(STREAM_FIELD, "")
    known: dict[str, Any] = {name: fields.pop(name, "") for name in ("error", "reason", "at")}
    return DeadLetter(id=entry_id.decode(), place=dead, facts=fields, body=body, **known)

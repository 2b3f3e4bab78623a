"""A client of the event stream: server-sent events as they are on the wire."""

import codecs
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx


@dataclass(frozen=True, kw_only=True)
class Event:
    """One block of the stream; a comment has no name."""

    name: str | None
    event_id: str | None
    data: Any
    fields: dict[str, str]


class Decoder:
    """Bytes in, whole events out: what a cut leaves unfinished is not an event."""

    def __init__(self) -> None:
        self._text = codecs.getincrementaldecoder("utf-8")()
        self._rest = ""

    def feed(self, chunk: bytes) -> list[Event]:
        *blocks, self._rest = (self._rest + self._text.decode(chunk)).split("\n\n")
        return [_event(block) for block in blocks]


def _event(block: str) -> Event:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    data = json.loads(fields["data"]) if "data" in fields else None
    return Event(name=fields.get("event"), event_id=fields.get("id"), data=data, fields=fields)


class Stream:
    """An open stream."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._decoder = Decoder()
        self._chunks = answer.aiter_raw()
        self._waiting: list[Event] = []

    async def next(self) -> Event:
        """The next block; StopAsyncIteration when the server has ended the stream."""
        while not self._waiting:
            self._waiting = self._decoder.feed(await anext(self._chunks))
        return self._waiting.pop(0)

    async def next_named(self) -> Event:
        """The next event, past comments and settings."""
        while True:
            if (event := await self.next()).name:
                return event

    async def rest(self) -> list[Event]:
        """Everything up to the end of the stream."""
        found: list[Event] = []
        while True:
            try:
                found.append(await self.next())
            except StopAsyncIteration:
                return found

    async def named(self) -> list[Event]:
        return [event for event in await self.rest() if event.name]


def path_of(run_id: UUID) -> str:
    return f"/ads/runs/{run_id}/events"


@asynccontextmanager
async def opened(
    client: httpx.AsyncClient, run_id: UUID, *, after: str | None = None, **options: Any
) -> AsyncIterator[Stream]:
    headers = {"last-event-id": after} if after is not None else {}
    async with client.stream("GET", path_of(run_id), headers=headers, **options) as answer:
        assert answer.status_code == 200, await answer.aread()
        stream = Stream(answer)  # kept here: a reader that is collected closes the connection
        yield stream

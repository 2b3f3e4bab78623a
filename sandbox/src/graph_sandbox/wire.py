"""Answers that go wrong on the connection itself: silence, a reset, a cut or dripping body.

They act on the real socket, because a client must meet the real thing.
"""

import asyncio
import os
import socket
import struct
from contextlib import suppress
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Send

LINGER_ZERO = struct.pack("ii", 1, 0)


class Connection(Protocol):
    """What a fault can do to a client: on a socket of its own, or as a member of a batch."""

    async def hang(self, seconds: float | None) -> None: ...
    async def close(self) -> None: ...
    async def reset(self) -> None: ...
    async def cut(self, response: Response, body: bytes) -> None: ...
    async def trickle(self, response: Response, body: bytes, pause_seconds: float) -> None: ...


class MemberWire:
    """A batch member has no connection: whatever breaks it leaves `null` in its place."""

    async def hang(self, seconds: float | None) -> None:
        await asyncio.sleep(seconds or 0)

    async def close(self) -> None:
        """Nothing to close."""

    async def reset(self) -> None:
        """Nothing to reset."""

    async def cut(self, response: Response, body: bytes) -> None:
        """Nothing was begun."""

    async def trickle(self, response: Response, body: bytes, pause_seconds: float) -> None:
        """Nothing was begun."""


class Wire:
    """One request's connection."""

    def __init__(self, transport: asyncio.Transport, receive: Receive, send: Send) -> None:
        self._transport = transport
        self._receive = receive
        self._send = send

    async def hang(self, seconds: float | None) -> None:
        """Say nothing until the client gives up, or close after `seconds`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._gone(), seconds)
        await self.close()

    async def close(self) -> None:
        """End the connection in the polite way, without a word."""
        self._transport.close()
        await self._gone()

    async def reset(self) -> None:
        """End the connection with a TCP reset: closing with linger 0 sends RST in place of FIN."""
        duplicate = socket.socket(fileno=os.dup(self._transport.get_extra_info("socket").fileno()))
        with duplicate:
            duplicate.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self._transport.abort()
        await self._gone()

    async def cut(self, response: Response, body: bytes) -> None:
        """Announce the body whole, send half of it, close."""
        await self._start(response, len(body))
        await self._send_part(body[: len(body) // 2])
        await self.close()

    async def trickle(self, response: Response, body: bytes, pause_seconds: float) -> None:
        """One byte at a time until the body is out or the client has gone."""
        await self._start(response, len(body))
        gone = asyncio.create_task(self._gone())
        for index in range(len(body)):
            await self._send_part(body[index : index + 1])
            if (await asyncio.wait({gone}, timeout=pause_seconds))[0]:
                return
        gone.cancel()
        await self.close()

    async def _start(self, response: Response, length: int) -> None:
        headers = [(name, value) for name, value in response.raw_headers if name != b"content-length"]
        headers.append((b"content-length", b"%d" % length))
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": headers})

    async def _send_part(self, part: bytes) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def _gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

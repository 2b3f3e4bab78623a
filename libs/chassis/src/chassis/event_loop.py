"""The event loop of every process that serves: uvloop, which no name that cannot be looked up holds up."""

import asyncio
import socket
from functools import partial
from typing import Any

import uvloop


class EventLoop(uvloop.Loop):
    """A name is looked up once at a time, in Python's threads; who asks meanwhile gets the same answer.

    The system's resolver cannot be told to stop: when no name server answers, it keeps its thread for 10 s
    and more after its caller has given up. libuv has two threads for look-ups, so two calls to Meta without a
    way out would hold up those to every other service. They are left to Postgres and Redis, whose clients
    have uvloop look names up as they connect.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lookups: dict[tuple[Any, ...], asyncio.Future[list[Any]]] = {}

    async def getaddrinfo(self, host: Any, port: Any, **how: int) -> list[Any]:
        """The addresses of `host`, as `socket.getaddrinfo` has them.

        Raises:
            OSError: the name is not known, or no name server says so.
        """
        asked = (host, port, *sorted(how.items()))
        if asked not in self._lookups:
            asking = self.run_in_executor(None, partial(socket.getaddrinfo, host, port, **how))
            # A future already, though uvloop declares a coroutine.
            lookup: asyncio.Future[list[Any]] = asyncio.ensure_future(asking)
            self._lookups[asked] = lookup
            lookup.add_done_callback(partial(self._forget, asked))
        return await asyncio.shield(self._lookups[asked])

    def _forget(self, asked: tuple[Any, ...], lookup: asyncio.Future[list[Any]]) -> None:
        del self._lookups[asked]
        # Looked at, since perhaps nobody waits for it any more, which asyncio would complain about.
        _ = lookup.cancelled() or lookup.exception()

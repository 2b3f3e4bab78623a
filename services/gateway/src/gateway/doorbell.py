"""Tells whoever waits for news of a run that there is some, whichever process wrote it.

One connection per process listens for all. What it misses while it is lost is found by ringing for everybody
once it is back, and by the slow poll of those who wait.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID

import asyncpg

from chassis.database import LOST_CONNECTION, STATEMENT_TIMEOUT_SECONDS, Connection
from chassis.errors import Unavailable
from gateway.store.progress import news_channel

CONNECT_SECONDS: Final = 3.0
PROBE_SECONDS: Final = 30.0
"""A cut link is silent: so often the connection is asked whether it still is one."""


class Doorbell:
    """Who waits for which run. `listen` must run for the bells to ring."""

    def __init__(self, *, database_url: str) -> None:
        self._database_url = database_url
        self._bells: dict[UUID, set[asyncio.Event]] = {}

    @contextmanager
    def bell(self, run_id: UUID) -> Iterator[asyncio.Event]:
        """An event that is set whenever there may be news of a run; whoever waits clears it."""
        bell = asyncio.Event()
        self._bells.setdefault(run_id, set()).add(bell)
        try:
            yield bell
        finally:
            self._bells[run_id].discard(bell)
            if not self._bells[run_id]:
                del self._bells[run_id]

    async def listen(self) -> None:
        """Listen until the connection is lost.

        Raises:
            Unavailable: Postgres does not answer, or no longer.
        """
        try:
            await self._listen()
        except LOST_CONNECTION as exc:
            raise Unavailable("The database does not answer. Try again in a moment.") from exc

    async def _listen(self) -> None:
        connection = await asyncpg.connect(
            self._database_url,
            timeout=CONNECT_SECONDS,
            command_timeout=STATEMENT_TIMEOUT_SECONDS,
            server_settings={"application_name": "doorbell"},
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda *_: lost.set())
        try:
            await connection.add_listener(await news_channel(connection), self._on_news)
            for run_id in self._bells:
                self._ring(run_id)
            while not lost.is_set():
                await _probe(connection, lost)
        finally:
            # A broken link cannot say goodbye.
            connection.terminate()

    def _on_news(self, *notification: object) -> None:
        self._ring(UUID(str(notification[-1])))

    def _ring(self, run_id: UUID) -> None:
        for bell in self._bells.get(run_id, ()):
            bell.set()


async def _probe(connection: Connection, lost: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(PROBE_SECONDS):
            await lost.wait()
    if not lost.is_set():
        await connection.execute("SELECT 1")

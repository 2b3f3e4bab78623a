"""Use case: follow a run live, as server-sent events.

Each entry of the timeline is sent once, in the order of the versions, with its version as event id; the last
event is `end`, with the run. Entries may arrive here in another order, so one that is missing is waited for,
but only so long: then what came after it goes out, and it is left to `GET /ads/runs/{id}`.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from typing import Final
from uuid import UUID

import anyio
from sse_starlette import ServerSentEvent

from chassis.database import Pool, transaction
from chassis.errors import RateLimited, Unavailable, ValidationFailed
from chassis.telemetry import get_logger
from gateway.doorbell import Doorbell
from gateway.overview import run_view, step_view
from gateway.publishing import UnknownRun
from gateway.store.progress import News, Progress, read_progress
from gateway.store.runs import AdRun, RunStep

GAP_SECONDS: Final = 10.0
"""How long news waits for an older one. A gateway that died with it in hand is noticed within 6 s."""
POLL_SECONDS: Final = 5.0
"""The stream is woken by NOTIFY; the poll only covers a notification lost with its connection."""
SHORTEST_WAIT_SECONDS: Final = 1.0
RETRY_MS: Final = 2000
"""How long a browser waits before it connects again."""
FULL_RETRY_SECONDS: Final = 5.0
LINE_END: Final = "\n"
_EVENT_ID: Final = re.compile(r"[0-9]{1,9}", re.ASCII)

CUSTOMER_FULL: Final = "This customer follows too many runs at once"
PROCESS_FULL: Final = "Too many event streams are open"

_log = get_logger(__name__)


class TooManyStreams(RateLimited):
    """This customer, or this process, has as many event streams open as it may."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            hint="Close an event stream, or poll GET /ads/runs/{id}.",
            retry_after_seconds=FULL_RETRY_SECONDS,
        )


class UnknownEvent(ValidationFailed):
    """What a client says it has seen is no event of this run."""

    def __init__(self) -> None:
        super().__init__(
            "Last-Event-ID must be the id of an event of this run",
            hint="Leave it out to get the whole timeline.",
        )


class Places:
    """The bounded number of streams that a process keeps open."""

    def __init__(self, *, in_all: int, per_customer: int) -> None:
        self._in_all = in_all
        self._per_customer = per_customer
        self._taken: Counter[UUID] = Counter()

    @contextmanager
    def take(self, customer_id: UUID) -> Iterator[None]:
        """Hold one place.

        Raises:
            TooManyStreams: none is free, for this customer or at all.
        """
        if self._taken[customer_id] >= self._per_customer:
            raise TooManyStreams(CUSTOMER_FULL)
        if self._taken.total() >= self._in_all:
            raise TooManyStreams(PROCESS_FULL)
        self._taken[customer_id] += 1
        try:
            yield
        finally:
            self._taken[customer_id] -= 1
            self._taken += Counter()  # drops whose count is zero


def last_version(event_id: str | None) -> int:
    """The version after which a client wants the timeline; 0 for the whole.

    Raises:
        UnknownEvent: not an id that we give.
    """
    if event_id is None:
        return 0
    if not _EVENT_ID.fullmatch(event_id):
        raise UnknownEvent
    return int(event_id)


def sendable(news: Sequence[News], *, after: int) -> tuple[list[RunStep], float | None]:
    """What may be sent now, and in how many seconds what is held back may.

    Nothing is sent past a gap until the entry behind it has waited for `GAP_SECONDS`. That is counted from
    its arrival, so it does not matter when and where a client connects.
    """
    ready: list[RunStep] = []
    for entry in news:
        if entry.step.version > after + 1 and entry.age_seconds < GAP_SECONDS:
            return ready, GAP_SECONDS - entry.age_seconds
        ready.append(entry.step)
        after = entry.step.version
    return ready, None


class RunStream:
    """One client that follows one run; ended by the run, the session, or `stopping`."""

    def __init__(
        self,
        *,
        pool: Pool,
        doorbell: Doorbell,
        is_allowed: Callable[[], Awaitable[bool]],
        customer_id: UUID,
        run_id: UUID,
        after: int,
        heartbeat_seconds: float,
    ) -> None:
        self._pool = pool
        self._doorbell = doorbell
        self._is_allowed = is_allowed
        self._customer_id = customer_id
        self._run_id = run_id
        self._after = after
        self._heartbeat_seconds = heartbeat_seconds
        self._beat_at = time.monotonic() + heartbeat_seconds
        self.stopping = anyio.Event()
        """Set by whoever wants the stream to end, because the process does."""

    async def check(self) -> None:
        """Refuse what cannot be followed, before anything is sent.

        Raises:
            UnknownRun: not a run of this customer.
            UnknownEvent: the client has seen an event that this run does not have.
        """
        if self._after > (await self._read()).newest:
            raise UnknownEvent

    async def events(self) -> AsyncGenerator[ServerSentEvent]:
        """What the client gets: news as it comes, and heartbeats, until it is over."""
        with self._doorbell.bell(self._run_id) as bell:
            stop = asyncio.create_task(self._ring_when_stopping(bell))
            try:
                yield ServerSentEvent(retry=RETRY_MS, sep=LINE_END)
                async with aclosing(self._follow(bell)) as events:
                    async for event in events:
                        yield event
            finally:
                _ = stop.cancel()

    async def _follow(self, bell: asyncio.Event) -> AsyncGenerator[ServerSentEvent]:
        while not self.stopping.is_set():
            bell.clear()
            held_seconds: float | None = None
            if found := await self._read_if_possible():
                ready, held_seconds = sendable(found.news, after=self._after)
                for step in ready:
                    self._after = step.version
                    yield _step_event(step)
                if held_seconds is None and not found.run.is_open:
                    yield _end_event(found.run)
                    return
            if time.monotonic() >= self._beat_at:
                if not await self._may_go_on():
                    return
                self._beat_at = time.monotonic() + self._heartbeat_seconds
                yield ServerSentEvent(comment="heartbeat", sep=LINE_END)
            await self._wait(bell, held_seconds)

    async def _wait(self, bell: asyncio.Event, held_seconds: float | None) -> None:
        until_beat = self._beat_at - time.monotonic()
        until_look = POLL_SECONDS if held_seconds is None else max(held_seconds, SHORTEST_WAIT_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, min(until_beat, until_look, POLL_SECONDS))):
                await bell.wait()

    async def _read(self) -> Progress:
        async with transaction(self._pool, customer=self._customer_id) as conn:
            found = await read_progress(conn, self._customer_id, self._run_id, after=self._after)
        if found is None:
            raise UnknownRun
        return found

    async def _read_if_possible(self) -> Progress | None:
        # The stream outlives a restart of Postgres: the client would only have to come back.
        try:
            return await self._read()
        except Unavailable as exc:
            _log.warning("event_stream_delayed", run_id=str(self._run_id), reason=exc.message)
            return None

    async def _may_go_on(self) -> bool:
        try:
            return await self._is_allowed()
        except Unavailable:
            return True  # nothing can be read, so nothing is told; asked again at the next heartbeat

    async def _ring_when_stopping(self, bell: asyncio.Event) -> None:
        await self.stopping.wait()
        bell.set()


def _step_event(step: RunStep) -> ServerSentEvent:
    view = step_view(step)
    return ServerSentEvent(data=view.to_json(), event="step", id=str(step.version), sep=LINE_END)


def _end_event(run: AdRun) -> ServerSentEvent:
    # No id: a client that loses it on the way asks again from the last entry, and gets it.
    return ServerSentEvent(data=run_view(run).to_json(), event="end", sep=LINE_END)

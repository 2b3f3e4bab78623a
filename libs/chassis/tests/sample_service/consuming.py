"""Consumers that run beside a test, and what they have seen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from redis.asyncio import Redis

from chassis.outbox import STREAM_FIELD
from chassis.streams import Consumers
from contracts.events import AdsCommand, AdsSync
from sample_service.events import GROUP, STREAM, new_event

RECLAIM_IDLE_MS = 150
"""Handlers of these tests take microseconds, so a dead consumer may be given up on much sooner."""


Handler = Callable[[AdsCommand], Awaitable[None]]


class Recorder:
    """A handler that remembers what it saw, and fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.seen: list[UUID] = []
        self._failures = list(failures)

    async def __call__(self, event: AdsCommand) -> None:
        self.seen.append(event.id)
        if self._failures:
            raise self._failures.pop()

    def has(self, events: list[AdsSync]) -> bool:
        return {event.id for event in events} <= set(self.seen)


class Held(Recorder):
    """One that finishes nothing before it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.release = asyncio.Event()

    async def __call__(self, event: AdsCommand) -> None:
        await super().__call__(event)
        await self.release.wait()


@asynccontextmanager
async def consuming(
    redis_url: str,
    redis: Redis,
    *handlers: Handler,
    group: str = GROUP,
    reclaim_idle_ms: int = RECLAIM_IDLE_MS,
) -> AsyncIterator[Consumers]:
    """Consumers that run beside the test, one handler for one stream each."""
    consumers = Consumers(redis_url=redis_url, redis=redis, group=group, reclaim_idle_ms=reclaim_idle_ms)
    for number, handler in enumerate(handlers):
        consumers.subscribe(STREAM if number == 0 else f"{STREAM}.{number}", AdsCommand, handler)
    task = asyncio.create_task(consumers.run())
    try:
        yield consumers
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def send(redis: Redis, count: int = 1, stream: str = STREAM) -> list[AdsSync]:
    """Send so many new events."""
    events = [new_event() for _ in range(count)]
    for event in events:
        await redis.xadd(stream, {STREAM_FIELD: event.to_json()})
    return events


def nothing_pending(redis: Redis) -> Callable[[], Awaitable[bool]]:
    """Whether all is acknowledged, to be waited for."""

    async def check() -> bool:
        return bool((await redis.xpending(STREAM, GROUP))["pending"] == 0)

    return check


async def pending_is(redis: Redis, count: int) -> bool:
    """Whether so many entries were given out and not acknowledged."""
    return bool((await redis.xpending(STREAM, GROUP))["pending"] == count)

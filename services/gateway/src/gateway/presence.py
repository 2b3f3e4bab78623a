"""Which publisher is running, and in what mode: each tells so every few seconds in a Redis hash."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chassis.telemetry import get_logger
from contracts.redis_acl import PRESENCE_KEY
from contracts.wire import UtcTime, WireModel

FRESH_SECONDS: Final = 20.0
"""Publishers report every 5 s; one that has not for this long is not counted."""
REFRESH_SECONDS: Final = 1.5
READ_SECONDS: Final = 1.0

_log = get_logger(__name__)


class PublisherReport(WireModel):
    """What one publisher says about itself. `graph_warning` is about the age of the Graph version."""

    mode: Literal["real", "sim", "disabled"]
    version: str
    graph_version: str | None = None
    graph_warning: str | None = None
    instance: str
    at: UtcTime


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """`last` is the newest report ever read, also when it is too old to count."""

    seen: bool
    last: PublisherReport | None
    silent_seconds: float | None

    @property
    def hint(self) -> str | None:
        if self.seen:
            return self.last.graph_warning if self.last else None
        silence = "yet" if self.silent_seconds is None else f"for {self.silent_seconds:.0f} s"
        return f"No publisher has been seen {silence}. Runs wait in the queue until one is back."


class PresenceReader:
    """Keeps the newest report in memory, so that no request ever waits for Redis."""

    def __init__(self, *, redis: Redis) -> None:
        self._redis = redis
        self._last: PublisherReport | None = None

    def current(self, now: datetime | None = None) -> Presence:
        """What is known now; at most `REFRESH_SECONDS` old while Redis answers."""
        if self._last is None:
            return Presence(seen=False, last=None, silent_seconds=None)
        silent = ((now or datetime.now(UTC)) - self._last.at).total_seconds()
        return Presence(seen=silent <= FRESH_SECONDS, last=self._last, silent_seconds=max(silent, 0.0))

    async def refresh(self) -> None:
        """Read the reports once; without an answer the last known stays."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                entries: dict[Any, Any] = await self._redis.hgetall(PRESENCE_KEY)
        except (RedisError, OSError, TimeoutError) as exc:
            _log.debug("presence_unreadable", error=type(exc).__name__)
            return
        reports = [report for raw in entries.values() if (report := _read(raw))]
        newest = max(reports, key=lambda report: report.at, default=None)
        # Publishers clear away each other's old entries: what is gone was still seen.
        if newest and (self._last is None or newest.at >= self._last.at):
            self._last = newest


def _read(raw: bytes | str) -> PublisherReport | None:
    try:
        return PublisherReport.model_validate(json.loads(raw))
    except (ValueError, ValidationError) as exc:
        _log.warning("presence_entry_unreadable", error=type(exc).__name__)
        return None

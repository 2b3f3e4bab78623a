"""Tells the gateway which mode the running publisher is in; the gateway's own environment says nothing."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError

from ads_publisher.settings import Settings
from ads_publisher.versions import version_warning
from chassis.telemetry import get_logger
from contracts.redis_acl import PRESENCE_KEY
from contracts.wire import iso_utc

EVERY_SECONDS: Final = 5.0
STALE: Final = timedelta(seconds=60)

_log = get_logger(__name__)


@dataclass(kw_only=True)
class Presence:
    """The heartbeat of one process."""

    redis: Redis
    settings: Settings
    instance: str

    async def beat(self) -> None:
        """Write this process' entry and remove those of processes that have long gone."""
        now = datetime.now(UTC)
        entry = {
            "mode": self.settings.mode,
            "version": version("project-auto-ads-publisher"),
            "graphVersion": self.settings.meta_graph_version,
            "graphWarning": version_warning(self.settings.meta_graph_version, now.date()),
            "instance": self.instance,
            "at": iso_utc(now),
        }
        try:
            await self.redis.hset(PRESENCE_KEY, self.instance, json.dumps(entry))
            for name, raw in (await self.redis.hgetall(PRESENCE_KEY)).items():
                if datetime.fromisoformat(json.loads(raw)["at"]) < now - STALE:
                    await self.redis.hdel(PRESENCE_KEY, name)
        except RedisError as exc:
            _log.warning("presence_delayed", error=type(exc).__name__)

    async def leave(self) -> None:
        """Say goodbye, so that nobody waits for this process."""
        try:
            await self.redis.hdel(PRESENCE_KEY, self.instance)
        except RedisError as exc:
            _log.warning("presence_delayed", error=type(exc).__name__)

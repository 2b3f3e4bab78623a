"""`/health` for scripts, with exactly three keys; `/health/ready` and `/health/live` for orchestrators."""

import asyncio
import time
from typing import Final

from fastapi import APIRouter, Request, Response
from redis.exceptions import RedisError

from chassis.database import across_customers, is_alive
from chassis.errors import Unavailable
from chassis.outbox import RelayLag, relay_lag
from chassis.server import is_stopping
from contracts.wire import UtcTime, WireModel
from gateway.bodies.wire import example
from gateway.context import Context, ContextDep
from gateway.openapi import operation_id
from gateway.store.housekeeping import schema_revision

PING_SECONDS: Final = 1.0
CONSUMERS_SILENT_SECONDS: Final = 10.0
"""The consumers' guard looks at its subscribers every second."""
LAG_SECONDS: Final = 30.0
"""An event that waits longer than this means that the relay is not keeping up, or Redis is away."""

router = APIRouter(tags=["health"], generate_unique_id_function=operation_id)


class Health(WireModel):
    ok: bool
    db: bool
    redis: bool

    model_config = example({"ok": True, "db": True, "redis": True})


class Live(WireModel):
    ok: bool

    model_config = example({"ok": True})


class Migrations(WireModel):
    current: str | None
    head: str


class RelayState(WireModel):
    """`active` is false on all gateways but one; `unsent` counts events that wait for Redis."""

    active: bool
    unsent: int | None
    oldest_unsent_seconds: float | None


class PublisherState(WireModel):
    seen: bool
    last_seen_at: UtcTime | None


class Ready(WireModel):
    """`ready` means that requests can be served. What `problems` lists may still hold up runs."""

    ready: bool
    problems: list[str]
    db: bool
    redis: bool
    migrations: Migrations
    relay: RelayState
    consumers_healthy: bool
    publisher: PublisherState

    model_config = example(
        {
            "ready": True,
            "problems": [],
            "db": True,
            "redis": True,
            "migrations": {"current": "0001", "head": "0001"},
            "relay": {"active": True, "unsent": 0, "oldestUnsentSeconds": None},
            "consumersHealthy": True,
            "publisher": {"seen": True, "lastSeenAt": "2026-01-31T12:00:00.000Z"},
        }
    )


@router.head("/health", include_in_schema=False)
@router.get("/health", responses={503: {"model": Health}})
async def health(context: ContextDep, response: Response) -> Health:
    db, redis = await asyncio.gather(is_alive(context.pool), _redis_answers(context))
    if not (db and redis):
        response.status_code = 503
    return Health(ok=db and redis, db=db, redis=redis)


@router.get("/health/live")
async def live() -> Live:
    """200 while this process can answer at all; it looks at nothing else. For whoever restarts processes."""
    return Live(ok=True)


@router.get("/health/ready", responses={503: {"model": Ready}})
async def ready(request: Request, context: ContextDep, response: Response) -> Ready:
    """503 when requests cannot be served: no database, or one without the migrations that this code needs.

    Without Redis or a publisher the gateway still accepts work, so these are problems, not unreadiness.
    """
    db, redis = await asyncio.gather(is_alive(context.pool), _redis_answers(context))
    revision, lag = await _from_database(context) if db else (None, None)
    stopping = is_stopping(request.app)
    behind = context.schema.is_behind(revision)
    is_ready = db and not behind and not stopping
    healthy_at = context.consumers.healthy_at
    consumers = healthy_at is not None and time.monotonic() - healthy_at < CONSUMERS_SILENT_SECONDS
    presence = context.presence.current()
    if not is_ready:
        response.status_code = 503
    problems = {
        "The database does not answer": not db,
        f"The schema is {revision}, this code is for {context.schema.head}: run migrate": db and behind,
        f"The schema is {revision}, newer than this code, which is for {context.schema.head}": db
        and not behind
        and revision != context.schema.head,
        "This process is stopping": stopping,
        "Redis does not answer": not redis,
        "The consumers of results are not running": not consumers,
        f"Events have waited for more than {LAG_SECONDS:.0f} s": _lags(lag),
        presence.hint or "": not presence.seen,
    }
    return Ready(
        ready=is_ready,
        problems=[text for text, is_so in problems.items() if is_so],
        db=db,
        redis=redis,
        migrations=Migrations(current=revision, head=context.schema.head),
        relay=RelayState(
            active=context.relay.active,
            unsent=lag.unsent if lag else None,
            oldest_unsent_seconds=lag.oldest_seconds if lag else None,
        ),
        consumers_healthy=consumers,
        publisher=PublisherState(
            seen=presence.seen, last_seen_at=presence.last.at if presence.last else None
        ),
    )


def _lags(lag: RelayLag | None) -> bool:
    return lag is not None and lag.oldest_seconds is not None and lag.oldest_seconds > LAG_SECONDS


async def _from_database(context: Context) -> tuple[str | None, RelayLag | None]:
    try:
        async with across_customers(context.pool) as conn:
            return await schema_revision(conn), await relay_lag(conn)
    except Unavailable:
        return None, None


async def _redis_answers(context: Context) -> bool:
    try:
        async with asyncio.timeout(PING_SECONDS):
            _ = await context.redis.ping()
    except (RedisError, OSError, TimeoutError):
        return False
    return True

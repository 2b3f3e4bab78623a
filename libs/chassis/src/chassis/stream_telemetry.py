"""What is told about streams: a span for each delivery, and how far a group is behind."""

import time
from collections.abc import Awaitable, Callable
from functools import wraps
from hashlib import sha256
from typing import Final

from opentelemetry.trace import SpanKind
from redis.asyncio import Redis

from chassis.telemetry import span, with_span_id
from contracts.events import Envelope

Handler = Callable[..., Awaitable[None]]

STREAM_GAUGES: Final = {
    "autoads.stream.lag": ("{entry}", "Entries that the group has not been given yet"),
    "autoads.stream.pending": ("{entry}", "Entries that were given out and not acknowledged"),
    "autoads.stream.oldest_pending": ("s", "Age of the oldest of them"),
    "autoads.dead_letters": ("{entry}", "Entries that nobody could read, now in the dead stream"),
}


async def stream_state(redis: Redis, stream: str, group: str) -> dict[str, float | None]:
    states = {state["name"]: state for state in await redis.xinfo_groups(stream)}
    state = states.get(group.encode())
    if state is None:
        return {}
    oldest = 0.0
    if state["pending"]:
        # An entry's id begins with the time at which it was added, in ms of the server's clock.
        pending = await redis.xpending(stream, group)
        if pending["pending"]:
            oldest = max(0.0, time.time() - entry_id(pending["min"])[0] / 1000)
    # The lag is unknown to Redis after entries were deleted between those read and those not.
    return {
        "autoads.stream.lag": state.get("lag"),
        "autoads.stream.pending": state["pending"],
        "autoads.stream.oldest_pending": oldest,
    }


def traced(stream: str, group: str, handler: Handler, *, again: bool) -> Handler:
    """Let a handler run in a span below the one that sent its entry.

    The first delivery's span has an id that follows from the entry, so that a later delivery can link to it.
    """

    @wraps(handler)
    async def handle(event: Envelope) -> None:
        digest = sha256(f"{group} {event.id} {event.traceparent}".encode()).digest()
        first_id = int.from_bytes(digest[:8], "big") or 1
        links = (with_span_id(event.traceparent, first_id),) if again and event.traceparent else ()
        with span(
            f"process {stream}",
            kind=SpanKind.CONSUMER,
            traceparent=event.traceparent,
            span_id=None if again else first_id,
            links=links,
            attributes={
                "messaging.system": "redis",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.destination.name": stream,
                "messaging.consumer.group.name": group,
                "messaging.message.id": str(event.id),
                "messaging.redelivered": again,
            },
        ):
            await handler(event)

    return handle


def entry_id(raw: bytes | str) -> tuple[int, int]:
    """The two numbers of an entry's id; the first is its time in ms, by the server's clock."""
    milliseconds, sequence = (raw.decode() if isinstance(raw, bytes) else raw).split("-")
    return int(milliseconds), int(sequence)

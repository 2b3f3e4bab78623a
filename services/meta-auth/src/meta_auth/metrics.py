"""What meta-auth counts and measures; docs/observability.md has the list."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx2
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from chassis.database import Pool, across_customers
from chassis.metrics import FAST_SECONDS, Gauges, Reading, begin_at_zero, meter
from chassis.outbox import RELAY_GAUGES, Relay
from chassis.telemetry import annotate, mark_failed, span
from meta_auth.graph_errors import MetaRefused
from meta_auth.token_ends import EXPIRING_DAYS, count_token_ends

_meta_seconds = meter.create_histogram(
    "autoads.meta.call",
    unit="s",
    description="Time of one call to Meta",
    explicit_bucket_boundaries_advisory=FAST_SECONDS,
)
broken = meter.create_counter(
    "autoads.connections.broken", unit="{connection}", description="Connections that turned to error"
)
_OWN: Final = {
    "autoads.tokens.expiring": ("{connection}", "Connections whose token runs out within so many days"),
    "autoads.tokens.expired": ("{connection}", "Connections whose token has run out"),
}
_NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@contextmanager
def meta_call(call: str, method: str, path: str, *, host: str) -> Iterator[None]:
    """Make one call to Meta in this block, and tell how it went."""
    started = time.perf_counter()
    outcome = "unknown"
    with span(
        f"{method} {path}",
        kind=SpanKind.CLIENT,
        attributes={"http.request.method": method, "url.template": path, "server.address": host},
    ) as current:
        try:
            yield
            outcome = "ok"
        except MetaRefused as exc:
            outcome = "refused"
            annotate(meta_code=exc.meta_code, meta_subcode=exc.subcode, meta_fbtrace_id=exc.trace_id)
            mark_failed(current, f"meta_{exc.meta_code}")
            raise
        except _NOT_SENT:
            outcome = "not_sent"
            raise
        finally:
            annotate(meta_outcome=outcome)
            _meta_seconds.record(time.perf_counter() - started, {"call": call, "outcome": outcome})


def annotate_status(response: httpx2.Response) -> None:
    """Note on the current span what was answered."""
    trace.get_current_span().set_attribute("http.response.status_code", response.status_code)


def build_gauges(*, pool: Pool, relay: Relay) -> Gauges:
    """The gauges of one meta-auth process, and its counter that shows before it counts."""
    begin_at_zero(broken)

    async def measure_relay() -> dict[str, list[Reading]]:
        return await relay.measure(pool)

    async def measure_tokens() -> dict[str, list[Reading]]:
        async with across_customers(pool) as acquired:
            expired, expiring = await count_token_ends(acquired)
        return {
            "autoads.tokens.expired": [(expired, {})],
            "autoads.tokens.expiring": [
                (count, {"within_days": str(days)})
                for days, count in zip(EXPIRING_DAYS, expiring, strict=True)
            ],
        }

    return Gauges(described={**RELAY_GAUGES, **_OWN}, sources=(measure_relay, measure_tokens))

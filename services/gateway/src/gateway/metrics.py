"""What the gateway counts and measures; docs/observability.md has the list."""

from typing import Final

from chassis.database import Pool, across_customers
from chassis.metrics import Gauges, Reading, begin_at_zero, meter
from chassis.outbox import RELAY_GAUGES, Relay
from chassis.stream_telemetry import STREAM_GAUGES
from chassis.streams import Consumers
from gateway.presence import PresenceReader
from gateway.store.housekeeping import open_runs

JOB_TYPES: Final = ("publish", "sync")
REASONS: Final = ("open_run", "idempotency_key")

accepted = meter.create_counter(
    "autoads.runs.accepted", unit="{run}", description="Runs that were accepted and did not exist before"
)
deduped = meter.create_counter(
    "autoads.runs.deduped", unit="{request}", description="Requests answered with a run that existed"
)
rung_again = meter.create_counter(
    "autoads.runs.rung_again", unit="{run}", description="Runs without news, sent to the publisher again"
)
_OWN: Final = {
    "autoads.runs.open": ("{run}", "Runs without an end"),
    "autoads.runs.oldest_open": ("s", "Age of the oldest of them"),
    "autoads.publisher.seen": ("{publisher}", "1 when a publisher has reported lately"),
}


def build_gauges(*, pool: Pool, relay: Relay, consumers: Consumers, presence: PresenceReader) -> Gauges:
    """The gauges, and counters that show before they count."""
    begin_at_zero(accepted, *({"job_type": job_type} for job_type in JOB_TYPES))
    begin_at_zero(
        deduped, *({"job_type": job_type, "reason": reason} for job_type in JOB_TYPES for reason in REASONS)
    )
    begin_at_zero(rung_again)
    consumers.begin_at_zero()

    async def measure_relay() -> dict[str, list[Reading]]:
        return await relay.measure(pool)

    async def measure_runs() -> dict[str, list[Reading]]:
        async with across_customers(pool) as acquired:
            state = await open_runs(acquired)
        return {
            "autoads.runs.open": [(state.count, {})],
            "autoads.runs.oldest_open": [(state.oldest_seconds, {})],
        }

    async def measure_presence() -> dict[str, list[Reading]]:
        return {"autoads.publisher.seen": [(int(presence.current().seen), {})]}

    return Gauges(
        described={**RELAY_GAUGES, **STREAM_GAUGES, **_OWN},
        sources=(measure_presence, measure_relay, measure_runs, consumers.measure),
    )

"""What the publisher measures from time to time; docs/observability.md has the list."""

from typing import Final, get_args

from ads_publisher import count_store
from ads_publisher.executor import Executor
from ads_publisher.store import DeadReason
from chassis.database import Pool, across_customers
from chassis.metrics import Gauges, Reading
from chassis.outbox import RELAY_GAUGES, Relay
from chassis.stream_telemetry import STREAM_GAUGES
from chassis.streams import Consumers

_OWN: Final = {
    "autoads.jobs.due": ("{job}", "Jobs whose time has come and that nobody works on"),
    "autoads.jobs.oldest_due": ("s", "For how long the longest waiting of them has been due"),
    "autoads.jobs.dead": ("{job}", "Runs that were given up and wait for an operator"),
    "autoads.executor.tasks": ("{run}", "Runs that this process may work on at once"),
    "autoads.executor.busy": ("{run}", "Runs that this process works on now"),
}


def build_gauges(*, pool: Pool, relay: Relay, consumers: Consumers, executor: Executor) -> Gauges:
    """The gauges of one publisher process."""

    async def measure_executor() -> dict[str, list[Reading]]:
        return {
            "autoads.executor.tasks": [(executor.tasks, {})],
            "autoads.executor.busy": [(executor.held, {})],
        }

    async def measure_relay() -> dict[str, list[Reading]]:
        return await relay.measure(pool)

    async def measure_jobs() -> dict[str, list[Reading]]:
        async with across_customers(pool) as acquired:
            due, oldest_seconds = await count_store.count_due_jobs(acquired)
            dead = await count_store.count_dead_jobs(acquired)
        return {
            "autoads.jobs.due": [(due, {})],
            "autoads.jobs.oldest_due": [(oldest_seconds, {})],
            "autoads.jobs.dead": [
                (dead.get(reason, 0), {"reason": reason}) for reason in get_args(DeadReason)
            ],
        }

    return Gauges(
        described={**RELAY_GAUGES, **STREAM_GAUGES, **_OWN},
        sources=(measure_executor, measure_relay, measure_jobs, consumers.measure),
    )

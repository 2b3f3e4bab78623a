"""Streams only: read an event, call one use case. An error leaves the entry to be delivered again."""

from redis.asyncio import Redis

from chassis.database import Pool
from chassis.streams import Consumers
from contracts.events import CONNECTIONS_STREAM, RESULTS_STREAM, ConnectionChanged, OperatorActed, ResultEvent
from gateway.connections import record_connection
from gateway.results import Results, record_operator

GROUP = "gateway"


def build_consumers(*, redis_url: str, redis: Redis, pool: Pool, results: Results) -> Consumers:
    """What the gateway reads: results of runs, and changes of Meta connections."""
    consumers = Consumers(redis_url=redis_url, redis=redis, group=GROUP)

    async def on_result(event: ResultEvent) -> None:
        if isinstance(event, OperatorActed):
            await record_operator(pool, event)
        else:
            await results.record(event)

    async def on_connection(event: ConnectionChanged) -> None:
        await record_connection(pool, event)

    consumers.subscribe(RESULTS_STREAM, ResultEvent, on_result)
    consumers.subscribe(CONNECTIONS_STREAM, ConnectionChanged, on_connection)
    return consumers

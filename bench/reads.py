"""`GET /ads/status` and `GET /ads/runs` beside a bare select, with few runs in the table and with many."""

import asyncio
from typing import Final

from load import request_bytes, send_all
from systems import Bench, Press

CONNECTIONS: Final = 8
FEW: Final = 100
OWN: Final = 1000
"""Runs of the customer who asks, when there are many; all of them when there are few."""
SETTLE_SECONDS: Final = 2.0

FILL: Final = """
INSERT INTO gateway.ad_runs (id, customer_id, job_id, job_type, trigger, status, mode, ad_account_id,
                             campaign_id, adset_id, step, last_version, ring_at, created_at, started_at,
                             finished_at)
SELECT gen_random_uuid(), CASE WHEN n % $3 = 0 THEN $1 ELSE others.ids[1 + n % cardinality(others.ids)] END,
       gen_random_uuid(), 'publish', 'manual', 'success', 'real', 'act_1', 'c' || n, 'a' || n, 'adset', 7,
       at, at, at, at
FROM generate_series(1, $2::int) AS n, LATERAL (SELECT now() - n * interval '1 second' AS at) AS moment,
     (SELECT array_agg(id) AS ids FROM gateway.customers WHERE id <> $1) AS others
"""


async def fill(bench: Bench, asking: Press, runs: int) -> None:
    """So many ended runs and no others, over all customers there are."""
    every = max(1, runs // OWN)
    await bench.connection.execute("TRUNCATE gateway.ad_runs CASCADE")
    await bench.connection.execute(FILL, asking.customer_id, runs, every, timeout=600)
    await bench.connection.execute("VACUUM (ANALYZE) gateway.ad_runs", timeout=600)
    await bench.connection.execute("CHECKPOINT", timeout=600)
    await asyncio.sleep(SETTLE_SECONDS)


async def one_reading(bench: Bench, asking: Press, *, requests: int) -> dict[str, dict[str, float]]:
    """Ask for each page so often; by system."""
    ours = bench.systems[0].door
    status = await _page(ours, request_bytes("GET", "/ads/status", asking.headers), requests)
    runs = await _page(ours, request_bytes("GET", "/ads/runs", asking.headers), requests)
    bare = await _page(bench.bare.door, request_bytes("GET", f"/status/{asking.customer_id}"), requests)
    return {
        "ours": {f"status_{name}": value for name, value in status.items()}
        | {f"runs_{name}": value for name, value in runs.items()},
        "bare": {f"status_{name}": value for name, value in bare.items()},
    }


async def _page(door: str, request: bytes, requests: int) -> dict[str, float]:
    await send_all(
        door, [request] * CONNECTIONS * 5, connections=CONNECTIONS
    )  # every connection has its plans
    load = await send_all(door, [request] * requests, connections=CONNECTIONS)
    return {"per_second": load.per_second, "p50_ms": load.centile_ms(50), "p99_ms": load.centile_ms(99)}

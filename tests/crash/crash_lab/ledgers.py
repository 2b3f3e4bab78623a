"""Reads the two ledgers that are not ours to write in a test: the database and the sandbox's."""

from typing import Any

import asyncpg
import httpx

from crash_lab.checker import Books, Change, Journaled, MetaObject, RunRow, Told

MARKER_PREFIX = "pa-run-"

_RUNS = """
SELECT r.id::text AS run_id, r.customer_id::text AS customer_id, r.status, r.campaign_id, r.adset_id,
       j.status AS job_status
FROM gateway.ad_runs AS r LEFT JOIN ads_publisher.publish_jobs AS j ON j.run_id = r.id
"""
_JOURNAL = """
SELECT run_id::text AS run_id, step, object_id FROM ads_publisher.publish_attempts
WHERE outcome IN ('created', 'adopted')
"""


async def read_books(told: list[Told], *, database_url: str, sandbox_url: str) -> Books:
    """The books of everything so far, as the superuser and the sandbox's pages show them."""
    connection = await asyncpg.connect(database_url)
    try:
        runs = [RunRow(**dict(row)) for row in await connection.fetch(_RUNS)]
        journal = [Journaled(**dict(row)) for row in await connection.fetch(_JOURNAL)]
    finally:
        await connection.close()
    async with httpx.AsyncClient(base_url=sandbox_url, trust_env=False, timeout=30) as http:
        objects = (await http.get("/_sandbox/objects")).json()["data"]
        entries = [
            entry
            for event in ("created", "updated", "deleted")
            for entry in (await http.get("/_sandbox/ledger", params={"kind": event})).json()["data"]
        ]
    return Books(
        told=told,
        runs=runs,
        journal=journal,
        objects=[_object(row) for row in objects],
        changes=[_change(entry) for entry in sorted(entries, key=lambda entry: entry["seq"])],
    )


def _object(row: dict[str, Any]) -> MetaObject:
    return MetaObject(
        object_id=row["id"],
        step=row["kind"],
        account=f"act_{row['account_id']}",
        parent_id=row["parent_id"],
        run_id=_run_of(row["marker"]),
    )


def _change(entry: dict[str, Any]) -> Change:
    return Change(
        event=entry["event"],
        object_id=entry["id"],
        step=entry["kind"],
        run_id=_run_of(entry["marker"]),
        status=entry["status"],
    )


def _run_of(marker: str | None) -> str | None:
    return marker.removeprefix(MARKER_PREFIX) if marker else None

"""What the event stream of a run reads: the news after a version, and how the run stands at that instant."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from chassis.database import Connection
from gateway.store.news import NEWS_CHANNEL
from gateway.store.rows import columns, read
from gateway.store.runs import AdRun, RunStep


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """An entry of the timeline, and for how long it has been here."""

    step: RunStep
    age_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """`newest` is the highest version that has come, 0 before the first."""

    run: AdRun
    newest: int
    news: list[News]


_PROGRESS: Final = f"""
SELECT {columns(AdRun, "r")}, {columns(RunStep, "s")},
    extract(epoch FROM clock_timestamp() - s.recorded_at)::float8 AS age_seconds,
    coalesce((SELECT max(version) FROM ad_run_steps WHERE run_id = r.id), 0) AS newest
FROM ad_runs AS r LEFT JOIN ad_run_steps AS s ON s.run_id = r.id AND s.version > $3
WHERE r.id = $1 AND r.customer_id = $2 ORDER BY s.version
"""
"""One statement, so one instant: who sees the end must see the last step too. Both primary keys carry it."""


async def read_progress(
    connection: Connection, customer_id: UUID, run_id: UUID, *, after: int
) -> Progress | None:
    rows = await connection.fetch(_PROGRESS, run_id, customer_id, after)
    if not rows:
        return None
    return Progress(
        run=read(AdRun, rows[0], "r"),
        newest=rows[0]["newest"],
        news=[
            News(step=read(RunStep, row, "s"), age_seconds=row["age_seconds"])
            for row in rows
            if row["s_version"]
        ],
    )


async def news_channel(connection: Connection) -> str:
    """Where `gateway.store.news.write` tells of it, with the schema: the whole database shares channels."""
    channel: str = await connection.fetchval("SELECT $1 || '_' || current_schema()", NEWS_CHANNEL)
    return channel

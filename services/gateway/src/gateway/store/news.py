"""News of runs, taken in and written by one statement each: it is what a gateway does most."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from chassis.database import Connection, notify_at_commit, text_for
from gateway.store.ads import AdObjects
from gateway.store.rows import columns, read
from gateway.store.runs import AdRun, RunStep

NEWS_CHANNEL: Final = "ad_run_news"
"""Where a run's id is notified when its timeline grows; the schema's name follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectsState:
    """What the objects row says from now on."""

    ad_account_id: str | None = None
    catalog_id: str | None = None
    campaign_id: str | None = None
    adset_id: str | None = None
    ad_id: str | None = None
    status: str = "draft"
    last_publish_step: str | None = None
    last_publish_error: str | None = None
    last_synced_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """One piece of news by its ids."""

    event_id: UUID
    run_id: UUID
    customer_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenIn:
    """Which events are new, and what they are about as it is now, locked. A foreign run is not in it."""

    new: frozenset[UUID]
    runs: dict[UUID, AdRun]
    objects: dict[UUID, AdObjects]
    """By customer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditNote:
    """An entry for the audit log, as `gateway.store.audit` describes it."""

    customer_id: UUID
    action: str
    result: str = "ok"
    detail: dict[str, Any]


@dataclass(kw_only=True, slots=True)
class Changes:
    """All that some news changes."""

    runs: dict[UUID, AdRun] = field(default_factory=dict)
    """Those that the news is about, as they are from now on."""
    changed: set[UUID] = field(default_factory=set)
    """Those of them that are not what they were."""
    ended: dict[UUID, AdRun] = field(default_factory=dict)
    """By the event that ended it."""
    objects: dict[UUID, ObjectsState] = field(default_factory=dict)
    """By customer."""
    steps: list[tuple[UUID, RunStep]] = field(default_factory=list)
    """By run."""
    notes: list[AuditNote] = field(default_factory=list)


_STATE: Final = [each.name for each in fields(ObjectsState)]
_STEP: Final = [each.name for each in fields(RunStep)]
_TAKE_IN: Final = f"""
WITH new AS (
    INSERT INTO inbox (event_id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING event_id
), told AS (
    SELECT run_id, customer_id, array_agg(new.event_id) FILTER (WHERE new.event_id IS NOT NULL) AS new_ids
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS arrived (event_id, run_id, customer_id)
    LEFT JOIN new USING (event_id)
    GROUP BY run_id, customer_id
)
SELECT told.customer_id, told.new_ids, {columns(AdRun, "r")}, {columns(AdObjects, "o")}
FROM told
LEFT JOIN ad_runs AS r ON r.id = told.run_id AND r.customer_id = told.customer_id
LEFT JOIN meta_ad_objects AS o ON o.customer_id = told.customer_id
"""
_RUN: Final = [
    "status",
    "mode",
    "ad_account_id",
    "campaign_id",
    "adset_id",
    "step",
    "hint",
    "error_code",
    "fixed_by",
    "error_message",
    "last_version",
    "started_at",
    "finished_at",
]
"""What news may change of a run."""
_WRITE: Final = f"""
WITH changed AS (
    UPDATE ad_runs SET
        ring_at = now() + make_interval(secs => $2), ring_count = 0,
        {", ".join(f"{name} = run.{name}" for name in _RUN)}
    FROM jsonb_populate_recordset(NULL::ad_runs, $1::jsonb) AS run
    WHERE ad_runs.id = run.id AND ad_runs.customer_id = run.customer_id
), stands AS (
    INSERT INTO meta_ad_objects AS o (id, customer_id, {", ".join(_STATE)})
    SELECT gen_random_uuid(), customer_id, {", ".join(_STATE)}
    FROM jsonb_populate_recordset(NULL::meta_ad_objects, $3::jsonb)
    ON CONFLICT (customer_id) DO UPDATE SET
        creative_id = NULL, updated_at = now(), {", ".join(f"{name} = excluded.{name}" for name in _STATE)}
), noted AS (
    INSERT INTO audit_log (customer_id, action, result, detail)
    SELECT * FROM unnest($12::uuid[], $13::text[], $14::text[], $15::jsonb[])
)
INSERT INTO ad_run_steps (run_id, {", ".join(_STEP)})
SELECT * FROM unnest(
    $4::uuid[], $5::int[], $6::text[], $7::text[], $8::text[], $9::text[], $10::timestamptz[], $11::jsonb[]
)
ON CONFLICT DO NOTHING
"""


def locking(arrived: Sequence[Arrived]) -> str:
    """What begins the transaction: nobody else changes these runs, or what stands at Meta, before it ends.

    A statement of its own, since the next must see what the one waited for has committed. In an order, so
    that two gateways do not wait for each other.
    """
    runs, customers = (
        ", ".join(f"'{one.hex}'" for one in {getattr(news, name) for news in arrived})
        for name in ("run_id", "customer_id")
    )
    return (
        f"SELECT FROM ad_runs WHERE id IN ({runs}) ORDER BY id FOR UPDATE;"
        f" SELECT FROM meta_ad_objects WHERE customer_id IN ({customers}) ORDER BY customer_id FOR UPDATE"
    )


async def take_in(connection: Connection, arrived: Sequence[Arrived]) -> TakenIn:
    """Record news in the inbox and read what it is about, in a transaction that began with `locking`."""
    rows = await connection.fetch(
        text_for(_TAKE_IN, (news.customer_id for news in arrived)),
        *([getattr(news, each.name) for news in arrived] for each in fields(Arrived)),
    )
    return TakenIn(
        new=frozenset(event_id for row in rows for event_id in row["new_ids"] or ()),
        runs={row["r_id"]: read(AdRun, row, "r") for row in rows if row["r_id"]},
        objects={row["customer_id"]: read(AdObjects, row, "o") for row in rows if row["o_id"]},
    )


async def write(connection: Connection, changes: Changes, *, ring_seconds: float) -> None:
    """Write what is new in the timelines, the runs that have changed, and what stands at Meta.

    News has come, so the next ring is far again. At commit every process that streams one of the runs is
    woken.
    """
    await connection.execute(
        text_for(_WRITE, (run.customer_id for run in changes.runs.values())),
        [_as_json(changes.runs[run_id], ["id", "customer_id", *_RUN]) for run_id in changes.changed],
        ring_seconds,
        [
            {"customer_id": str(who), **_as_json(told, _STATE)}
            for who, told in sorted(changes.objects.items())
        ],
        [run_id for run_id, _ in changes.steps],
        *([getattr(step, name) for _, step in changes.steps] for name in _STEP),
        *([getattr(note, each.name) for note in changes.notes] for each in fields(AuditNote)),
    )
    for run_id in dict(changes.steps):
        notify_at_commit(connection, NEWS_CHANNEL, run_id)


def _as_json(row: Any, names: Sequence[str]) -> dict[str, Any]:
    values = ((name, getattr(row, name)) for name in names)
    return {name: str(value) if isinstance(value, UUID | datetime) else value for name, value in values}

"""Ad settings, what stands at Meta, and our copy of the Meta connection."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid4

from chassis.database import Connection, affected
from gateway.store.rows import columns, read


@dataclass(frozen=True, kw_only=True, slots=True)
class AdSettings:
    id: UUID
    geo_mode: str
    geo_center_text: str | None
    geo_radius_km: int | None
    geo_regions: list[str] | None
    formats: list[str]
    cta_type: str
    budget_override: Decimal | None
    status: str
    last_synced_at: datetime | None
    last_published_at: datetime | None
    last_error: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class AdObjects:
    """`ad_account_id` is where the ids live; ids of another account do not count."""

    id: UUID
    ad_account_id: str | None
    catalog_id: str | None
    campaign_id: str | None
    adset_id: str | None
    creative_id: str | None
    ad_id: str | None
    status: str
    last_publish_step: str | None
    last_publish_error: str | None
    last_synced_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionView:
    """`ad_account_id` is the selected one."""

    version: int
    status: str
    meta_user_id: str | None
    ad_account_id: str | None
    currency: str | None
    min_daily_budget_minor: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishInputs:
    """What a publish takes along: the settings as they are now, and what is believed to be selected."""

    settings: AdSettings | None
    view: ConnectionView | None


_INPUTS: Final = f"""
SELECT {columns(AdSettings, "s")}, {columns(ConnectionView, "v")}
FROM (SELECT $1::uuid AS id) AS customer
LEFT JOIN ad_settings AS s ON s.customer_id = customer.id
LEFT JOIN meta_connections_view AS v ON v.customer_id = customer.id
"""

_SAVE_SETTINGS: Final = f"""
WITH saved AS (
    INSERT INTO ad_settings AS s (id, customer_id, geo_mode, geo_center_text, geo_radius_km, geo_regions,
                                  formats, cta_type, budget_override, status)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    ON CONFLICT (customer_id) DO UPDATE SET
        geo_mode = $3, geo_center_text = $4, geo_radius_km = $5, geo_regions = $6, formats = $7,
        cta_type = $8, budget_override = $9, status = $10, last_error = NULL, updated_at = now()
    RETURNING s.*, xmax = 0 AS is_new
)
SELECT {columns(AdSettings, "s")}, s.is_new FROM saved AS s
"""
"""A row that was just inserted has no xmax; one that was updated carries the lock of this transaction."""


async def publish_inputs(connection: Connection, customer_id: UUID) -> PublishInputs:
    row = await connection.fetchrow(_INPUTS, customer_id)
    assert row is not None  # noqa: S101 - the left side of the join is one row
    return PublishInputs(
        settings=read(AdSettings, row, "s") if row["s_id"] else None,
        view=read(ConnectionView, row, "v") if row["v_status"] else None,
    )


async def save_settings(
    connection: Connection,
    customer_id: UUID,
    *,
    geo_mode: str,
    geo_center_text: str | None,
    geo_radius_km: int | None,
    geo_regions: list[str] | None,
    formats: list[str],
    cta_type: str,
    budget_override: Decimal | None,
    status: str,
) -> tuple[AdSettings, bool]:
    """Replace the settings of a customer; True when there were none before."""
    row = await connection.fetchrow(
        _SAVE_SETTINGS,
        uuid4(),
        customer_id,
        geo_mode,
        geo_center_text,
        geo_radius_km,
        geo_regions,
        formats,
        cta_type,
        budget_override,
        status,
    )
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives the row or raises
    return read(AdSettings, row, "s"), row["is_new"]


async def settings_published(connection: Connection, customer_id: UUID, at: datetime) -> None:
    """A publish succeeded. A draft that was saved while it ran stays a draft."""
    await connection.execute(
        "UPDATE ad_settings SET last_published_at = $2, last_error = NULL,"
        " status = CASE status WHEN 'error' THEN 'ready' ELSE status END, updated_at = now()"
        " WHERE customer_id = $1",
        customer_id,
        at,
    )


async def settings_failed(
    connection: Connection, customer_id: UUID, message: str, *, status: str | None
) -> None:
    await connection.execute(
        "UPDATE ad_settings SET last_error = $2, status = coalesce($3, status), updated_at = now()"
        " WHERE customer_id = $1",
        customer_id,
        message,
        status,
    )


async def settings_synced(connection: Connection, customer_id: UUID, at: datetime) -> None:
    await connection.execute(
        "UPDATE ad_settings SET last_synced_at = $2, updated_at = now() WHERE customer_id = $1",
        customer_id,
        at,
    )


async def find_objects(connection: Connection, customer_id: UUID, *, lock: bool = False) -> AdObjects | None:
    """What stands at Meta; with `lock`, nobody else changes it before this transaction ends."""
    row = await connection.fetchrow(
        f"SELECT {columns(AdObjects, 'o')} FROM meta_ad_objects AS o WHERE o.customer_id = $1"
        f"{' FOR UPDATE' if lock else ''}",
        customer_id,
    )
    return read(AdObjects, row, "o") if row else None


async def save_objects(
    connection: Connection,
    customer_id: UUID,
    *,
    ad_account_id: str | None,
    catalog_id: str | None,
    campaign_id: str | None,
    adset_id: str | None,
    ad_id: str | None,
    status: str,
    last_publish_step: str | None,
    last_publish_error: str | None,
    last_synced_at: datetime | None,
) -> None:
    await connection.execute(
        """
        INSERT INTO meta_ad_objects (id, customer_id, ad_account_id, catalog_id, campaign_id, adset_id, ad_id,
                                     status, last_publish_step, last_publish_error, last_synced_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (customer_id) DO UPDATE SET
            ad_account_id = $3, catalog_id = $4, campaign_id = $5, adset_id = $6, ad_id = $7,
            creative_id = NULL, status = $8, last_publish_step = $9, last_publish_error = $10,
            last_synced_at = $11, updated_at = now()
        """,
        uuid4(),
        customer_id,
        ad_account_id,
        catalog_id,
        campaign_id,
        adset_id,
        ad_id,
        status,
        last_publish_step,
        last_publish_error,
        last_synced_at,
    )


async def save_connection_view(
    connection: Connection,
    customer_id: UUID,
    *,
    version: int,
    status: str,
    meta_user_id: str | None,
    ad_account_id: str | None,
    currency: str | None,
    min_daily_budget_minor: int | None,
) -> bool:
    """Keep what meta-auth told; False when that, or something newer, is here already."""
    changed = await connection.execute(
        """
        INSERT INTO meta_connections_view AS view (customer_id, version, status, meta_user_id, ad_account_id,
                                                   currency, min_daily_budget_minor)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (customer_id) DO UPDATE SET
            version = $2, status = $3, meta_user_id = $4, ad_account_id = $5, currency = $6,
            min_daily_budget_minor = $7, updated_at = now()
        WHERE view.version < $2
        """,
        customer_id,
        version,
        status,
        meta_user_id,
        ad_account_id,
        currency,
        min_daily_budget_minor,
    )
    return affected(changed) == 1

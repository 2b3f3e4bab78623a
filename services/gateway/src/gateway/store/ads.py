"""Ad settings, what stands at Meta, and our copy of the Meta connection."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Final
from uuid import UUID, uuid4

from chassis.database import Connection
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
class SettingsNews:
    """What the end of a run changes in the settings; a publish that succeeded clears the error."""

    customer_id: UUID
    published_at: datetime | None = None
    synced_at: datetime | None = None
    error: str | None = None
    status: str | None = None


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


async def tell_settings(connection: Connection, news: Sequence[SettingsNews]) -> None:
    """Write how runs ended into the settings of their customers, in one round trip.

    Customer by customer, so that two gateways do not wait for each other, and in the order of the news. A
    draft that was saved while a publish ran stays a draft.
    """
    await connection.executemany(
        "UPDATE ad_settings SET last_published_at = coalesce($2, last_published_at),"
        " last_synced_at = coalesce($3, last_synced_at),"
        " last_error = CASE WHEN $2 IS NULL THEN coalesce($4, last_error) END,"
        " status = CASE WHEN $2 IS NOT NULL AND status = 'error' THEN 'ready' ELSE coalesce($5, status) END,"
        " updated_at = now()"
        " WHERE customer_id = $1",
        [
            (told.customer_id, told.published_at, told.synced_at, told.error, told.status)
            for told in sorted(news, key=attrgetter("customer_id"))
        ],
    )


async def find_objects(connection: Connection, customer_id: UUID) -> AdObjects | None:
    """What stands at Meta."""
    row = await connection.fetchrow(
        f"SELECT {columns(AdObjects, 'o')} FROM meta_ad_objects AS o WHERE o.customer_id = $1", customer_id
    )
    return read(AdObjects, row, "o") if row else None


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
) -> None:
    """Keep what meta-auth told, unless that, or newer news, is here already. Locks the row either way."""
    await connection.execute(
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

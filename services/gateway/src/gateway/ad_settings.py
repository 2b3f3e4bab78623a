"""Use case: save the ad settings of a customer."""

from typing import Final
from uuid import UUID

from chassis.database import Pool, transaction
from gateway.bodies.ads import AdSettingsBody
from gateway.store import ads as store

DEFAULT_CTA: Final = "learn_more"


async def save_settings(pool: Pool, customer_id: UUID, body: AdSettingsBody) -> tuple[store.AdSettings, bool]:
    """Replace all settings; True when they are the customer's first. A save clears the last error."""
    centre = body.geo_center_text or None
    async with transaction(pool, customer=customer_id) as conn:
        return await store.save_settings(
            conn,
            customer_id,
            geo_mode=body.geo_mode,
            geo_center_text=centre,
            geo_radius_km=body.geo_radius_km,
            geo_regions=body.geo_regions_json,
            formats=list(body.formats_json),
            cta_type=body.cta_type or DEFAULT_CTA,
            budget_override=body.budget_override,
            status="ready" if is_complete(body) else "draft",
        )


def is_complete(body: AdSettingsBody) -> bool:
    """Whether a publish could work with these settings."""
    if body.geo_mode == "radius":
        return bool(body.geo_center_text) and body.geo_radius_km is not None
    return bool(body.geo_regions_json)

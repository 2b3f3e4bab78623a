"""Use case: save the ad settings of a customer."""

from typing import Final

from chassis.database import Pool, transaction
from gateway.accounts import Session
from gateway.bodies.ads import AdSettingsBody
from gateway.store import ads as store
from gateway.store.audit import add_audit_entry

DEFAULT_CTA: Final = "learn_more"


async def save_settings(pool: Pool, session: Session, body: AdSettingsBody) -> tuple[store.AdSettings, bool]:
    """Replace all settings; True when they are the customer's first. A save clears the last error."""
    centre = body.geo_center_text or None
    async with transaction(pool, customer=session.customer_id) as conn:
        saved = await store.save_settings(
            conn,
            session.customer_id,
            geo_mode=body.geo_mode,
            geo_center_text=centre,
            geo_radius_km=body.geo_radius_km,
            geo_regions=body.geo_regions_json,
            formats=list(body.formats_json),
            cta_type=body.cta_type or DEFAULT_CTA,
            budget_override=body.budget_override,
            status="ready" if is_complete(body) else "draft",
        )
        await add_audit_entry(
            conn,
            "ad_settings",
            customer_id=session.customer_id,
            user_id=session.user_id,
            status=saved[0].status,
        )
    return saved


def is_complete(body: AdSettingsBody) -> bool:
    """Whether a publish could work with these settings."""
    if body.geo_mode == "radius":
        return bool(body.geo_center_text) and body.geo_radius_km is not None
    return bool(body.geo_regions_json)

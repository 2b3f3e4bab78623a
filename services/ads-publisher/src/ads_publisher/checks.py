"""What must be true before anything is sent: the texts are part of the HTTP contract."""

from datetime import UTC, datetime
from typing import Final

from contracts.events import AdSettingsSnapshot
from contracts.internal import Grant

NO_SETTINGS: Final = "Ad settings not found. Configure ads settings first."
NO_RADIUS: Final = "Invalid geo config: radius mode requires center and radius"
NO_REGION: Final = "Invalid geo config: regions mode requires at least one region"
NO_FORMAT: Final = "No ad formats enabled. Enable at least one format in settings."
NO_CONNECTION: Final = "Meta connection not found or not connected. Connect Meta account first."
NO_ACCOUNT: Final = "No ad account selected. Select an ad account in Settings → Meta."
NO_TOKEN: Final = "Invalid Meta access token. Reconnect Meta account."  # noqa: S105 - a text
DISABLED: Final = (
    "Ads publish is disabled. Enable ALLOW_REAL_META_WRITE=true or ALLOW_DEV_ADS_PUBLISH_SIM=true."
)


def settings_problem(settings: AdSettingsSnapshot | None) -> str | None:
    """The first thing that is wrong with the saved settings, in the order of the contract."""
    if settings is None:
        return NO_SETTINGS
    if settings.geo_mode == "radius" and not (settings.geo_center_text and settings.geo_radius_km):
        return NO_RADIUS
    if settings.geo_mode == "regions" and not settings.geo_regions:
        return NO_REGION
    return None if settings.formats else NO_FORMAT


def connection_problem(grant: Grant) -> str | None:
    """The first thing that is wrong with the Meta connection, in the order of the contract."""
    expired = grant.token_expires_at is not None and grant.token_expires_at <= datetime.now(UTC)
    if grant.status == "disconnected" or (grant.status == "error" and not expired):
        return NO_CONNECTION
    if not grant.ad_account_id:
        return NO_ACCOUNT
    return NO_TOKEN if grant.access_token is None or expired else None

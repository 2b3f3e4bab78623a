"""Modes, checks and version warnings."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pydantic import SecretStr, ValidationError

from ads_publisher import checks
from ads_publisher.settings import Settings
from ads_publisher.versions import version_warning
from contracts.events import AdSettingsSnapshot, PublishMode
from contracts.internal import Grant


@pytest.mark.parametrize(
    ("real", "sim", "mode"),
    [
        ("true", "true", "real"),
        ("true", "", "real"),
        ("", "true", "sim"),
        ("", "", "disabled"),
        ("TRUE", "1", "disabled"),
        ("yes", "True", "disabled"),
    ],
)
def test_exactly_true_counts_and_real_wins(
    real: str, sim: str, mode: PublishMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_REAL_META_WRITE", real)
    monkeypatch.setenv("ALLOW_DEV_ADS_PUBLISH_SIM", sim)
    assert Settings.load().mode == mode


def test_production_talks_to_nobody_but_meta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("META_GRAPH_BASE_URL", "http://127.0.0.1:3004")
    with pytest.raises(ValidationError, match=r"must be https://graph.facebook.com"):
        Settings.load()


def settings(**changes: object) -> AdSettingsSnapshot:
    complete = {"geo_mode": "radius", "geo_center_text": "Oslo", "geo_radius_km": 5, "formats": ("feed",)}
    return AdSettingsSnapshot.model_validate({**complete, **changes})


@pytest.mark.parametrize(
    ("saved", "text"),
    [
        (None, checks.NO_SETTINGS),
        (settings(geo_center_text=None), checks.NO_RADIUS),
        (settings(geo_radius_km=None), checks.NO_RADIUS),
        (settings(geo_mode="regions"), checks.NO_REGION),
        (settings(formats=()), checks.NO_FORMAT),
        (settings(geo_radius_km=None, formats=()), checks.NO_RADIUS),
        (settings(), None),
        (settings(geo_mode="regions", geo_regions=("Skåne",)), None),
    ],
)
def test_settings_are_checked_in_the_order_of_the_contract(
    saved: AdSettingsSnapshot | None, text: str | None
) -> None:
    assert checks.settings_problem(saved) == text


PAST, FUTURE = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)


@pytest.mark.parametrize(
    ("grant", "text"),
    [
        (Grant(status="disconnected"), checks.NO_CONNECTION),
        (Grant(status="error", ad_account_id="act_1"), checks.NO_CONNECTION),
        (Grant(status="connected", access_token=SecretStr("t")), checks.NO_ACCOUNT),
        (Grant(status="connected", ad_account_id="act_1"), checks.NO_TOKEN),
        (
            Grant(status="error", ad_account_id="act_1", access_token=SecretStr("t"), token_expires_at=PAST),
            checks.NO_TOKEN,
        ),
        (
            Grant(
                status="connected",
                ad_account_id="act_1",
                access_token=SecretStr("t"),
                token_expires_at=FUTURE,
            ),
            None,
        ),
    ],
)
def test_the_connection_is_checked_in_the_order_of_the_contract(grant: Grant, text: str | None) -> None:
    assert checks.connection_problem(grant) == text


def test_a_dead_version_is_warned_about_and_a_live_one_is_not() -> None:
    today = date(2026, 11, 22)
    assert "2635" in str(version_warning("v21.0", today))
    assert version_warning("v25.0", today) is None
    assert version_warning("v24.0", date(2026, 10, 6)) is None

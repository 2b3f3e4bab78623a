"""What leaves for Meta."""

from decimal import Decimal
from uuid import uuid4

import pytest

from ads_publisher import payloads
from ads_publisher.settings import Settings
from contracts.events import AdSettingsSnapshot, PublishRequest
from contracts.internal import Grant

RUN = uuid4()


def request(budget: str | None) -> PublishRequest:
    settings = AdSettingsSnapshot(
        geo_mode="radius", formats=("feed",), budget_override=Decimal(budget) if budget else None
    )
    return PublishRequest(run_id=RUN, settings=settings)


def grant(currency: str, minimum: int | None = None) -> Grant:
    return Grant(status="connected", currency=currency, min_daily_budget_minor=minimum)


@pytest.mark.parametrize(
    ("budget", "currency", "minimum", "expected"),
    [
        ("3000", "SEK", None, 10_000),
        ("1", "SEK", 1_000, 3),
        ("3000", "JPY", None, 100),
        (None, "SEK", 1_000, 10_000),
        (None, "SEK", 20_000, 20_000),
        (None, "JPY", 5_000, 5_000),
        ("100", "USD", None, 333),
    ],
)
def test_budgets_are_daily_and_in_minor_units(
    budget: str | None, currency: str, minimum: int | None, expected: int
) -> None:
    assert payloads.daily_budget(request(budget), grant(currency, minimum)) == expected


def test_both_objects_are_paused_and_carry_the_marker_and_the_fixed_names() -> None:
    campaign = payloads.campaign_params(RUN)
    adset = payloads.adset_params(RUN, "11", daily_budget=10_000, beneficiary="A", payor="B")
    assert campaign["name"] == "Project Auto - Test Campaign"
    assert adset["name"] == "Project Auto - Test Ad Set"
    for params in (campaign, adset):
        assert params["status"] == "PAUSED"
        assert params["adlabels"] == [{"name": f"pa-run-{RUN}"}]
    assert adset["targeting"]["geo_locations"] == {"countries": ["SE"]}


def test_the_accounts_own_dsa_names_win_each_on_its_own() -> None:
    settings = Settings(meta_dsa_beneficiary="Env B", meta_dsa_payor="Env P")
    account = Grant(status="connected", dsa_beneficiary="Account B")
    assert payloads.dsa_from_settings(account, settings) == ("Account B", "Env P")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"data": [{"recommendations": ["Ada AB", "Other"]}]}, "Ada AB"),
        ({"data": [{"recommendations": []}]}, None),
        ({"data": []}, None),
        ({}, None),
    ],
)
def test_metas_recommendation_is_the_last_resort(answer: dict[str, object], expected: str | None) -> None:
    assert payloads.recommended_owner(answer) == expected

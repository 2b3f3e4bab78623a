"""What is sent to Meta for a campaign and an ad set: valid unchanged on v21.0 to v26.0.

Source: https://developers.facebook.com/docs/marketing-api/reference/ad-account/campaigns and .../adsets
"""

from typing import Any, Final
from uuid import UUID

from ads_publisher.settings import Settings
from contracts.events import PublishRequest
from contracts.internal import Grant
from contracts.money import daily_budget_minor, default_monthly_budget

CAMPAIGN_NAME: Final = "Project Auto - Test Campaign"
ADSET_NAME: Final = "Project Auto - Test Ad Set"
COUNTRIES: Final = ("SE",)
"""Targeting of this version, whatever geo is saved."""


def marker(run_id: UUID) -> str:
    """The ad label that ties an object at Meta to its run."""
    return f"pa-run-{run_id}"


def campaign_params(run_id: UUID) -> dict[str, Any]:
    """Traffic with link clicks: the objective that needs no page, pixel or payment method."""
    return {
        "name": CAMPAIGN_NAME,
        "objective": "OUTCOME_TRAFFIC",
        "status": "PAUSED",
        "special_ad_categories": [],
        "buying_type": "AUCTION",
        "is_adset_budget_sharing_enabled": False,
        "adlabels": [{"name": marker(run_id)}],
    }


def adset_params(
    run_id: UUID, campaign_id: str, *, daily_budget: int, beneficiary: str, payor: str
) -> dict[str, Any]:
    """`daily_budget` in minor units of the account's currency. The EU wants to know who benefits and pays."""
    return {
        "name": ADSET_NAME,
        "campaign_id": campaign_id,
        "status": "PAUSED",
        "daily_budget": daily_budget,
        "billing_event": "IMPRESSIONS",
        "optimization_goal": "LINK_CLICKS",
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
        "targeting": {
            "geo_locations": {"countries": list(COUNTRIES)},
            # 0 keeps the geography hard. Meta refuses an ad set that does not say.
            "targeting_automation": {"advantage_audience": 0},
        },
        "dsa_beneficiary": beneficiary,
        "dsa_payor": payor,
        "adlabels": [{"name": marker(run_id)}],
    }


def daily_budget(request: PublishRequest, grant: Grant) -> int:
    """The user's monthly budget per day, else a default that the account's minimum allows; minor units.

    A user's own budget is sent as it is: if it is too low, Meta says so and the user decides.
    """
    currency = grant.currency or "USD"
    chosen = request.settings.budget_override if request.settings else None
    monthly = chosen or default_monthly_budget(
        request.default_monthly_budget, currency, grant.min_daily_budget_minor
    )
    return daily_budget_minor(monthly, currency)


def dsa_from_settings(grant: Grant, settings: Settings) -> tuple[str | None, str | None]:
    """Beneficiary and payor: the account's defaults, else the operator's settings; each on its own."""
    return (
        grant.dsa_beneficiary or settings.meta_dsa_beneficiary,
        grant.dsa_payor or settings.meta_dsa_payor,
    )


def recommended_owner(answer: dict[str, Any]) -> str | None:
    """Meta's own suggestion for beneficiary and payor, from the account's `dsa_recommendations`."""
    for row in answer.get("data", []):
        names = row.get("recommendations") if isinstance(row, dict) else None
        if isinstance(names, list) and names and isinstance(names[0], str):
            return names[0]
    return None

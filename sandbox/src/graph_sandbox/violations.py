"""How each rule is broken: small predicates over a decoded create, used by the table in `rules`.

Every one returns None when the rule is kept, else the values its error text needs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graph_sandbox.markets import (
    CURRENCY_SYMBOLS,
    DSA_COUNTRIES,
    DSA_COUNTRY_GROUPS,
    GOALS_BY_OBJECTIVE,
    WHOLE_UNIT_CURRENCIES,
)
from graph_sandbox.personas import Account
from graph_sandbox.state import AdObject, World

Facts = dict[str, str]
Check = Callable[["Draft"], Facts | None]

BROKEN: Facts = {}
BIDS_WITH_AMOUNT = frozenset({"LOWEST_COST_WITH_BID_CAP", "COST_CAP"})
FREQUENT_ACTIONS = frozenset({"CLICKS", "LINK_CLICKS", "PAGE_LIKES", "POST_ENGAGEMENT"})
RARE_ACTIONS = frozenset({"APP_INSTALLS", "OFFER_CLAIMS", "PURCHASE"})
FULL_AGE_MAX = 65
ADVANTAGE_AGE_MIN = 25
DSA_LENGTH = 512
COUNTRY_LENGTH = 2


@dataclass(slots=True)
class Draft:
    """A create before it is stored: decoded parameters and what they point at."""

    world: World
    account: Account
    values: dict[str, Any]
    version: int
    campaign: AdObject | None = None
    """The campaign an ad set is for."""
    target: AdObject | None = None
    """The object an update changes."""

    @property
    def targeting(self) -> dict[str, Any]:
        return self.values.get("targeting") or {}

    @property
    def geo(self) -> dict[str, Any]:
        geo = self.targeting.get("geo_locations")
        return geo if isinstance(geo, dict) else {}

    def places(self, name: str) -> list[Any]:
        """One list of `geo_locations`; anything but a list counts as empty."""
        return places_of(self.geo, name)

    @property
    def advantage_audience(self) -> Any:
        automation = self.targeting.get("targeting_automation")
        return automation.get("advantage_audience") if isinstance(automation, dict) else None

    @property
    def has_budget(self) -> bool:
        return has_budget(self.values)

    @property
    def campaign_has_budget(self) -> bool:
        return self.campaign is not None and has_budget(self.campaign.values)


def places_of(geo: dict[str, Any], name: str) -> list[Any]:
    found = geo.get(name)
    return found if isinstance(found, list) else []


def has_budget(values: dict[str, Any]) -> bool:
    return bool(values.get("daily_budget") or values.get("lifetime_budget"))


def missing(name: str) -> Check:
    def check(draft: Draft) -> Facts | None:
        value = draft.values.get(name)
        return BROKEN if value is None or value == "" else None

    return check


def not_one_of(name: str, allowed: Sequence[str]) -> Check:
    shown = ", ".join(allowed)

    def check(draft: Draft) -> Facts | None:
        value = draft.values.get(name)
        if value is None or value in allowed:
            return None
        return {"name": name, "allowed": shown, "value": str(value)}

    return check


def not_each_of(name: str, allowed: Sequence[str]) -> Check:
    shown = ", ".join(allowed)

    def check(draft: Draft) -> Facts | None:
        for index, value in enumerate(draft.values.get(name) or ()):
            if value not in allowed:
                return {"name": name, "index": str(index), "allowed": shown, "value": str(value)}
        return None

    return check


def too_long(name: str, limit: int) -> Check:
    def check(draft: Draft) -> Facts | None:
        return {"limit": str(limit)} if len(draft.values.get(name) or "") > limit else None

    return check


def bad_labels(draft: Draft) -> Facts | None:
    for index, item in enumerate(draft.values.get("adlabels") or ()):
        name = item.get("name") if isinstance(item, dict) else None
        label = draft.world.labels.get(str(item.get("id"))) if isinstance(item, dict) else None
        known = label is not None and label.account_id == draft.account.account_id
        if not known and not (isinstance(name, str) and name):
            return {"index": str(index)}
    return None


def sharing_with_campaign_budget(draft: Draft) -> Facts | None:
    return BROKEN if draft.has_budget and draft.values.get("is_adset_budget_sharing_enabled") else None


def sharing_not_said(draft: Draft) -> Facts | None:
    said = draft.values.get("is_adset_budget_sharing_enabled") is not None
    return None if said or draft.has_budget else BROKEN


def sharing_without_bid_strategy(draft: Draft) -> Facts | None:
    shares = draft.values.get("is_adset_budget_sharing_enabled")
    return BROKEN if shares and not draft.values.get("bid_strategy") else None


def both_budgets(draft: Draft) -> Facts | None:
    both = draft.values.get("daily_budget") and draft.values.get("lifetime_budget")
    return BROKEN if both else None


def bid_strategy_without_budget(draft: Draft) -> Facts | None:
    shares = draft.values.get("is_adset_budget_sharing_enabled")
    return BROKEN if draft.values.get("bid_strategy") and not draft.has_budget and not shares else None


def campaign_unknown(draft: Draft) -> Facts | None:
    found = draft.campaign
    live = (
        found is not None
        and found.kind == "campaign"
        and found.account_id == draft.account.account_id
        and found.values["status"] not in {"DELETED", "ARCHIVED"}
    )
    return None if live else {"campaign_id": str(draft.values.get("campaign_id"))}


def budget_on_both_levels(draft: Draft) -> Facts | None:
    return BROKEN if draft.has_budget and draft.campaign_has_budget else None


def no_location(draft: Draft) -> Facts | None:
    somewhere = any(
        value for name, value in draft.geo.items() if name != "location_types" and isinstance(value, list)
    )
    return None if somewhere or draft.targeting.get("custom_audiences") else BROKEN


def bad_country(draft: Draft) -> Facts | None:
    for value in draft.places("countries"):
        if not (
            isinstance(value, str) and len(value) == COUNTRY_LENGTH and value.isalpha() and value.isupper()
        ):
            return {"value": str(value)}
    return None


def location_types(draft: Draft) -> Facts | None:
    allowed = "location_types" not in draft.geo or sorted(map(str, draft.places("location_types"))) == [
        "home",
        "recent",
    ]
    return None if allowed else BROKEN


def advantage_audience_not_flag(draft: Draft) -> Facts | None:
    flag = draft.advantage_audience
    return None if flag is None or flag in (0, 1, "0", "1") else BROKEN


def advantage_audience_missing(draft: Draft) -> Facts | None:
    return BROKEN if draft.advantage_audience is None else None


def advantage_age_max(draft: Draft) -> Facts | None:
    age = draft.targeting.get("age_max")
    return BROKEN if _advantage_on(draft) and isinstance(age, int) and age < FULL_AGE_MAX else None


def advantage_age_min(draft: Draft) -> Facts | None:
    age = draft.targeting.get("age_min")
    return BROKEN if _advantage_on(draft) and isinstance(age, int) and age > ADVANTAGE_AGE_MIN else None


def bid_amount_missing(draft: Draft) -> Facts | None:
    strategy = _bid_strategy(draft)
    needs = strategy in BIDS_WITH_AMOUNT and not draft.values.get("bid_amount")
    return {"bid_strategy": strategy} if strategy and needs else None


def bid_not_said(draft: Draft) -> Facts | None:
    """Nobody says how to bid, or a minimum return is asked for without its constraint."""
    strategy = _bid_strategy(draft)
    if strategy is None and not draft.values.get("bid_amount"):
        return {"bid_strategy": "LOWEST_COST_WITH_BID_CAP"}
    if strategy == "LOWEST_COST_WITH_MIN_ROAS" and not draft.values.get("bid_constraints"):
        return {"bid_strategy": strategy}
    return None


def budget_missing(draft: Draft) -> Facts | None:
    return None if draft.has_budget or draft.campaign_has_budget else BROKEN


def budget_too_low(draft: Draft) -> Facts | None:
    """Daily budgets only: a lifetime floor depends on the days between start and end."""
    budget = draft.values.get("daily_budget")
    if budget is None:
        return None
    before = draft.target.values if draft.target else {}
    billing_event = draft.values.get("billing_event") or before.get("billing_event")
    floor = daily_floor_minor(draft.account, str(billing_event))
    if budget >= floor:
        return None
    return {"floor": money(floor, draft.account.currency)}


def already_deleted(draft: Draft) -> Facts | None:
    return BROKEN if draft.target is not None and draft.target.values["status"] == "DELETED" else None


def lifetime_without_end(draft: Draft) -> Facts | None:
    return BROKEN if draft.values.get("lifetime_budget") and not draft.values.get("end_time") else None


def goal_not_for_objective(draft: Draft) -> Facts | None:
    objective = str(draft.campaign.values.get("objective")) if draft.campaign else ""
    goal = str(draft.values.get("optimization_goal"))
    allowed = GOALS_BY_OBJECTIVE.get(objective)
    return None if allowed is None or goal in allowed else {"goal": goal, "objective": objective}


def dsa_too_long(draft: Draft) -> Facts | None:
    for name in ("dsa_payor", "dsa_beneficiary"):
        if len(draft.values.get(name) or "") > DSA_LENGTH:
            return {"name": name}
    return None


def dsa_missing(name: str) -> Check:
    """Regulated places need the field, sent or as the account's default; each is filled on its own."""

    def check(draft: Draft) -> Facts | None:
        if not in_regulated_region(draft.geo):
            return None
        return None if draft.values.get(name) or getattr(draft.account, f"default_{name}") else BROKEN

    return check


def in_regulated_region(geo: dict[str, Any]) -> bool:
    """Whether the targeting touches the EU: by country, group, or the country of a smaller place."""
    if DSA_COUNTRIES & {str(code) for code in places_of(geo, "countries")}:
        return True
    if DSA_COUNTRY_GROUPS & {str(group) for group in places_of(geo, "country_groups")}:
        return True
    places = [place for value in geo.values() if isinstance(value, list) for place in value]
    return any(isinstance(place, dict) and str(place.get("country")) in DSA_COUNTRIES for place in places)


def daily_floor_minor(account: Account, billing_event: str) -> int:
    """The lowest daily budget for what is charged for, in minor units of the account's currency."""
    impressions, frequent, video, rare = account.floors()
    if billing_event in FREQUENT_ACTIONS:
        return frequent
    if billing_event in RARE_ACTIONS:
        return rare
    return video if billing_event == "THRUPLAY" else impressions


def money(amount_minor: int, currency: str) -> str:
    symbol = CURRENCY_SYMBOLS.get(currency, f"{currency} ")
    if currency in WHOLE_UNIT_CURRENCIES:
        return f"{symbol}{amount_minor}"
    return f"{symbol}{amount_minor // 100}.{amount_minor % 100:02d}"


def _advantage_on(draft: Draft) -> bool:
    return draft.advantage_audience in (1, "1")


def _bid_strategy(draft: Draft) -> str | None:
    own = draft.values.get("bid_strategy")
    if own:
        return str(own)
    above = draft.campaign.values.get("bid_strategy") if draft.campaign else None
    if above:
        return str(above)
    return "LOWEST_COST_WITH_BID_CAP" if draft.values.get("bid_amount") else None

"""How each rule is broken: small predicates over a decoded create, used by the table in `rules`.

Every one returns None when the rule is kept, else the values its error text needs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graph_sandbox.markets import (
    GOALS_BY_OBJECTIVE,
    GOALS_WITH_FREQUENCY,
    LONG_ATTRIBUTION_GOALS,
    needed_for,
    timestamp,
)
from graph_sandbox.personas import Account
from graph_sandbox.state import AdObject, World

Facts = dict[str, str]
Check = Callable[["Draft"], Facts | None]

BROKEN: Facts = {}
NO_CATEGORY = frozenset({"NONE"})
POLITICS = "ISSUES_ELECTIONS_POLITICS"
LEAD_FORM_GOALS = frozenset({"LEAD_GENERATION", "QUALITY_LEAD"})
RETIRED_PROMOTIONS = frozenset({"SMART_APP_PROMOTION"})
ONE_DAY_CLICK = ("CLICK_THROUGH", 1)


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

    def current(self, name: str) -> Any:
        """What the object will have: the sent value, else the one it had."""
        if name in self.values:
            return self.values[name]
        return self.target.values.get(name) if self.target else None

    @property
    def above(self) -> AdObject | None:
        """The campaign of the ad set that is created or changed."""
        if self.target is not None and self.target.parent_id is not None:
            return self.world.objects.get(self.target.parent_id)
        return self.campaign

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


def campaign_unknown(draft: Draft) -> Facts | None:
    found = draft.campaign
    live = (
        found is not None
        and found.kind == "campaign"
        and found.account_id == draft.account.account_id
        and found.values["status"] not in {"DELETED", "ARCHIVED"}
    )
    return None if live else {"campaign_id": str(draft.values.get("campaign_id"))}


def already_deleted(draft: Draft) -> Facts | None:
    return BROKEN if draft.target is not None and draft.target.values["status"] == "DELETED" else None


def goal_not_for_objective(draft: Draft) -> Facts | None:
    objective = str(draft.campaign.values.get("objective")) if draft.campaign else ""
    goal = str(draft.values.get("optimization_goal"))
    allowed = GOALS_BY_OBJECTIVE.get(objective)
    return None if allowed is None or goal in allowed else {"goal": goal, "objective": objective}


def category_without_country(draft: Draft) -> Facts | None:
    real = set(map(str, draft.values.get("special_ad_categories") or ())) - NO_CATEGORY
    return BROKEN if real and not draft.values.get("special_ad_category_country") else None


def skadnetwork_without_app(draft: Draft) -> Facts | None:
    promoted = draft.values.get("promoted_object") or {}
    wanted = draft.values.get("is_skadnetwork_attribution")
    return BROKEN if wanted and not promoted.get("application_id") else None


def ends_in_past(draft: Draft) -> Facts | None:
    end = _end(draft)
    return BROKEN if end is not None and end <= draft.world.now() else None


def ends_before_start(draft: Draft) -> Facts | None:
    start, end = timestamp(draft.values.get("start_time")), _end(draft)
    return BROKEN if start is not None and end is not None and end <= start else None


def promoted_object_missing(draft: Draft) -> Facts | None:
    """The pair of objective and goal says which keys; one of the alternatives has to be there whole."""
    objective = str(draft.campaign.values.get("objective")) if draft.campaign else ""
    goal = str(draft.values.get("optimization_goal"))
    alternatives = needed_for(objective, goal, str(draft.values.get("destination_type")))
    sent = draft.values.get("promoted_object")
    above = draft.campaign.values.get("promoted_object") if draft.campaign else None
    have = {key for one in (sent, above) if isinstance(one, dict) for key, value in one.items() if value}
    if not alternatives or any(have.issuperset(keys) for keys in alternatives):
        return None
    needed = " or ".join(" and ".join(keys) for keys in alternatives)
    return {"goal": goal, "objective": objective, "needed": needed}


def lead_terms_not_accepted(draft: Draft) -> Facts | None:
    promoted = draft.values.get("promoted_object") or {}
    is_form = str(draft.values.get("optimization_goal")) in LEAD_FORM_GOALS
    pages = draft.world.settings.pages_without_lead_terms
    return BROKEN if is_form and str(promoted.get("page_id")) in pages else None


def politics_without_authorization(draft: Draft) -> Facts | None:
    asked = POLITICS in map(str, draft.values.get("special_ad_categories") or ())
    return BROKEN if asked and not draft.world.settings.political_authorization else None


def recommendations_alone(draft: Draft) -> Facts | None:
    asked = set(map(str, draft.values.get("execution_options") or ()))
    return BROKEN if asked == {"include_recommendations"} else None


def retired_promotion(draft: Draft) -> Facts | None:
    kind = draft.values.get("smart_promotion_type")
    return {"kind": str(kind)} if kind in RETIRED_PROMOTIONS else None


def campaign_not_said(draft: Draft) -> Facts | None:
    return None if draft.values.get("campaign_id") or draft.values.get("campaign_spec") else BROKEN


def attribution_not_allowed(draft: Draft) -> Facts | None:
    """Anything but conversions, apps and engaged goals has a click window of one day and no other."""
    spec = draft.values.get("attribution_spec")
    if not spec or str(draft.values.get("optimization_goal")) in LONG_ATTRIBUTION_GOALS:
        return None
    windows = [(one.get("event_type"), one.get("window_days")) for one in spec if isinstance(one, dict)]
    return None if windows == [ONE_DAY_CLICK] else BROKEN


def attribution_changes(draft: Draft) -> Facts | None:
    sent = draft.values.get("attribution_spec")
    before = draft.target.values.get("attribution_spec") if draft.target else None
    return BROKEN if sent is not None and sent != before else None


def frequency_without_reach(draft: Draft) -> Facts | None:
    goal = str(draft.values.get("optimization_goal"))
    asked = draft.values.get("frequency_control_specs")
    return BROKEN if asked and goal not in GOALS_WITH_FREQUENCY else None


def destination_not_for_objective(draft: Draft) -> Facts | None:
    """An app needs an app objective, or at least one that can lead to an app; lead forms need leads."""
    objective = str(draft.campaign.values.get("objective")) if draft.campaign else ""
    destination = str(draft.values.get("destination_type"))
    wrong = (objective == "OUTCOME_APP_PROMOTION" and destination == "WEBSITE") or (
        destination == "ON_AD" and objective not in {"OUTCOME_LEADS", "OUTCOME_ENGAGEMENT"}
    )
    return {"destination": destination, "objective": objective} if wrong else None


def unarchives(draft: Draft) -> Facts | None:
    is_archived = draft.target is not None and draft.target.values["status"] == "ARCHIVED"
    return BROKEN if is_archived and set(draft.values) - {"name", "status", "execution_options"} else None


def objective_changes(draft: Draft) -> Facts | None:
    sent = draft.values.get("objective")
    before = draft.target.values.get("objective") if draft.target else None
    return BROKEN if sent is not None and sent != before else None


def ended(draft: Draft) -> Facts | None:
    end = timestamp(draft.target.values.get("end_time")) if draft.target else None
    over = end is not None and end <= draft.world.now()
    return BROKEN if over and set(draft.values) - {"end_time", "status", "execution_options"} else None


def _end(draft: Draft) -> float | None:
    """Unix seconds; 0 means an open end."""
    return timestamp(draft.values.get("end_time") or draft.values.get("stop_time")) or None

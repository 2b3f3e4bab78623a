"""Every rule of the table is broken once, and answers the error the table promises."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from graph_sandbox.rule import Rule
from graph_sandbox.rules import RULES, RULES_FOR

ACCOUNT = "act_101500000000001"
NO_DSA = "act_101500000000002"
USD = "act_101500000000003"
JPY = "act_101500000000004"
STOCKHOLM = {"latitude": 59.33, "longitude": 18.07, "radius": 25, "distance_unit": "kilometer"}
LOWEST = "LOWEST_COST_WITHOUT_CAP"
Create = Callable[..., httpx.Response]
Ledger = Callable[..., list[dict[str, Any]]]


def targeting(**changes: Any) -> dict[str, Any]:
    return {
        "geo_locations": {"countries": ["SE"]},
        "targeting_automation": {"advantage_audience": 0},
        **changes,
    }


BROKEN_CAMPAIGNS: dict[str, dict[str, Any]] = {
    "campaign.objective.enum": {"objective": "LINK_CLICKS"},
    "campaign.status.enum": {"status": "ARCHIVED"},
    "campaign.buying_type.enum": {"buying_type": "BARTER"},
    "adlabels.shape": {"adlabels": [{"name": "ok"}, {"id": "7"}]},
    "execution_options.alone": {"execution_options": ["include_recommendations"]},
    "campaign.special_ad_categories.required": {"special_ad_categories": None},
    "campaign.name.required": {"name": ""},
    "campaign.objective.required": {"objective": None},
    "name.length": {"name": "n" * 401},
    "adlabels.too_many": {"adlabels": [{"name": f"label {number}"} for number in range(51)]},
    "campaign.special_ad_categories.politics": {
        "special_ad_categories": ["ISSUES_ELECTIONS_POLITICS"],
        "special_ad_category_country": ["SE"],
    },
    "campaign.smart_promotion_type.retired": {"smart_promotion_type": "SMART_APP_PROMOTION"},
    "campaign.budget_sharing.with_campaign_budget": {
        "daily_budget": 10000,
        "is_adset_budget_sharing_enabled": True,
    },
    "campaign.budget_sharing.missing": {"is_adset_budget_sharing_enabled": None},
    "campaign.budget_sharing.needs_bid_strategy": {"is_adset_budget_sharing_enabled": True},
    "budget.daily_and_lifetime": {"daily_budget": 10000, "lifetime_budget": 90000},
    "campaign.bid_strategy.without_budget": {"bid_strategy": LOWEST},
    "campaign.special_ad_category_country.missing": {"special_ad_categories": ["HOUSING"]},
    "campaign.spend_cap.too_low": {"spend_cap": 104999},
    "campaign.budget.too_low": {"daily_budget": 1049, "is_adset_budget_sharing_enabled": None},
    "campaign.promoted_object.app": {"is_skadnetwork_attribution": True},
    "time.end_in_past": {"stop_time": "2020-01-01T00:00:00+0000"},
    "time.end_before_start": {"start_time": 4102444800, "stop_time": 4102444799},
}

BROKEN_ADSETS: dict[str, dict[str, Any]] = {
    "adset.status.enum": {"status": "DELETED"},
    "adset.optimization_goal.enum": {"optimization_goal": "FAME"},
    "adset.name.required": {"name": None},
    "adset.campaign_id.required": {"campaign_id": None},
    "adset.billing_event.required": {"billing_event": None},
    "adset.optimization_goal.required": {"optimization_goal": None},
    "adset.campaign_id.unknown": {"campaign_id": "12020000000000001"},
    "adset.targeting.no_location": {"targeting": targeting(geo_locations={"location_types": ["home"]})},
    "adset.targeting.country_code": {"targeting": targeting(geo_locations={"countries": ["Sweden"]})},
    "adset.targeting.location_types": {
        "targeting": targeting(geo_locations={"countries": ["SE"], "location_types": ["home"]})
    },
    "adset.advantage_audience.type": {
        "targeting": targeting(targeting_automation={"advantage_audience": "yes"})
    },
    "adset.advantage_audience.missing": {"targeting": targeting(targeting_automation={})},
    "adset.advantage_audience.age_max": {
        "targeting": targeting(targeting_automation={"advantage_audience": 1}, age_max=40)
    },
    "adset.advantage_audience.age_min": {
        "targeting": targeting(targeting_automation={"advantage_audience": 1}, age_min=30)
    },
    "adset.bid_amount.required": {"bid_strategy": "COST_CAP"},
    "adset.bid.automatic": {"bid_amount": 100},
    "adset.bid.required": {"bid_strategy": None},
    "adset.budget.missing": {"daily_budget": None},
    "adset.budget.too_low": {"daily_budget": 1049},
    "adset.end_time.missing": {"daily_budget": None, "lifetime_budget": 100000},
    "adset.goal.objective": {"optimization_goal": "APP_INSTALLS"},
    "adset.dsa.length": {"dsa_payor": "p" * 513},
    "adset.targeting.restricted_country": {"targeting": targeting(geo_locations={"countries": ["US", "CU"]})},
    "adset.targeting.overlap": {
        "targeting": targeting(geo_locations={"countries": ["SE"], "custom_locations": [STOCKHOLM]})
    },
    "adset.targeting.radius_kind": {
        "targeting": targeting(geo_locations={"regions": [{"key": "3847", "radius": 10}]})
    },
    "adset.targeting.radius_range": {
        "targeting": targeting(geo_locations={"custom_locations": [STOCKHOLM | {"radius": 81}]})
    },
    "adset.targeting.coordinates": {
        "targeting": targeting(geo_locations={"custom_locations": [STOCKHOLM | {"latitude": 91}]})
    },
    "adset.targeting.too_many": {
        "targeting": targeting(geo_locations={"cities": [{"key": str(key)} for key in range(251)]})
    },
    "adset.targeting.country_group": {"targeting": targeting(geo_locations={"country_groups": ["narnia"]})},
    "adset.targeting.age_range": {"targeting": targeting(age_min=12)},
    "adset.targeting.under_18": {"targeting": targeting(age_min=13, age_max=17, genders=[1])},
    "adset.targeting.connections": {"targeting": targeting(connections=[{"id": "7"}])},
    "adset.targeting.exclusions": {"targeting": targeting(exclusions={"interests": [{"id": "7"}]})},
    "adset.targeting.video_feeds": {"targeting": targeting(facebook_positions=["feed", "video_feeds"])},
    "adset.regional_identities.TH": {"targeting": targeting(geo_locations={"countries": ["TH"]})},
    "adset.regional_identities.BR": {
        "targeting": targeting(geo_locations={"cities": [{"key": "7", "country": "BR"}]})
    },
    "adset.bid_amount.above_budget": {
        "bid_strategy": "LOWEST_COST_WITH_BID_CAP",
        "bid_amount": 5000,
        "billing_event": "LINK_CLICKS",
    },
    "adset.budget.lifetime_too_low": {"daily_budget": None, "lifetime_budget": 10000, "end_time": 4102444800},
    "adset.budget.daily_too_short": {"start_time": 4102444800, "end_time": 4102444800 + 86400},
    "adset.attribution.window": {"attribution_spec": [{"event_type": "CLICK_THROUGH", "window_days": 7}]},
    "adset.frequency.goal": {
        "frequency_control_specs": [{"event": "IMPRESSIONS", "interval_days": 7, "max_frequency": 1}]
    },
    "adset.destination.objective": {"destination_type": "ON_AD"},
}

BROKEN_UPDATES: dict[str, dict[str, str]] = {
    "update.budget.too_low": {"daily_budget": "1"},
    "update.attribution": {"attribution_spec": '[{"event_type":"CLICK_THROUGH","window_days":1}]'},
}
ENUM_RULES = [rule for rule in RULES if rule.rule_id.partition("_v")[0].endswith(".enum")]
BROKEN_ENUMS = [
    rule.rule_id for rule in ENUM_RULES if rule.rule_id not in {*BROKEN_CAMPAIGNS, *BROKEN_ADSETS}
]
BROKEN_IN_OWN_TESTS = {
    "adlabels.account_full",
    "adset.account_full",
    "adset.budget.also_on_campaign",
    "adset.budget_sharing.uniform",
    "adset.dsa.payor",
    "adset.dsa.beneficiary",
    "adset.promoted_object.lead_terms",
    "adset.promoted_object.required",
    "adset.targeting.instagram_explore",
    "update.archived",
    "update.budget.both_levels",
    "update.deleted",
    "update.ended",
    "update.objective",
}


def test_every_rule_has_a_case_and_a_name_of_its_own() -> None:
    ids = [rule.rule_id for rule in RULES]
    assert len(ids) == len(set(ids))
    assert set(ids) == {
        *BROKEN_CAMPAIGNS,
        *BROKEN_ADSETS,
        *BROKEN_UPDATES,
        *BROKEN_ENUMS,
        *BROKEN_IN_OWN_TESTS,
    }
    assert len(ids) > 100


@pytest.mark.parametrize("rule_id", BROKEN_CAMPAIGNS)
def test_a_campaign_that_breaks_a_rule_is_refused(
    new_campaign: Create, http: httpx.Client, ledger: Ledger, rule_id: str
) -> None:
    _refused_by(rule_id, new_campaign(**BROKEN_CAMPAIGNS[rule_id]), ledger)
    assert http.get("/_sandbox/objects").json()["data"] == []


@pytest.mark.parametrize("rule_id", BROKEN_ADSETS)
def test_an_ad_set_that_breaks_a_rule_is_refused(
    new_campaign: Create, new_adset: Create, ledger: Ledger, rule_id: str
) -> None:
    campaign_id = new_campaign().json()["id"]
    changes = {"campaign_id": campaign_id} | BROKEN_ADSETS[rule_id]
    _refused_by(rule_id, new_adset(**changes), ledger)


@pytest.mark.parametrize("rule_id", BROKEN_UPDATES)
def test_a_change_that_breaks_a_rule_is_refused(
    graph: httpx.Client, new_campaign: Create, new_adset: Create, ledger: Ledger, rule_id: str
) -> None:
    adset_id = new_adset(new_campaign().json()["id"]).json()["id"]
    _refused_by(rule_id, graph.post(f"/{adset_id}", data=BROKEN_UPDATES[rule_id]), ledger)


@pytest.mark.parametrize("rule_id", BROKEN_ENUMS)
def test_a_value_that_the_specification_does_not_list_is_refused(
    graph: httpx.Client, new_campaign: Create, new_adset: Create, ledger: Ledger, rule_id: str
) -> None:
    """On every parameter of every create and update that has an enum there."""
    on, name, _ = rule_id.split(".")
    version = "v26.0" if rule_id.endswith("_v26") else "v25.0"
    campaign_id = new_campaign().json()["id"]
    path = {
        "campaign": f"{ACCOUNT}/campaigns",
        "adset": f"{ACCOUNT}/adsets",
        "campaign_update": campaign_id,
        "adset_update": new_adset(campaign_id).json()["id"],
    }[on]
    for value in ("NO_SUCH_VALUE", '["NO_SUCH_VALUE"]'):
        answer = graph.post(f"{graph.base_url.copy_with(path=f'/{version}')}/{path}", data={name: value})
        if "must be a string" not in answer.json()["error"]["message"]:
            break
    _refused_by(rule_id, answer, ledger)


def test_shapes_are_checked_before_required_and_required_before_business(
    new_campaign: Create, new_adset: Create, ledger: Ledger
) -> None:
    wrong: dict[str, Any] = {"daily_budget": 1, "lifetime_budget": 1, "name": None, "billing_event": "LOOKS"}
    campaign_id = new_campaign().json()["id"]
    _refused_by("adset.billing_event.enum", new_adset(campaign_id, **wrong), ledger)
    wrong["billing_event"] = "IMPRESSIONS"
    _refused_by("adset.name.required", new_adset(campaign_id, **wrong), ledger)
    wrong["name"] = "n"
    _refused_by("budget.daily_and_lifetime", new_adset(campaign_id, **wrong), ledger)


def test_a_budget_belongs_on_one_level(new_campaign: Create, new_adset: Create, ledger: Ledger) -> None:
    with_budget = new_campaign(daily_budget=10000, is_adset_budget_sharing_enabled=None, bid_strategy=LOWEST)
    campaign_id = with_budget.json()["id"]
    _refused_by("adset.budget.also_on_campaign", new_adset(campaign_id), ledger)
    assert new_adset(campaign_id, daily_budget=None).json()["id"].isdigit()


def test_ad_sets_that_share_budgets_are_alike(
    new_campaign: Create, new_adset: Create, ledger: Ledger
) -> None:
    sharing = new_campaign(is_adset_budget_sharing_enabled=True, bid_strategy=LOWEST).json()["id"]
    assert new_adset(sharing).status_code == 200
    other = {"daily_budget": None, "lifetime_budget": 10**8, "end_time": 4102444800}
    _refused_by("adset.budget_sharing.uniform", new_adset(sharing, **other), ledger)


@pytest.mark.parametrize(
    ("objective", "goal", "promoted", "needs"),
    [
        ("OUTCOME_SALES", "LINK_CLICKS", {}, True),
        ("OUTCOME_SALES", "LINK_CLICKS", {"pixel_id": "1"}, True),
        ("OUTCOME_SALES", "LINK_CLICKS", {"pixel_id": "1", "custom_event_type": "PURCHASE"}, False),
        ("OUTCOME_AWARENESS", "REACH", {}, True),
        ("OUTCOME_AWARENESS", "REACH", {"page_id": "1"}, False),
        ("OUTCOME_APP_PROMOTION", "APP_INSTALLS", {"page_id": "1"}, True),
        ("OUTCOME_ENGAGEMENT", "POST_ENGAGEMENT", {}, False),
        ("OUTCOME_TRAFFIC", "LANDING_PAGE_VIEWS", {}, False),
    ],
)
def test_objective_and_goal_say_what_the_promoted_object_needs(
    new_campaign: Create,
    new_adset: Create,
    ledger: Ledger,
    objective: str,
    goal: str,
    promoted: Any,
    needs: bool,
) -> None:
    campaign_id = new_campaign(objective=objective).json()["id"]
    answer = new_adset(campaign_id, optimization_goal=goal, promoted_object=promoted or None)
    if needs:
        _refused_by("adset.promoted_object.required", answer, ledger)
    else:
        assert answer.status_code == 200


def test_what_was_created_one_way_stays_so(
    graph: httpx.Client, new_campaign: Create, new_adset: Create, ledger: Ledger
) -> None:
    campaign_id = new_campaign().json()["id"]
    new_adset(campaign_id)
    _refused_by(
        "update.objective", graph.post(f"/{campaign_id}", data={"objective": "OUTCOME_SALES"}), ledger
    )
    _refused_by(
        "update.budget.both_levels", graph.post(f"/{campaign_id}", data={"daily_budget": "9999"}), ledger
    )
    graph.post(f"/{campaign_id}", data={"status": "ARCHIVED"}).raise_for_status()
    _refused_by("update.archived", graph.post(f"/{campaign_id}", data={"spend_cap": "999999"}), ledger)


def test_an_ad_set_that_has_ended_only_gets_a_new_end(
    login: Callable[..., str], new_campaign: Create, new_adset: Create, http: httpx.Client, ledger: Ledger
) -> None:
    adset_id = new_adset(new_campaign().json()["id"], end_time="4102444800").json()["id"]
    http.post("/_sandbox/settings", json={"clock_offset_seconds": 3_000_000_000}).raise_for_status()
    headers = {"authorization": f"Bearer {login()}"}
    _refused_by("update.ended", http.post(f"/v25.0/{adset_id}", headers=headers, data={"name": "n"}), ledger)
    later = http.post(f"/v25.0/{adset_id}", headers=headers, data={"end_time": "9999999999"})
    assert later.status_code == 200


def test_an_edit_that_adds_the_eu_needs_its_names(
    graph: httpx.Client, new_campaign: Create, new_adset: Create, ledger: Ledger
) -> None:
    abroad, home = targeting(geo_locations={"countries": ["US"]}), json.dumps(targeting())
    adset_id = new_adset(new_campaign(NO_DSA).json()["id"], NO_DSA, targeting=abroad).json()["id"]
    _refused_by("adset.dsa.payor", graph.post(f"/{adset_id}", data={"targeting": home}), ledger)
    names = {"dsa_payor": "P", "dsa_beneficiary": "B"}
    assert graph.post(f"/{adset_id}", data={"targeting": home, **names}).status_code == 200


def test_the_newest_goal_holds_for_the_newest_version_only(
    graph: httpx.Client, new_campaign: Create, http: httpx.Client
) -> None:
    headers = {"authorization": graph.headers["authorization"]}
    form = {"optimization_goal": "MESSAGING_DEEP_CONVERSATION_AND_FOLLOW"}
    told = [
        http.post(f"/{version}/{ACCOUNT}/adsets", headers=headers, data=form).json()["error"]["message"]
        for version in ("v25.0", "v26.0")
    ]
    assert "Param optimization_goal must be one of" in told[0]
    assert told[1] == "(#100) The parameter name is required."


@pytest.mark.parametrize(("version", "refused"), [("v25.0", False), ("v26.0", True)])
def test_housing_must_say_its_advantage_audience_since_v26(
    graph: httpx.Client, new_campaign: Create, http: httpx.Client, version: str, refused: bool
) -> None:
    housing = {"special_ad_categories": ["HOUSING"], "special_ad_category_country": ["SE"]}
    form = {
        "name": "n",
        "campaign_id": new_campaign(**housing).json()["id"],
        "daily_budget": "10000",
        "billing_event": "IMPRESSIONS",
        "optimization_goal": "LINK_CLICKS",
        "bid_strategy": LOWEST,
        "targeting": '{"geo_locations":{"countries":["SE"]}}',
    }
    headers = {"authorization": graph.headers["authorization"]}
    answer = http.post(f"/{version}/{ACCOUNT}/adsets", headers=headers, data=form).json()
    assert (answer.get("error", {}).get("error_subcode") == 1870227) is refused


def test_dsa_names_are_asked_for_payor_first(new_campaign: Create, new_adset: Create, ledger: Ledger) -> None:
    campaign_id = new_campaign(NO_DSA).json()["id"]
    neither = new_adset(campaign_id, NO_DSA)
    _refused_by("adset.dsa.payor", neither, ledger)
    assert neither.json()["error"]["error_data"] == '{"blame_field_specs":[["dsa_payor"]]}'
    assert neither.json()["error"]["type"] == "FacebookApiException"
    _refused_by("adset.dsa.beneficiary", new_adset(campaign_id, NO_DSA, dsa_payor="P"), ledger)
    assert new_adset(campaign_id, NO_DSA, dsa_payor="P", dsa_beneficiary="B").status_code == 200


@pytest.mark.parametrize(
    ("account", "budget", "floor"), [(ACCOUNT, 1, "kr10.50"), (USD, 99, "$1.00"), (JPY, 154, "¥155")]
)
def test_the_floor_is_told_in_the_accounts_currency(
    new_campaign: Create, new_adset: Create, account: str, budget: int, floor: str
) -> None:
    campaign_id = new_campaign(account).json()["id"]
    names = {"dsa_payor": "P", "dsa_beneficiary": "B"}
    error = new_adset(campaign_id, account, daily_budget=budget, **names).json()["error"]
    assert error["error_subcode"] == 1885272
    assert error["error_user_title"] == "Budget is too low"
    assert error["error_user_msg"] == (
        f"Your ad set budget must be more than {floor} or your ads may not be delivered."
    )


def _refused_by(rule_id: str, answer: httpx.Response, ledger: Ledger) -> None:
    """The answer is this rule's, and the ledger says so."""
    rule = _rule(rule_id)
    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["code"], error.get("error_subcode")) == (rule.code, rule.subcode)
    assert error.get("error_user_title") == rule.title
    entry = ledger(kind="call")[-1]
    assert (entry["rule"], entry["error_subcode"]) == (rule_id, rule.subcode)


def _rule(rule_id: str) -> Rule:
    return next(rule for rules in RULES_FOR.values() for rule in rules if rule.rule_id == rule_id)

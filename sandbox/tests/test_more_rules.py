"""Rules that need something to have happened first, and what becomes of a create that keeps them."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

ACCOUNT, NO_DSA, USD = "act_101500000000001", "act_101500000000002", "act_101500000000003"
LOWEST, CAPPED = "LOWEST_COST_WITHOUT_CAP", "LOWEST_COST_WITH_BID_CAP"
Create = Callable[..., httpx.Response]
Ledger = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def campaign_id(new_campaign: Create) -> str:
    made: str = new_campaign().json()["id"]
    return made


def reaching(*countries: str, **more: Any) -> dict[str, Any]:
    return {
        "geo_locations": {"countries": countries},
        "targeting_automation": {"advantage_audience": 0},
        **more,
    }


def refused_by(rule_id: str, answer: httpx.Response, ledger: Ledger) -> None:
    assert answer.status_code == 400, answer.text
    assert ledger(kind="call")[-1]["rule"] == rule_id


def test_an_account_holds_so_many_ad_sets_that_are_not_deleted(
    graph: httpx.Client, http: httpx.Client, campaign_id: str, new_adset: Create, ledger: Ledger
) -> None:
    assert http.get("/_sandbox/settings").json()["adsets_per_account"] == 5000
    http.post("/_sandbox/settings", json={"adsets_per_account": 2}).raise_for_status()
    first = new_adset(campaign_id).json()["id"]
    new_adset(campaign_id).raise_for_status()
    refused_by("adset.account_full", new_adset(campaign_id), ledger)
    graph.delete(f"/{first}").raise_for_status()
    assert new_adset(campaign_id).status_code == 200


def test_an_account_holds_so_many_labels(
    graph: httpx.Client, http: httpx.Client, new_campaign: Create, ledger: Ledger
) -> None:
    assert http.get("/_sandbox/settings").json()["labels_per_account"] == 100_000
    http.post("/_sandbox/settings", json={"labels_per_account": 1}).raise_for_status()
    new_campaign(adlabels=[{"name": "one"}]).raise_for_status()
    refused_by("adlabels.account_full", new_campaign(adlabels=[{"name": "two"}]), ledger)
    refused_by("adlabels.account_full", graph.post(f"/{ACCOUNT}/adlabels", data={"name": "two"}), ledger)
    new_campaign(adlabels=[{"name": "one"}]).raise_for_status()
    new_campaign(USD, adlabels=[{"name": "two"}]).raise_for_status()


def test_an_object_has_at_most_fifty_labels_one_by_one_too(
    graph: httpx.Client, new_campaign: Create, ledger: Ledger
) -> None:
    fifty = [{"name": f"label {number}"} for number in range(50)]
    campaign_id = new_campaign(adlabels=fifty).json()["id"]
    again, more = json.dumps(fifty[:1]), json.dumps([{"name": "one more"}])
    assert graph.post(f"/{campaign_id}/adlabels", data={"adlabels": again}).status_code == 200
    refused_by("adlabels.too_many", graph.post(f"/{campaign_id}/adlabels", data={"adlabels": more}), ledger)


def test_a_lead_form_needs_its_pages_terms(
    http: httpx.Client, new_campaign: Create, new_adset: Create, ledger: Ledger
) -> None:
    campaign_id = new_campaign(objective="OUTCOME_LEADS").json()["id"]
    form = {"optimization_goal": "LEAD_GENERATION", "promoted_object": {"page_id": "77"}}
    assert new_adset(campaign_id, **form).status_code == 200
    http.post("/_sandbox/settings", json={"pages_without_lead_terms": ["77"]}).raise_for_status()
    refused = new_adset(campaign_id, **form)
    assert refused.json()["error"]["error_subcode"] == 1815089
    refused_by("adset.promoted_object.lead_terms", refused, ledger)
    assert new_adset(campaign_id, **form | {"promoted_object": {"page_id": "78"}}).status_code == 200


def test_whatsapp_needs_a_page(campaign_id: str, new_adset: Create, ledger: Ledger) -> None:
    refused_by("adset.promoted_object.required", new_adset(campaign_id, destination_type="WHATSAPP"), ledger)
    page = {"destination_type": "WHATSAPP", "promoted_object": {"page_id": "77"}}
    assert new_adset(campaign_id, **page).status_code == 200


def test_politics_need_an_authorized_person(http: httpx.Client, new_campaign: Create) -> None:
    form = {
        "special_ad_categories": ["ISSUES_ELECTIONS_POLITICS"],
        "special_ad_category_country": ["SE"],
    }
    assert new_campaign(**form).json()["error"]["error_subcode"] == 2708008
    http.post("/_sandbox/settings", json={"political_authorization": True}).raise_for_status()
    assert new_campaign(**form).status_code == 200


def test_thailand_and_brazil_are_reached_with_identities(
    new_campaign: Create, new_adset: Create, graph: httpx.Client
) -> None:
    campaign_id = new_campaign().json()["id"]
    identities = {"brazil_universal_beneficiary": "7", "brazil_universal_payer": "7"}
    made = new_adset(campaign_id, targeting=reaching("BR"), regional_regulation_identities=identities)
    assert made.status_code == 200
    again = graph.post(f"/{made.json()['id']}", data={"targeting": json.dumps(reaching("BR", age_min=20))})
    assert again.status_code == 200
    there = graph.post(
        f"/{new_adset(campaign_id).json()['id']}", data={"targeting": json.dumps(reaching("TH"))}
    )
    assert there.json()["error"]["error_subcode"] == 3858634


@pytest.mark.parametrize(("version", "status"), [("v25.0", 200), ("v26.0", 400)])
def test_instagrams_explore_page_is_gone_since_v26(
    *, graph: httpx.Client, http: httpx.Client, campaign_id: str, ledger: Ledger, version: str, status: int
) -> None:
    form = {
        "name": "n",
        "campaign_id": campaign_id,
        "daily_budget": "10000",
        "billing_event": "IMPRESSIONS",
        "optimization_goal": "LINK_CLICKS",
        "bid_strategy": LOWEST,
        "targeting": json.dumps(reaching("SE", instagram_positions=["stream", "explore"])),
    }
    headers = {"authorization": graph.headers["authorization"]}
    answer = http.post(f"/{version}/{ACCOUNT}/adsets", headers=headers, data=form)
    assert answer.status_code == status
    if status == 400:
        refused_by("adset.targeting.instagram_explore", answer, ledger)


def test_a_campaign_budget_without_a_strategy_is_capped_so_its_ad_sets_need_an_amount(
    graph: httpx.Client, new_campaign: Create, new_adset: Create
) -> None:
    made = new_campaign(daily_budget=10000, is_adset_budget_sharing_enabled=None).json()["id"]
    assert graph.get(f"/{made}", params={"fields": "bid_strategy"}).json()["bid_strategy"] == CAPPED
    adset = {"daily_budget": None, "bid_strategy": None}
    assert new_adset(made, **adset).json()["error"]["error_subcode"] == 1815857
    assert new_adset(made, **adset, bid_amount=100).status_code == 200


def test_a_bid_amount_alone_is_a_bid_cap(graph: httpx.Client, campaign_id: str, new_adset: Create) -> None:
    made = new_adset(campaign_id, bid_strategy=None, bid_amount=100).json()["id"]
    assert graph.get(f"/{made}", params={"fields": "bid_strategy"}).json()["bid_strategy"] == CAPPED


def test_one_number_takes_a_spend_cap_away(graph: httpx.Client, new_campaign: Create) -> None:
    made = new_campaign(spend_cap=200_000).json()["id"]
    fields = {"fields": "spend_cap"}
    assert graph.get(f"/{made}", params=fields).json()["spend_cap"] == "200000"
    graph.post(f"/{made}", data={"spend_cap": "922337203685478"}).raise_for_status()
    assert graph.get(f"/{made}", params=fields).json() == {"id": made}


def test_names_for_the_eu_are_dropped_elsewhere_and_filled_by_an_edit_that_adds_it(
    graph: httpx.Client, campaign_id: str, new_adset: Create
) -> None:
    fields = {"fields": "dsa_payor,dsa_beneficiary"}
    made = new_adset(campaign_id, targeting=reaching("US"), dsa_payor="P", dsa_beneficiary="B").json()["id"]
    assert graph.get(f"/{made}", params=fields).json() == {"id": made}
    graph.post(
        f"/{made}", data={"targeting": json.dumps(reaching("SE")), "dsa_payor": "P"}
    ).raise_for_status()
    told = graph.get(f"/{made}", params=fields).json()
    assert (told["dsa_payor"], told["dsa_beneficiary"]) == ("P", "Lindqvist Bageri AB")


def test_a_name_for_the_eu_cannot_be_taken_away(
    graph: httpx.Client, new_campaign: Create, new_adset: Create, ledger: Ledger
) -> None:
    names = {"dsa_payor": "P", "dsa_beneficiary": "B"}
    made = new_adset(new_campaign(NO_DSA).json()["id"], NO_DSA, **names).json()["id"]
    refused_by("adset.dsa.beneficiary", graph.post(f"/{made}", data={"dsa_beneficiary": ""}), ledger)
    assert graph.post(f"/{made}", data={"name": "n"}).status_code == 200


def test_an_ad_set_may_bring_its_campaign_along(
    graph: httpx.Client, http: httpx.Client, new_adset: Create
) -> None:
    spec = {"name": "along", "objective": "OUTCOME_TRAFFIC", "status": "PAUSED", "special_ad_categories": []}
    refused = new_adset("", campaign_spec=spec).json()["error"]
    assert refused["error_subcode"] == 4834011
    whole = spec | {"is_adset_budget_sharing_enabled": False}
    only = new_adset("", campaign_spec=whole, execution_options=["validate_only"])
    assert only.json() == {"success": True}
    assert http.get("/_sandbox/objects").json()["data"] == []
    made = new_adset("", campaign_spec=whole).json()["id"]
    above = graph.get(f"/{made}", params={"fields": "campaign{name,status}"}).json()["campaign"]
    assert (above["name"], above["status"]) == ("along", "PAUSED")


@pytest.mark.parametrize(
    "wrong", ["soon", "2026-13-01", "", "12345678901", "9999-12-31T23:59:59Z", "1969-12-31"]
)
def test_what_is_no_time_is_refused_by_its_type(campaign_id: str, new_adset: Create, wrong: str) -> None:
    error = new_adset(campaign_id, end_time=wrong).json()["error"]
    assert error["message"] == "(#100) Param end_time must be a datetime string or a unix timestamp."


def test_a_date_format_is_refused(graph: httpx.Client, campaign_id: str) -> None:
    told = graph.get(f"/{campaign_id}", params={"fields": "created_time", "date_format": "U"}).json()
    assert told["error"]["message"] == "(#100) Param date_format is no longer supported."


def test_limits_of_other_use_cases_have_no_subcode(graph: httpx.Client, http: httpx.Client) -> None:
    http.post("/_sandbox/faults", json={"do": "throttle", "code": 80001}).raise_for_status()
    error = graph.get(f"/{ACCOUNT}").json()["error"]
    assert (error["code"], error.get("error_subcode"), error.get("error_user_title")) == (80001, None, None)


def test_every_answer_has_the_numbers_that_meta_asks_for_in_a_report(graph: httpx.Client) -> None:
    for path in ("/me", "/nonsense"):
        assert {"x-fb-request-id", "x-fb-rev", "x-fb-trace-id"} <= graph.get(path).headers.keys()

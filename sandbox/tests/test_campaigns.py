import hmac
import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest

ACCOUNT = "act_101500000000001"
Create = Callable[..., httpx.Response]
Ledger = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def campaign_id(new_campaign: Create) -> str:
    found: str = new_campaign().json()["id"]
    return found


def test_the_pair_of_requests_we_publish_makes_a_paused_campaign_and_ad_set(
    graph: httpx.Client, new_campaign: Create, new_adset: Create
) -> None:
    campaign_id = new_campaign().json()["id"]
    adset_id = new_adset(campaign_id).json()["id"]
    assert campaign_id.startswith("1202")
    fields = (
        "name,status,effective_status,campaign_id,daily_budget,adlabels,dsa_payor,dsa_beneficiary,targeting"
    )
    adset = graph.get(f"/{adset_id}/", params={"fields": fields}).json()
    assert adset["name"] == "Project Auto - Test Ad Set"
    assert (adset["status"], adset["effective_status"]) == ("PAUSED", "PAUSED")
    assert adset["campaign_id"] == campaign_id
    assert adset["daily_budget"] == "10000"
    assert adset["dsa_payor"] == adset["dsa_beneficiary"] == "Lindqvist Bageri AB"
    assert adset["adlabels"][0].keys() == {"id", "name", "created_time", "updated_time"}
    assert adset["adlabels"][0]["name"] == "pa-run-1"
    assert adset["targeting"]["geo_locations"] == {"countries": ["SE"]}


def test_parameters_may_come_by_query_json_or_multipart_and_slashes_may_trail(graph: httpx.Client) -> None:
    values = {
        "name": "n",
        "objective": "OUTCOME_TRAFFIC",
        "status": "PAUSED",
        "special_ad_categories": "[]",
        "is_adset_budget_sharing_enabled": "false",
    }
    path = f"/{ACCOUNT}/campaigns/"
    native = {**values, "special_ad_categories": [], "is_adset_budget_sharing_enabled": False}
    parts = {name: (None, value) for name, value in values.items()}
    for answer in (
        graph.post(path, params=values),
        graph.post(path, json=native),
        graph.post(path, files=parts),
    ):
        assert answer.json()["id"].isdigit()


def test_the_token_may_come_by_header_query_or_body(
    graph: httpx.Client, http: httpx.Client, ledger: Ledger
) -> None:
    token = graph.headers["authorization"].removeprefix("Bearer ")
    assert http.get("/v25.0/me", params={"access_token": token}).status_code == 200
    assert http.post(f"/v25.0/{ACCOUNT}", data={"access_token": token}).status_code == 200
    assert graph.get("/me").status_code == 200
    assert [entry["token_in_url"] for entry in ledger(kind="call")[-3:]] == [True, False, False]


def test_the_same_post_twice_makes_two_campaigns(new_campaign: Create) -> None:
    assert new_campaign().json()["id"] != new_campaign().json()["id"]


def test_validate_only_checks_and_stores_nothing(new_campaign: Create, http: httpx.Client) -> None:
    assert new_campaign(execution_options=["validate_only"]).json() == {"success": True}
    refused = new_campaign(execution_options=["validate_only"], is_adset_budget_sharing_enabled=None)
    assert refused.json()["error"]["error_subcode"] == 4834011
    assert http.get("/_sandbox/objects").json()["data"] == []


def test_a_listing_is_newest_first_and_hides_archived_and_deleted(
    graph: httpx.Client, new_campaign: Create
) -> None:
    ids = [new_campaign(name=f"c{number}").json()["id"] for number in range(4)]
    graph.post(f"/{ids[1]}", data={"status": "ARCHIVED"}).raise_for_status()
    graph.delete(f"/{ids[2]}").raise_for_status()

    def listed(**params: str) -> list[str]:
        rows = graph.get(f"/{ACCOUNT}/campaigns", params=params).json()["data"]
        return [row["id"] for row in rows]

    assert listed() == [ids[3], ids[0]]
    assert listed(effective_status='["ARCHIVED","DELETED"]') == [ids[2], ids[1]]
    deleted = json.dumps([{"field": "effective_status", "operator": "IN", "value": ["DELETED"]}])
    assert listed(filtering=deleted) == [ids[2]]


def test_a_page_survives_an_item_that_stops_matching(graph: httpx.Client, new_campaign: Create) -> None:
    ids = [new_campaign().json()["id"] for _ in range(4)]
    page = graph.get(f"/{ACCOUNT}/campaigns", params={"limit": 2}).json()
    graph.delete(f"/{ids[2]}").raise_for_status()
    after = page["paging"]["cursors"]["after"]
    rest = graph.get(f"/{ACCOUNT}/campaigns", params={"limit": 2, "after": after}).json()
    assert [row["id"] for row in rest["data"]] == [ids[1], ids[0]]
    assert "next" not in rest["paging"]


@pytest.mark.parametrize(
    ("field", "operator", "value", "found"),
    [
        ("name", "CONTAIN", "alph", ["Alpha 1", "Alpha 2"]),
        ("name", "NOT_CONTAIN", "alph", ["Beta"]),
        ("name", "EQUAL", "Beta", ["Beta"]),
        ("name", "IN", ["Beta", "Alpha 1"], ["Alpha 1", "Beta"]),
        ("created_time", "GREATER_THAN", 1_000_000_000, ["Alpha 1", "Alpha 2", "Beta"]),
        ("created_time", "LESS_THAN", 1_000_000_000, []),
        ("created_time", "IN_RANGE", [0, 99_999_999_999], ["Alpha 1", "Alpha 2", "Beta"]),
        ("created_time", "GREATER_THAN", "soon", []),
        ("effective_status", "IN", ["PAUSED"], ["Alpha 1", "Alpha 2", "Beta"]),
        ("adlabels", "ANY", ["red", "blue"], ["Alpha 1", "Alpha 2"]),
        ("adlabels", "ALL", ["red", "blue"], ["Alpha 2"]),
        ("adlabels", "NONE", ["red", "blue"], ["Beta"]),
    ],
)
def test_filtering_finds_what_it_says(
    *, graph: httpx.Client, new_campaign: Create, field: str, operator: str, value: Any, found: list[str]
) -> None:
    new_campaign(name="Alpha 1", adlabels=[{"name": "red"}])
    new_campaign(name="Alpha 2", adlabels=[{"name": "red"}, {"name": "blue"}])
    new_campaign(name="Beta", adlabels=[{"name": "reddish"}])
    filtering = json.dumps([{"field": field, "operator": operator, "value": value}])
    rows = graph.get(f"/{ACCOUNT}/campaigns", params={"filtering": filtering, "fields": "name"}).json()
    assert sorted(row["name"] for row in rows["data"]) == found


def test_labels_find_campaigns_and_ad_sets(
    graph: httpx.Client, new_campaign: Create, new_adset: Create
) -> None:
    campaign_id = new_campaign().json()["id"]
    adset_id = new_adset(campaign_id).json()["id"]
    labels = graph.get(f"/{ACCOUNT}/adlabels").json()["data"]
    assert [label["name"] for label in labels] == ["pa-run-1"]
    by_name = {"ad_label_ids": '["pa-run-1"]'}
    by_id = {"ad_label_ids": json.dumps([labels[0]["id"]]), "operator": "ALL"}
    for params in (by_name, by_id):
        assert graph.get(f"/{ACCOUNT}/campaignsbylabels", params=params).json()["data"] == [
            {"id": campaign_id}
        ]
        assert graph.get(f"/{ACCOUNT}/adsetsbylabels", params=params).json()["data"] == [{"id": adset_id}]
    nothing = graph.get(f"/{ACCOUNT}/campaignsbylabels", params={"ad_label_ids": '["pa-run"]'}).json()
    assert nothing == {"data": []}


def test_an_ad_set_follows_its_campaign(graph: httpx.Client, campaign_id: str, new_adset: Create) -> None:
    adset_id = new_adset(campaign_id, status="ACTIVE").json()["id"]

    def state() -> tuple[str, str]:
        found = graph.get(f"/{adset_id}", params={"fields": "status,effective_status"}).json()
        return found["status"], found["effective_status"]

    assert state() == ("ACTIVE", "CAMPAIGN_PAUSED")
    graph.post(f"/{campaign_id}", data={"status": "ACTIVE"}).raise_for_status()
    assert state() == ("ACTIVE", "ACTIVE")
    graph.delete(f"/{campaign_id}").raise_for_status()
    assert state() == ("ACTIVE", "DELETED")
    assert graph.get(f"/{campaign_id}/adsets").json() == {"data": []}
    seen = graph.get(f"/{campaign_id}/adsets", params={"effective_status": '["DELETED"]'}).json()
    assert seen["data"] == [{"id": adset_id}]


def test_a_deleted_object_can_be_read_but_not_changed(graph: httpx.Client, campaign_id: str) -> None:
    assert graph.delete(f"/{campaign_id}").json() == {"success": True}
    assert graph.get(f"/{campaign_id}", params={"fields": "status"}).json()["status"] == "DELETED"
    assert graph.post(f"/{campaign_id}", data={"status": "ACTIVE"}).json()["error"]["code"] == 100


def test_fields_expand_into_the_campaign_and_its_ad_sets(
    graph: httpx.Client, campaign_id: str, new_adset: Create
) -> None:
    adset_id = new_adset(campaign_id).json()["id"]
    down = graph.get(f"/{campaign_id}", params={"fields": "adsets{name,status}"}).json()
    up = graph.get(f"/{adset_id}", params={"fields": "campaign{name}"}).json()
    assert down["adsets"]["data"][0]["status"] == "PAUSED"
    assert up["campaign"] == {"id": campaign_id, "name": "Project Auto - Test Campaign"}


def test_created_time_is_whole_seconds_in_the_accounts_offset(graph: httpx.Client, campaign_id: str) -> None:
    text = graph.get(f"/{campaign_id}", params={"fields": "created_time"}).json()["created_time"]
    assert text.endswith("+0100")
    assert len(text) == len("2026-11-22T14:00:00+0100")


def test_times_are_read_as_graph_writes_them_however_they_were_sent(
    graph: httpx.Client, campaign_id: str, new_adset: Create
) -> None:
    fields = {"fields": "start_time,end_time,created_time"}
    open_end = graph.get(f"/{new_adset(campaign_id, end_time=0).json()['id']}", params=fields).json()
    assert open_end["start_time"] == open_end["created_time"]
    assert "end_time" not in open_end
    for end in (4102444800, "2100-01-01T00:00:00Z", "2100-01-01T00:00:00", "2099-12-31T16:00:00-0800"):
        made = new_adset(campaign_id, end_time=end).json()["id"]
        assert graph.get(f"/{made}", params=fields).json()["end_time"] == "2100-01-01T01:00:00+0100"


def test_each_missing_dsa_field_is_filled_from_its_own_default(
    graph: httpx.Client, campaign_id: str, new_adset: Create
) -> None:
    adset_id = new_adset(campaign_id, dsa_payor="Other Payor").json()["id"]
    found = graph.get(f"/{adset_id}", params={"fields": "dsa_payor,dsa_beneficiary"}).json()
    assert (found["dsa_payor"], found["dsa_beneficiary"]) == ("Other Payor", "Lindqvist Bageri AB")


def test_outside_the_eu_no_dsa_names_are_needed(
    graph: httpx.Client, new_campaign: Create, new_adset: Create
) -> None:
    account = "act_101500000000003"
    campaign_id = new_campaign(account).json()["id"]
    targeting = {"geo_locations": {"countries": ["US"]}, "targeting_automation": {"advantage_audience": 0}}
    assert new_adset(campaign_id, account, targeting=targeting).json()["id"].isdigit()


def test_a_plain_and_a_timed_proof_are_accepted(graph: httpx.Client, http: httpx.Client) -> None:
    http.post("/_sandbox/settings", json={"require_proof": True})
    token = graph.headers["authorization"].removeprefix("Bearer ")
    now = int(time.time())
    assert graph.get("/me").json()["error"]["code"] == 100
    assert graph.get("/me", params={"appsecret_proof": _proof(token)}).status_code == 200
    for stamp in (now, now - 290):
        timed = {"appsecret_proof": _proof(f"{token}|{stamp}"), "appsecret_time": str(stamp)}
        assert graph.get("/me", params=timed).status_code == 200


@pytest.mark.parametrize("age_seconds", [310, -60])
def test_a_stamp_too_old_or_from_the_future_is_refused(
    graph: httpx.Client, ledger: Ledger, age_seconds: int
) -> None:
    token = graph.headers["authorization"].removeprefix("Bearer ")
    stamp = int(time.time()) - age_seconds
    timed = {"appsecret_proof": _proof(f"{token}|{stamp}"), "appsecret_time": str(stamp)}
    error = graph.get("/me", params=timed).json()["error"]
    assert (error["code"], error["type"]) == (100, "GraphMethodException")
    assert ledger(kind="call")[-1]["note"] == ("proof_expired" if age_seconds > 0 else "proof_from_future")


def _proof(text: str) -> str:
    return hmac.new(b"test-app-secret", text.encode(), sha256).hexdigest()


def test_edges_are_read_as_fields_of_accounts_and_people(
    graph: httpx.Client, campaign_id: str, new_adset: Create
) -> None:
    adset_id = new_adset(campaign_id).json()["id"]
    gone = new_adset(campaign_id).json()["id"]
    graph.delete(f"/{gone}").raise_for_status()
    fields = {"fields": "currency,campaigns{name},adsets.limit(5){campaign{id}}"}
    read = graph.get(f"/{ACCOUNT}", params=fields).json()
    assert [one["id"] for one in read["campaigns"]["data"]] == [campaign_id]
    assert read["adsets"]["data"] == [{"campaign": {"id": campaign_id}, "id": adset_id}]
    below = graph.get(f"/{campaign_id}", params={"fields": "adsets"}).json()["adsets"]["data"]
    assert below == [{"id": adset_id}]
    me = graph.get("/me", params={"fields": "name,adaccounts{currency}"}).json()
    assert len(me["adaccounts"]["data"]) == 7
    assert me["adaccounts"]["data"][0]["currency"] == "SEK"

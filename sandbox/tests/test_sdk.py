"""Meta's official client drives the sandbox over HTTP: it was not written by us, so it is the judge."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adlabel import AdLabel
from facebook_business.adobjects.adset import AdSet
from facebook_business.adobjects.campaign import Campaign
from facebook_business.adobjects.user import User
from facebook_business.api import FacebookAdsApi

from graph_sandbox.state import App

ACCOUNT, EMPTY = "act_101500000000001", "act_101500000000002"
APP = App("100000000000001", "test-app-secret", ("http://localhost:3001/meta/oauth/callback",))
CAMPAIGN: dict[str, Any] = {
    "name": "By the SDK",
    "objective": Campaign.Objective.outcome_traffic,
    "status": Campaign.Status.paused,
    "special_ad_categories": [],
    "is_adset_budget_sharing_enabled": False,
}
ADSET: dict[str, Any] = {
    "name": "By the SDK",
    "status": AdSet.Status.paused,
    "daily_budget": 10000,
    "billing_event": AdSet.BillingEvent.impressions,
    "optimization_goal": AdSet.OptimizationGoal.link_clicks,
    "bid_strategy": AdSet.BidStrategy.lowest_cost_without_cap,
    "targeting": {
        "geo_locations": {"countries": ["SE"]},
        "targeting_automation": {"advantage_audience": 0},
    },
}
Connect = Callable[..., FacebookAdsApi]


@pytest.fixture
def api(connect: Connect) -> FacebookAdsApi:
    return connect()


@pytest.fixture
def account(api: FacebookAdsApi) -> AdAccount:
    return AdAccount(ACCOUNT, api=api)


@pytest.fixture
def campaign(account: AdAccount) -> Campaign:
    return account.create_campaign(params=CAMPAIGN)


def new_adset(account: AdAccount, campaign: Campaign, **changes: Any) -> AdSet:
    made = account.create_ad_set(params={**ADSET, "campaign_id": campaign["id"], **changes})
    return AdSet(made["id"], api=account.get_api())


def test_the_sdk_logs_in_with_a_code_and_makes_the_token_long(
    decide: Callable[..., dict[str, str]], connect: Connect
) -> None:
    anyone = connect(anyone=True)
    app = {"client_id": APP.app_id, "client_secret": APP.app_secret}
    code = {"redirect_uri": APP.redirect_uris[0], "code": decide(persona="ada")["code"]}
    short = anyone.call("GET", ("oauth", "access_token"), params={**app, **code}).json()
    exchange = {"grant_type": "fb_exchange_token", "fb_exchange_token": short["access_token"]}
    long = anyone.call("GET", ("oauth", "access_token"), params={**app, **exchange}).json()
    assert long["expires_in"] > 50 * 86400 > short["expires_in"]
    me = User("me", api=connect(token=long["access_token"])).api_get(fields=["id", "name"])
    assert me["name"] == "Ada Lindqvist"


def test_the_sdk_inspects_a_token_as_the_app(connect: Connect, login: Callable[..., str]) -> None:
    app = connect(token=f"{APP.app_id}|{APP.app_secret}", secret="")
    found = app.call("GET", ("debug_token",), params={"input_token": login()}).json()["data"]
    assert found["is_valid"]
    assert "ads_management" in found["scopes"]


def test_the_sdk_pages_through_sixty_ad_accounts(connect: Connect, ledger: Callable[..., Any]) -> None:
    cursor = User("me", api=connect("ben")).get_ad_accounts(
        fields=["id", "name", "currency"], params={"limit": 25}
    )
    found = list(cursor)
    assert len({one["id"] for one in found}) == 60
    assert cursor.total() == 60
    calls = [entry for entry in ledger(kind="call") if entry["path"] == "/me/adaccounts"]
    assert len(calls) == 3


def test_the_sdk_reads_and_takes_back_permissions(api: FacebookAdsApi) -> None:
    granted = {one["permission"]: one["status"] for one in User("me", api=api).get_permissions()}
    assert granted["ads_management"] == "granted"
    User("me", api=api).delete_permissions(params={"permission": "ads_management"})
    again = {one["permission"]: one["status"] for one in User("me", api=api).get_permissions()}
    assert again["ads_management"] == "declined"


def test_the_sdk_creates_reads_changes_and_deletes_a_campaign(account: AdAccount, campaign: Campaign) -> None:
    fields = ["name", "status", "effective_status", "objective", "created_time", "special_ad_categories"]
    read = campaign.api_get(fields=fields)
    assert (read["name"], read["status"], read["effective_status"]) == ("By the SDK", "PAUSED", "PAUSED")
    assert read["special_ad_categories"] == []
    campaign.api_update(params={"name": "Renamed", "status": Campaign.Status.archived})
    again = Campaign(campaign["id"], api=account.get_api()).api_get(fields=["name", "status"])
    assert again.export_all_data() == {"id": campaign["id"], "name": "Renamed", "status": "ARCHIVED"}
    campaign.api_delete()
    assert campaign.api_get(fields=["status"])["status"] == "DELETED"
    assert list(account.get_campaigns(fields=["id"])) == []


def test_the_sdk_gets_the_fields_it_asks_for_with_a_create(account: AdAccount) -> None:
    made = account.create_campaign(fields=["name", "status"], params=CAMPAIGN)
    assert made.export_all_data() == {"id": made["id"], "name": "By the SDK", "status": "PAUSED"}


def test_the_sdk_validates_without_creating(
    account: AdAccount, http: httpx.Client, ledger: Callable[..., Any]
) -> None:
    only = {"execution_options": ["validate_only"]}
    answer = account.create_campaign(params={**CAMPAIGN, **only})
    assert answer.get_id() is None
    assert ledger(kind="call")[-1]["http_status"] == 200
    assert http.get("/_sandbox/objects").json()["data"] == []


def test_the_sdk_creates_ad_sets_below_a_campaign(account: AdAccount, campaign: Campaign) -> None:
    adset = new_adset(account, campaign)
    fields = "name,daily_budget,targeting,campaign{name},dsa_payor,dsa_beneficiary"
    read = adset.api_get(params={"fields": fields})
    assert read["daily_budget"] == "10000"
    assert read["targeting"]["geo_locations"]["countries"] == ["SE"]
    assert read["campaign"]["name"] == "By the SDK"
    assert read["dsa_payor"] == "Lindqvist Bageri AB"
    assert [one["id"] for one in campaign.get_ad_sets()] == [adset["id"]]
    assert [one["id"] for one in account.get_ad_sets()] == [adset["id"]]
    adset.api_update(params={"daily_budget": 20000})
    assert adset.api_get(fields=["daily_budget"])["daily_budget"] == "20000"
    adset.api_delete()
    assert list(campaign.get_ad_sets()) == []


def test_the_sdk_filters_by_name_and_status(account: AdAccount) -> None:
    ids = [account.create_campaign(params={**CAMPAIGN, "name": f"n-{index}"})["id"] for index in range(3)]
    one = [{"field": "name", "operator": "CONTAIN", "value": "n-1"}]
    found = account.get_campaigns(fields=["name"], params={"filtering": one})
    assert [row["id"] for row in found] == [ids[1]]
    Campaign(ids[0], api=account.get_api()).api_update(params={"status": "ARCHIVED"})
    archived = account.get_campaigns(params={"effective_status": ["ARCHIVED"]})
    assert [row["id"] for row in archived] == [ids[0]]
    first = account.get_campaigns(params={"limit": 1})
    assert [row["id"] for row in first] == [ids[2], ids[1]]


def test_the_sdk_expands_edges_that_are_cut(account: AdAccount, campaign: Campaign) -> None:
    """By a plain call: the SDK's own nodes take an edge named campaigns, adsets or ads for themselves."""
    adsets = [new_adset(account, campaign, name=f"a-{index}")["id"] for index in range(3)]
    fields = "name,adsets.limit(2){name,campaign{name}}"
    read = account.get_api().call("GET", (campaign["id"],), params={"fields": fields}).json()
    assert [one["id"] for one in read["adsets"]["data"]] == [adsets[2], adsets[1]]
    assert read["adsets"]["data"][0]["campaign"]["name"] == "By the SDK"
    assert read["adsets"]["paging"].keys() == {"cursors", "next"}


def test_the_sdk_works_with_labels(account: AdAccount, api: FacebookAdsApi, campaign: Campaign) -> None:
    label = account.create_ad_label(params={"name": "spring"})
    campaign.create_ad_label(params={"adlabels": [{"id": label["id"]}, {"name": "summer"}]})
    read = campaign.api_get(fields=["adlabels"])
    assert sorted(one["name"] for one in read["adlabels"]) == ["spring", "summer"]
    assert [one["name"] for one in account.get_ad_labels(fields=["name"])] == ["spring", "summer"]
    by_id = account.get_campaigns_by_labels(params={"ad_label_ids": [label["id"]], "operator": "ALL"})
    assert [one["id"] for one in by_id] == [campaign["id"]]
    node = AdLabel(label["id"], api=api)
    assert [one["id"] for one in node.get_campaigns()] == [campaign["id"]]
    assert list(node.get_ad_sets()) == []
    node.api_update(params={"name": "autumn"})
    assert node.api_get(fields=["name"])["name"] == "autumn"
    node.api_delete()
    assert [one["name"] for one in campaign.api_get(fields=["adlabels"])["adlabels"]] == ["summer"]


def test_the_sdk_reads_an_accounts_facts(account: AdAccount, campaign: Campaign) -> None:
    read = account.api_get(fields=["name", "currency", "account_status", "default_dsa_payor", "user_tasks"])
    assert (read["currency"], read["account_status"]) == ("SEK", 1)
    floors = {row["currency"]: row["min_daily_budget_imp"] for row in account.get_minimum_budgets()}
    assert floors["SEK"] == 1050
    assert next(iter(account.get_dsa_recommendations()))["recommendations"] == ["Lindqvist Bageri AB"]
    account.api_update(params={"default_dsa_payor": "Another AB"})
    assert account.api_get(fields=["default_dsa_payor"])["default_dsa_payor"] == "Another AB"
    told = account.get_activities(fields=["event_type", "object_id", "event_time"])
    assert [(row["event_type"], row["object_id"]) for row in told] == [
        ("create_campaign_group", campaign["id"])
    ]


def test_the_insights_of_an_empty_account_are_empty(account: AdAccount, campaign: Campaign) -> None:
    assert list(account.get_insights(fields=["spend", "impressions"])) == []
    cursor = campaign.get_insights(fields=["spend"])
    assert list(cursor) == []
    assert "acc_id_util_pct" in cursor.headers()["x-fb-ads-insights-throttle"]


def test_a_batch_creates_reads_and_refuses_each_on_its_own(account: AdAccount, api: FacebookAdsApi) -> None:
    good: list[dict[str, Any]] = []
    bad: list[dict[str, Any]] = []
    batch = api.new_batch()
    for changes in ({}, {"objective": "LINK_CLICKS"}, {"name": "third"}):
        request = account.create_campaign(params={**CAMPAIGN, **changes}, pending=True)
        batch.add_request(
            request,
            success=lambda told: good.append(told.json()),
            failure=lambda told: bad.append(told.json()),
        )
    assert batch.execute() is None
    assert len(good) == 2
    assert bad[0]["error"]["message"].startswith("(#100) Objective LINK_CLICKS is invalid")
    assert len(list(account.get_campaigns())) == 2


def test_a_batch_makes_a_campaign_with_an_ad_set_and_looks_both_up(
    api: FacebookAdsApi, account: AdAccount, campaign: Campaign
) -> None:
    """References stand in addresses and in encoded forms, and point into lists."""

    def form(params: dict[str, Any]) -> str:
        return str(
            httpx.QueryParams({key: v if isinstance(v, str) else json.dumps(v) for key, v in params.items()})
        )

    adset = {**ADSET, "campaign_id": "{result=made:$.id}"}
    names = "[{result=all:$.data.*.id}]"
    filtering = '[{"field":"id","operator":"IN","value":' + names + "}]"
    members = [
        {"method": "POST", "relative_url": f"{ACCOUNT}/campaigns", "body": form(CAMPAIGN), "name": "made"},
        {"method": "POST", "relative_url": f"{ACCOUNT}/adsets", "body": form(adset)},
        {"method": "GET", "relative_url": f"{ACCOUNT}/campaigns", "name": "all"},
        {"method": "GET", "relative_url": f"{ACCOUNT}/campaigns?{form({'filtering': filtering})}"},
        {"method": "GET", "relative_url": "{result=all:$.data[1].id}?fields=name"},
        {"method": "GET", "relative_url": "{result=all:$.data[7].id}?fields=name"},
    ]
    answers = api.call("POST", (), params={"batch": members}).json()
    assert answers[0] is answers[2] is None
    made = json.loads(answers[1]["body"])["id"]
    assert [one["id"] for one in account.get_ad_sets()] == [made]
    found = json.loads(answers[3]["body"])["data"]
    assert [one["id"] for one in found] == [one["id"] for one in account.get_campaigns()]
    assert json.loads(answers[4]["body"])["id"] == campaign["id"]
    assert answers[5]["code"] == 400


def test_a_member_that_breaks_is_null_and_the_sdk_hands_it_back(
    account: AdAccount, api: FacebookAdsApi, http: httpx.Client
) -> None:
    """As at Meta, the object of a lost member may exist all the same."""
    http.post("/_sandbox/faults", json={"do": "reset", "at": "after_commit"}).raise_for_status()
    batch = api.new_batch()
    for name in ("first", "second"):
        batch.add_request(account.create_campaign(params={**CAMPAIGN, "name": name}, pending=True))
    again = batch.execute()
    assert again is not None
    assert len(again) == 1
    assert sorted(row["name"] for row in account.get_campaigns(fields=["name"])) == ["first", "second"]


def test_a_batch_has_fifty_members_at_most_and_one_may_use_the_answer_of_another(
    api: FacebookAdsApi, account: AdAccount
) -> None:
    form = httpx.QueryParams({key: v if isinstance(v, str) else json.dumps(v) for key, v in CAMPAIGN.items()})
    members = [
        {"method": "POST", "relative_url": f"{ACCOUNT}/campaigns", "body": str(form), "name": "made"},
        {"method": "GET", "relative_url": "{result=made:$.id}?fields=name"},
    ]
    answers = api.call("POST", (), params={"batch": members, "include_headers": False}).json()
    assert answers[0] is None
    assert json.loads(answers[1]["body"])["name"] == "By the SDK"
    assert set(answers[1]) == {"code", "body"}
    members[0]["omit_response_on_success"] = False
    shown = api.call("POST", (), params={"batch": members}).json()
    assert json.loads(shown[0]["body"])["id"] == json.loads(shown[1]["body"])["id"]
    full = api.call("POST", (), params={"batch": [{"method": "GET", "relative_url": "me"}] * 50}).json()
    assert {one["code"] for one in full} == {200}

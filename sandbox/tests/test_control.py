import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

ACCOUNT = "act_101500000000001"
Create = Callable[..., httpx.Response]
Ledger = Callable[..., list[dict[str, Any]]]


def test_health_says_which_app_and_addresses_are_registered(http: httpx.Client) -> None:
    body = http.get("/_sandbox/health").json()
    assert body["ok"] is True
    assert body["app_id"] == "100000000000001"
    assert "http://localhost:3001/meta/oauth/callback" in body["redirect_uris"]


def test_the_ledger_tells_calls_and_commits_in_order(
    graph: httpx.Client, new_campaign: Create, new_adset: Create, ledger: Ledger
) -> None:
    campaign_id = new_campaign().json()["id"]
    adset_id = new_adset(campaign_id).json()["id"]
    graph.post(f"/{adset_id}", data={"name": "new"}).raise_for_status()
    graph.delete(f"/{adset_id}").raise_for_status()
    entries = ledger(account=ACCOUNT)
    told = [(entry["event"], entry.get("id") or entry.get("object_id")) for entry in entries]
    assert told == [
        ("created", campaign_id),
        ("call", campaign_id),
        ("created", adset_id),
        ("call", adset_id),
        ("updated", adset_id),
        ("call", None),
        ("deleted", adset_id),
        ("call", None),
    ]
    call = entries[3]
    assert (call["method"], call["path"]) == ("POST", f"/{ACCOUNT}/adsets")
    assert (call["step"], call["marker"], call["attempt"]) == ("adset", "pa-run-1", 1)
    assert call["params"]["targeting"]["geo_locations"] == {"countries": ["SE"]}
    assert call["http_status"] == 200
    created = entries[2]
    assert (created["kind"], created["parent_id"], created["status"]) == ("adset", campaign_id, "PAUSED")
    numbers = [entry["seq"] for entry in entries]
    assert numbers == sorted(numbers)


def test_the_ledger_is_read_on_from_a_sequence_number(new_campaign: Create, ledger: Ledger) -> None:
    new_campaign()
    last = ledger()[-1]["seq"]
    new_campaign()
    assert [entry["event"] for entry in ledger(since=last)] == ["created", "call"]
    assert len(ledger(kind="created")) == 2
    assert len(ledger(kind="campaign")) == 2
    assert ledger(kind="adset") == []
    assert len(ledger(limit=1)) == 1


def test_no_secret_is_ever_in_the_ledger(
    http: httpx.Client, decide: Callable[..., dict[str, str]], exchange: Callable[..., httpx.Response]
) -> None:
    code = decide()["code"]
    token = exchange(code).json()["access_token"]
    proof = "c0ffee" * 10
    http.get("/v25.0/me", params={"access_token": token, "appsecret_proof": proof, "input_token": token})
    query = {"client_secret": "test-app-secret", "client_id": "100000000000001", "code": code}
    http.get("/v25.0/oauth/access_token", params=query)
    text = http.get("/_sandbox/ledger").text
    for secret in (code, token, proof, "test-app-secret"):
        assert secret not in text
    last = json.loads(text)["data"][-1]
    assert last["secret_in_url"] is True
    assert last["params"] == {"client_id": "100000000000001"}


def test_objects_are_listed_with_parent_status_and_labels(
    http: httpx.Client, graph: httpx.Client, new_campaign: Create, new_adset: Create
) -> None:
    campaign_id = new_campaign().json()["id"]
    adset_id = new_adset(campaign_id).json()["id"]
    rows = http.get("/_sandbox/objects", params={"account": ACCOUNT}).json()["data"]
    assert [(row["id"], row["kind"], row["status"], row["parent_id"], row["labels"]) for row in rows] == [
        (campaign_id, "campaign", "PAUSED", None, ["pa-run-1"]),
        (adset_id, "adset", "PAUSED", campaign_id, ["pa-run-1"]),
    ]
    graph.delete(f"/{adset_id}").raise_for_status()
    assert len(http.get("/_sandbox/objects").json()["data"]) == 1
    assert len(http.get("/_sandbox/objects", params={"deleted": "1"}).json()["data"]) == 2


def test_an_account_is_changed_and_graph_shows_it(
    http: httpx.Client, graph: httpx.Client, new_campaign: Create, new_adset: Create
) -> None:
    change = {"default_dsa_payor": None, "min_daily_budget": 20000, "usage_percent": 80}
    http.post(f"/_sandbox/accounts/{ACCOUNT}", json=change).raise_for_status()
    found = graph.get(f"/{ACCOUNT}", params={"fields": "min_daily_budget,default_dsa_payor"})
    assert found.json()["min_daily_budget"] == 20000
    assert "default_dsa_payor" not in found.json()
    assert '"call_count":80' in found.headers["x-business-use-case-usage"]
    campaign_id = new_campaign().json()["id"]
    assert new_adset(campaign_id).json()["error"]["error_subcode"] == 1885272
    assert new_adset(campaign_id, daily_budget=20000).json()["error"]["error_subcode"] == 3858079
    http.post(f"/_sandbox/accounts/{ACCOUNT}", json={"account_status": 2}).raise_for_status()
    assert new_campaign().json()["error"]["code"] == 200


def test_reset_can_keep_the_logins(http: httpx.Client, graph: httpx.Client, new_campaign: Create) -> None:
    new_campaign()
    http.post("/_sandbox/reset", json={"keep_logins": True}).raise_for_status()
    assert http.get("/_sandbox/objects").json()["data"] == []
    assert graph.get("/me").status_code == 200
    http.post("/_sandbox/reset").raise_for_status()
    assert graph.get("/me").json()["error"]["code"] == 190


def test_an_id_is_never_given_out_twice(http: httpx.Client, new_campaign: Create) -> None:
    first = new_campaign().json()["id"]
    http.post("/_sandbox/reset", json={"keep_logins": True}).raise_for_status()
    assert int(new_campaign().json()["id"]) > int(first)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/_sandbox/settings", {"colour": "red"}, 400),
        ("/_sandbox/settings", {"version_gate": "maybe"}, 400),
        ("/_sandbox/settings", {"read_lag_seconds": "long"}, 400),
        ("/_sandbox/accounts/act_1", {}, 404),
        (f"/_sandbox/accounts/{ACCOUNT}", {"account_id": "1"}, 400),
        (f"/_sandbox/accounts/{ACCOUNT}", {"currency": 5}, 400),
        ("/_sandbox/tokens/revoke", {"user": "zed"}, 400),
        ("/_sandbox/tokens/revoke", {"subcode": 1}, 400),
        ("/_sandbox/settings", [], 400),
    ],
)
def test_wrong_control_calls_are_refused_in_words(
    http: httpx.Client, path: str, body: Any, status: int
) -> None:
    answer = http.post(path, json=body)
    assert answer.status_code == status
    assert answer.text


def test_the_settings_say_what_they_are(http: httpx.Client) -> None:
    changed = http.post("/_sandbox/settings", json={"read_lag_seconds": 2}).json()
    assert changed == http.get("/_sandbox/settings").json()
    assert changed["read_lag_seconds"] == 2
    assert changed["version_gate"] == "refuse"


def test_a_persona_can_be_given_more_ad_accounts_that_publish_at_once(
    http: httpx.Client, graph: httpx.Client, new_campaign: Create
) -> None:
    added = http.post("/_sandbox/personas/ada/accounts", json={"count": 30}).json()["data"]
    assert len(set(added)) == 30
    account = http.get(f"/_sandbox/accounts/{added[-1]}").json()
    assert account["default_dsa_payor"] == account["default_dsa_beneficiary"] == "Ada Lindqvist"
    made = graph.post(
        f"/{added[-1]}/campaigns",
        data={
            "name": "one",
            "objective": "OUTCOME_TRAFFIC",
            "status": "PAUSED",
            "special_ad_categories": "[]",
            "is_adset_budget_sharing_enabled": "false",
        },
    )
    assert made.status_code == 200, made.text
    [bare] = http.post("/_sandbox/personas/ada/accounts", json={"count": 1, "dsa_defaults": False}).json()[
        "data"
    ]
    assert bare not in added
    assert http.get(f"/_sandbox/accounts/{bare}").json()["default_dsa_payor"] is None


@pytest.mark.parametrize("count", [0, -1, 10_001, "3", 1.5, None, True])
def test_a_number_of_accounts_that_is_none_is_refused(http: httpx.Client, count: object) -> None:
    answer = http.post("/_sandbox/personas/ada/accounts", json={"count": count})
    assert answer.status_code == 400
    assert http.post("/_sandbox/personas/nobody/accounts", json={"count": 1}).status_code == 404
    wrong = http.post("/_sandbox/personas/ada/accounts", json={"count": 1, "dsa_defaults": 1})
    assert wrong.status_code == 400

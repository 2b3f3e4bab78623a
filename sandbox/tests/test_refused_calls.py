"""Calls that are refused before any rule of the table is asked: types, accounts, tokens, versions, paths."""

import json
from collections.abc import Callable

import httpx
import pytest

ACCOUNT = "act_101500000000001"
USD = "act_101500000000003"
Create = Callable[..., httpx.Response]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"special_ad_categories": "NONE,"}, "(#100) Param special_ad_categories[1] must be one of"),
        ({"special_ad_categories": "{}"}, "(#100) Param special_ad_categories must be an array."),
        ({"daily_budget": "ten"}, "(#100) Param daily_budget must be an integer greater"),
        ({"daily_budget": "-5"}, "(#100) Param daily_budget must be an integer greater"),
        (
            {"is_adset_budget_sharing_enabled": "maybe"},
            "(#100) Param is_adset_budget_sharing_enabled must be",
        ),
        ({"promoted_object": "[]"}, "(#100) Param promoted_object must be an object."),
        ({"adlabels": "[" * 5000}, "(#100) Param adlabels must be an array."),
        ({"daily_budget": "9" * 5000}, "(#100) Param daily_budget must be an integer"),
    ],
)
def test_a_parameter_of_the_wrong_type_is_refused_before_any_rule(
    new_campaign: Create, changes: dict[str, str], message: str
) -> None:
    answer = new_campaign(**changes)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == 100
    assert "error_subcode" not in error
    assert error["message"].startswith(message)


@pytest.mark.parametrize(
    ("account", "code", "status"),
    [
        ("act_101500000000005", 200, 403),
        ("act_101500000000006", 200, 403),
        ("act_201500000000001", 100, 400),
        ("act_999", 100, 400),
    ],
)
def test_a_shut_or_foreign_account_takes_no_campaign(
    new_campaign: Create, account: str, code: int, status: int
) -> None:
    answer = new_campaign(account)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_an_unsettled_account_still_takes_a_campaign(new_campaign: Create) -> None:
    assert new_campaign("act_101500000000007").status_code == 200


def test_an_ad_set_needs_a_campaign_of_the_same_account(new_campaign: Create, new_adset: Create) -> None:
    elsewhere = new_campaign(USD).json()["id"]
    assert new_adset(elsewhere).json()["error"]["code"] == 100


def test_without_ads_management_nothing_is_created(login: Callable[..., str], http: httpx.Client) -> None:
    token = login("ada", scope="ads_read")
    headers = {"authorization": f"Bearer {token}"}
    answer = http.post(f"/v25.0/{ACCOUNT}/campaigns", headers=headers, data={"name": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, 200)
    assert http.get(f"/v25.0/{ACCOUNT}/campaigns", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("token", "code", "status"), [("", 104, 400), ("nonsense", 190, 400), ("100000000000001|wrong", 190, 400)]
)
def test_a_missing_or_unknown_token_is_told_apart(
    http: httpx.Client, token: str, code: int, status: int
) -> None:
    answer = http.get(f"/v25.0/{ACCOUNT}", headers={"authorization": f"Bearer {token}"} if token else {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_an_expired_token_says_when_it_expired(graph: httpx.Client, http: httpx.Client) -> None:
    http.post("/_sandbox/settings", json={"clock_offset_seconds": 6000})
    answer = graph.get(f"/{ACCOUNT}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["error_subcode"]) == (401, 190, 463)
    assert error["message"].startswith("Error validating access token: Session has expired on ")


def test_a_wrong_proof_is_refused(graph: httpx.Client) -> None:
    error = graph.get("/me", params={"appsecret_proof": "0" * 64}).json()["error"]
    assert error["message"] == "Invalid appsecret_proof provided in the API argument"


@pytest.mark.parametrize("version", ["/v21.0", "/v24.0", ""])
def test_a_dead_marketing_version_is_refused(graph: httpx.Client, http: httpx.Client, version: str) -> None:
    headers = {"authorization": graph.headers["authorization"]}
    error = http.post(f"{version}/{ACCOUNT}/campaigns", headers=headers).json()["error"]
    assert error["code"] == 2635
    assert "Please update to the latest version: v26.0." in error["message"]
    assert http.get(f"{version}/me", headers=headers).status_code == 200
    assert http.get("/v21.0/me/adaccounts", headers=headers).status_code == 200


def test_the_gate_can_upgrade_instead(graph: httpx.Client, http: httpx.Client) -> None:
    http.post("/_sandbox/settings", json={"version_gate": "upgrade"}).raise_for_status()
    headers = {"authorization": graph.headers["authorization"]}
    answer = http.get(f"/v21.0/{ACCOUNT}", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["facebook-api-version"] == "v25.0"
    assert answer.headers["x-ad-api-version-warning"] == (
        "The call has been auto-upgraded to v25.0 as v21.0 has been deprecated."
    )


def test_rules_of_later_versions_do_not_hold_while_an_old_one_lives(
    graph: httpx.Client, http: httpx.Client
) -> None:
    http.post("/_sandbox/settings", json={"minimum_marketing_version": 21}).raise_for_status()
    headers = {"authorization": graph.headers["authorization"]}
    form = {"name": "n", "objective": "OUTCOME_TRAFFIC", "status": "PAUSED", "special_ad_categories": "[]"}
    old = http.post(f"/v23.0/{ACCOUNT}/campaigns", headers=headers, data=form)
    new = http.post(f"/v24.0/{ACCOUNT}/campaigns", headers=headers, data=form)
    assert old.status_code == 200
    assert new.json()["error"]["error_subcode"] == 4834011


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v99.0/me", 2500),
        ("GET", "/v25.0/nowhere", 2500),
        ("GET", "/v25.0/12020000000000001", 100),
        ("DELETE", f"/v25.0/{ACCOUNT}", 100),
        ("GET", "/v25.0/10220000000000002", 100),
        ("PUT", "/v25.0/me", 100),
        ("GET", f"/v25.0/{ACCOUNT}?fields=id,nonsense", 100),
        ("GET", f"/v25.0/{ACCOUNT}?fields=id{{", 2500),
        ("GET", f"/v25.0/{ACCOUNT}/campaigns?after=x", 100),
        ("GET", f"/v25.0/{ACCOUNT}/campaigns?limit=x", 100),
        ("GET", f"/v25.0/{ACCOUNT}/campaigns?filtering=x", 100),
        ("GET", f'/v25.0/{ACCOUNT}/campaigns?effective_status=["GONE"]', 100),
        ("GET", f"/v25.0/{ACCOUNT}/campaignsbylabels", 100),
        ("GET", "/v25.0/debug_token", 100),
    ],
)
def test_other_wrong_calls_get_graphs_envelope(
    graph: httpx.Client, http: httpx.Client, method: str, path: str, code: int
) -> None:
    answer = http.request(method, path, headers={"authorization": graph.headers["authorization"]})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["fbtrace_id"].startswith("A")
    assert answer.headers["www-authenticate"].startswith('OAuth "Facebook Platform" "invalid_request"')


def test_an_unsupported_filter_is_refused(graph: httpx.Client) -> None:
    for one in ({"field": "spend", "operator": "EQUAL"}, {"field": "name", "operator": "LIKE"}):
        answer = graph.get(f"/{ACCOUNT}/campaigns", params={"filtering": json.dumps([one])})
        assert "is not supported" in answer.json()["error"]["message"]

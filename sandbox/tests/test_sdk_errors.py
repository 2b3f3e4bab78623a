"""What the official client raises: code, subcode, blamed fields, and the texts for the user."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError

ACCOUNT, NO_DSA, DISABLED, CLOSED, OTHERS = (
    "act_101500000000001",
    "act_101500000000002",
    "act_101500000000005",
    "act_101500000000006",
    "act_201500000000001",
)
SECRET = "test-app-secret"
LOWEST = "LOWEST_COST_WITHOUT_CAP"
FOREVER = 4102444800


def geo(**places: Any) -> dict[str, Any]:
    return {"geo_locations": places, "targeting_automation": {"advantage_audience": 0}}


SWEDEN = geo(countries=["SE"])
CAMPAIGN: dict[str, Any] = {
    "name": "n",
    "objective": "OUTCOME_TRAFFIC",
    "status": "PAUSED",
    "special_ad_categories": [],
    "is_adset_budget_sharing_enabled": False,
}
ADSET: dict[str, Any] = {
    "name": "n",
    "status": "PAUSED",
    "daily_budget": 10000,
    "billing_event": "IMPRESSIONS",
    "optimization_goal": "LINK_CLICKS",
    "bid_strategy": LOWEST,
    "targeting": SWEDEN,
}

Expected = tuple[int, int | None, str | None, str | None]
"""Code, subcode, blamed field, and how the title for the user begins."""

CAMPAIGN_CASES: dict[str, tuple[dict[str, Any], Expected]] = {
    "no category said": ({"special_ad_categories": None}, (100, None, "special_ad_categories", None)),
    "an unknown category": ({"special_ad_categories": ["CARS"]}, (100, None, "special_ad_categories", None)),
    "a legacy objective": ({"objective": "LINK_CLICKS"}, (100, None, "objective", None)),
    "a status not for creation": ({"status": "DELETED"}, (100, None, "status", None)),
    "a budget in words": ({"daily_budget": "ten"}, (100, None, "daily_budget", None)),
    "budget sharing not said": (
        {"is_adset_budget_sharing_enabled": None},
        (100, 4834011, "is_adset_budget_sharing_enabled", "Must specify True or False in"),
    ),
    "sharing beside a campaign budget": (
        {"is_adset_budget_sharing_enabled": True, "daily_budget": 10000, "bid_strategy": LOWEST},
        (100, 4834002, "is_adset_budget_sharing_enabled", "Cannot share"),
    ),
    "sharing without a bid strategy": (
        {"is_adset_budget_sharing_enabled": True},
        (100, 4834005, "bid_strategy", "Bid strategy required"),
    ),
    "two budgets": (
        {"daily_budget": 10000, "lifetime_budget": 90000, "is_adset_budget_sharing_enabled": None},
        (100, 1885621, "daily_budget", "Only one budget"),
    ),
    "a spend cap below the floor": ({"spend_cap": 1}, (100, 2446307, "spend_cap", "Spend cap")),
    "an end in the past": ({"stop_time": 1}, (100, 1487033, "end_time", "End date is in the past")),
}
ADSET_CASES: dict[str, tuple[dict[str, Any], Expected]] = {
    "no name": ({"name": None}, (100, None, "name", None)),
    "no location": ({"targeting": geo()}, (100, 1885364, "targeting", "Missing Target Audience Location")),
    "no audience flag": (
        {"targeting": {"geo_locations": {"countries": ["SE"]}}},
        (100, 1870227, "targeting", "Advantage Audience Flag Required"),
    ),
    "a wrong audience flag": (
        {"targeting": SWEDEN | {"targeting_automation": {"advantage_audience": 2}}},
        (100, 1870196, "targeting", "Invalid targeting automation"),
    ),
    "an age limit with advantage": (
        {"targeting": SWEDEN | {"targeting_automation": {"advantage_audience": 1}, "age_max": 40}},
        (100, 1870189, "targeting", "Maximum age"),
    ),
    "location types": (
        {"targeting": geo(countries=["SE"], location_types=["home"])},
        (100, 1870199, "targeting", "Location types"),
    ),
    "overlapping places": (
        {"targeting": geo(countries=["SE"], cities=[{"key": "1", "country": "SE"}])},
        (100, 1487756, "targeting", "Locations overlap"),
    ),
    "a radius around a region": (
        {"targeting": geo(regions=[{"key": "1", "radius": 5}])},
        (100, 1487079, "targeting", "Radius is not available"),
    ),
    "a restricted country": ({"targeting": geo(countries=["CU"])}, (2641, None, "targeting", "Location is")),
    "no bid said": ({"bid_strategy": None}, (100, 2490487, "bid_strategy", "Bid amount or bid constraints")),
    "a cap without an amount": ({"bid_strategy": "COST_CAP"}, (100, 1815857, "bid_amount", "Bid amount req")),
    "no budget": ({"daily_budget": None}, (100, 1487061, "daily_budget", "No budget")),
    "a budget below the floor": ({"daily_budget": 1}, (100, 1885272, "daily_budget", "Budget is too low")),
    "a goal for another objective": (
        {"optimization_goal": "APP_INSTALLS"},
        (100, 2490408, "optimization_goal", "Performance goal isn't available"),
    ),
    "an attribution of a week": (
        {"attribution_spec": [{"event_type": "CLICK_THROUGH", "window_days": 7}]},
        (100, 1885501, "attribution_spec", "Attribution"),
    ),
    "a destination for leads": ({"destination_type": "ON_AD"}, (100, 2446509, "destination_type", "Dest")),
    "nobody who pays, in the EU": (
        {"account": NO_DSA},
        (100, 3858079, "dsa_payor", "No payor provided in DSA regulated region"),
    ),
    "nobody who benefits, in the EU": (
        {"account": NO_DSA, "dsa_payor": "P"},
        (100, 3858081, "dsa_beneficiary", "No payor/beneficiary provided"),
    ),
}


def refused(api: FacebookAdsApi, method: str, *path: str, **params: Any) -> FacebookRequestError:
    sent = {name: value for name, value in params.items() if value is not None}
    with pytest.raises(FacebookRequestError) as caught:
        api.call(method, path, params=sent)
    return caught.value


def check(error: FacebookRequestError, expected: Expected) -> None:
    code, subcode, blamed, title = expected
    assert (error.api_error_code(), error.api_error_subcode()) == (code, subcode)
    assert error.api_blame_field_specs() == ([[blamed]] if blamed else None)
    body = error.body()["error"]
    assert body["fbtrace_id"].startswith("A")
    if title is None:
        assert "error_user_title" not in body
    else:
        assert body["error_user_title"].startswith(title)
        assert body["error_user_msg"].endswith(".")


@pytest.mark.parametrize("case", CAMPAIGN_CASES)
def test_the_sdk_raises_what_is_wrong_with_a_campaign(
    connect: Callable[..., FacebookAdsApi], case: str
) -> None:
    changes, expected = CAMPAIGN_CASES[case]
    check(refused(connect(), "POST", ACCOUNT, "campaigns", **{**CAMPAIGN, **changes}), expected)


@pytest.mark.parametrize("case", ADSET_CASES)
def test_the_sdk_raises_what_is_wrong_with_an_ad_set(
    connect: Callable[..., FacebookAdsApi], case: str
) -> None:
    changes, expected = ADSET_CASES[case]
    api, account = connect(), changes.get("account", ACCOUNT)
    campaign_id = api.call("POST", (account, "campaigns"), params=CAMPAIGN).json()["id"]
    changes = {name: value for name, value in changes.items() if name != "account"}
    error = refused(api, "POST", account, "adsets", **{**ADSET, "campaign_id": campaign_id, **changes})
    check(error, expected)


@pytest.mark.parametrize(
    ("persona", "path", "code", "subcode", "status"),
    [
        ("ada", (OTHERS, "campaigns"), 100, 33, 400),
        ("ada", ("12020000000000001", ""), 100, 33, 400),
        ("ada", (DISABLED, "campaigns"), 200, None, 403),
        ("ada", (CLOSED, "campaigns"), 200, None, 403),
        ("cleo", ("act_301500000000001", "campaigns"), 10, None, 403),
    ],
)
def test_the_sdk_raises_what_the_person_may_not_do(
    connect: Callable[..., FacebookAdsApi],
    persona: str,
    path: tuple[str, ...],
    code: int,
    subcode: int,
    status: int,
) -> None:
    error = refused(connect(persona), "POST", *path, **CAMPAIGN)
    assert (error.api_error_code(), error.api_error_subcode()) == (code, subcode)
    assert error.http_status() == status


def test_the_sdk_raises_a_declined_scope(
    connect: Callable[..., FacebookAdsApi], login: Callable[..., str]
) -> None:
    token = login("ada", decision="partial", granted="business_management")
    error = refused(connect(token=token), "POST", ACCOUNT, "campaigns", **CAMPAIGN)
    assert (error.api_error_code(), error.http_status()) == (200, 403)


@pytest.mark.parametrize("subcode", [458, 459, 460, 463, 464, 467])
def test_the_sdk_raises_why_a_token_is_dead(
    connect: Callable[..., FacebookAdsApi], http: httpx.Client, subcode: int
) -> None:
    api = connect()
    http.post("/_sandbox/tokens/revoke", json={"user": "ada", "subcode": subcode}).raise_for_status()
    error = refused(api, "GET", "me")
    assert (error.api_error_code(), error.api_error_subcode()) == (190, subcode)
    assert error.http_status() == 401
    assert error.api_error_message().startswith("Error validating access token: ")


def test_the_sdk_raises_a_token_that_nobody_issued(connect: Callable[..., FacebookAdsApi]) -> None:
    error = refused(connect(token="nonsense"), "GET", "me")
    assert (error.api_error_code(), error.api_error_subcode()) == (190, None)


def test_the_sdk_raises_a_proof_with_another_secret(connect: Callable[..., FacebookAdsApi]) -> None:
    error = refused(connect(secret="another"), "GET", "me")
    assert error.api_error_code() == 100
    assert error.api_error_message() == "Invalid appsecret_proof provided in the API argument"
    assert error.api_error_type() == "GraphMethodException"


def test_the_sdk_raises_a_dead_version(connect: Callable[..., FacebookAdsApi]) -> None:
    error = refused(connect(version="v21.0"), "GET", ACCOUNT, "campaigns")
    assert error.api_error_code() == 2635
    assert error.api_error_message().startswith("(#2635) You are calling a deprecated version")


@pytest.mark.parametrize(
    ("code", "subcode"), [(4, None), (17, 2446079), (613, 1487742), (80004, 2446079), (341, None)]
)
def test_the_sdk_raises_a_limit_with_the_usage_headers(
    connect: Callable[..., FacebookAdsApi], http: httpx.Client, code: int, subcode: int | None
) -> None:
    api = connect()
    http.post(
        "/_sandbox/faults", json={"do": "throttle", "code": code, "regain_minutes": 3}
    ).raise_for_status()
    error = refused(api, "POST", ACCOUNT, "campaigns", **CAMPAIGN)
    assert (error.api_error_code(), error.api_error_subcode()) == (code, subcode)
    assert "x-business-use-case-usage" in error.http_headers()
    assert "x-app-usage" in error.http_headers()


def test_the_sdk_raises_a_transient_error_as_one(
    connect: Callable[..., FacebookAdsApi], http: httpx.Client
) -> None:
    api = connect()
    http.post("/_sandbox/faults", json={"do": "code_2"}).raise_for_status()
    error = refused(api, "POST", ACCOUNT, "campaigns", **CAMPAIGN)
    assert (error.api_error_code(), error.http_status(), error.api_transient_error()) == (2, 500, True)


def test_a_batch_that_is_too_long_is_refused_whole(connect: Callable[..., FacebookAdsApi]) -> None:
    members = [{"method": "GET", "relative_url": "me"}] * 51
    assert refused(connect(), "POST", batch=members).api_error_code() == 100


@pytest.mark.parametrize(
    ("changes", "code", "subcode"),
    [
        ({"code": "wrong"}, 100, 36007),
        ({"redirect_uri": "http://localhost:1/other"}, 100, 36008),
        ({"client_secret": "wrong"}, 1, None),
        ({"client_id": "1"}, 101, None),
    ],
)
def test_the_sdk_raises_why_a_login_code_is_not_taken(
    connect: Callable[..., FacebookAdsApi],
    decide: Callable[..., dict[str, str]],
    changes: dict[str, str],
    code: int,
    subcode: int | None,
) -> None:
    form = {
        "client_id": "100000000000001",
        "client_secret": SECRET,
        "redirect_uri": "http://localhost:3001/meta/oauth/callback",
        "code": decide(persona="ada")["code"],
    }
    error = refused(connect(anyone=True), "GET", "oauth", "access_token", **{**form, **changes})
    assert (error.api_error_code(), error.api_error_subcode()) == (code, subcode)

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

APP_ID, SECRET = "100000000000001", "test-app-secret"
REDIRECT = "http://localhost:3001/meta/oauth/callback"
ASK = {
    "client_id": APP_ID,
    "redirect_uri": REDIRECT,
    "state": 'a"><b>&c',
    "scope": "ads_management business_management",
}

Decide = Callable[..., dict[str, str]]
Exchange = Callable[..., httpx.Response]


class FormReader(HTMLParser):
    """Collects the form's action, its fields and its choices, as a browser would submit them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self.boxes: list[str] = []
        self.buttons: list[str] = []
        self.options: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found["action"]
        elif tag == "input" and found["type"] == "hidden":
            self.fields[found["name"]] = found["value"]
        elif tag == "input":
            self.boxes.append(found["value"])
        elif tag == "button":
            self.buttons.append(found["value"])
        elif tag == "option":
            self.options.append(found["value"])


def test_the_dialog_form_carries_the_request_through_to_the_redirect(http: httpx.Client) -> None:
    form = FormReader(http.get("/v25.0/dialog/oauth", params=ASK).text)
    assert form.action == "/v25.0/dialog/oauth/decision"
    assert form.fields["state"] == ASK["state"]
    assert form.boxes == ["public_profile", "ads_management", "business_management"]
    assert form.buttons == ["approve", "partial", "decline"]
    assert form.options == ["ada", "ben", "cleo", "dan", "eva", "finn", "hana", "ivo"]
    answer = http.post(form.action, data={**form.fields, "decision": "approve"})
    assert answer.status_code == 302
    location = httpx.URL(answer.headers["location"])
    assert str(location).startswith(f"{REDIRECT}?code=")
    assert location.params["state"] == ASK["state"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": REDIRECT + "/"},
        {"redirect_uri": REDIRECT + "?x=1"},
        {"redirect_uri": ""},
        {"client_id": "1"},
        {"response_type": "token"},
    ],
)
def test_a_wrong_request_gets_an_error_page_and_no_redirect(
    http: httpx.Client, wrong: dict[str, str]
) -> None:
    for answer in (
        http.get("/v25.0/dialog/oauth", params=ASK | wrong),
        http.post("/v25.0/dialog/oauth/decision", data=ASK | wrong | {"decision": "approve"}),
    ):
        assert answer.status_code == 400
        assert "Sorry, something went wrong" in answer.text
        assert "location" not in answer.headers


def test_declining_says_access_denied_and_echoes_the_state(decide: Decide) -> None:
    assert decide("decline") == {
        "error": "access_denied",
        "error_code": "200",
        "error_description": "Permissions error.",
        "error_reason": "user_denied",
        "state": "s-1",
    }


def test_the_query_of_a_registered_redirect_address_is_kept(decide: Decide) -> None:
    answer = decide(redirect_uri="https://x.test/cb?a=1")
    assert answer["a"] == "1"
    assert answer["code"]


def test_a_partial_grant_leaves_the_rest_declined(
    decide: Decide, exchange: Exchange, http: httpx.Client
) -> None:
    token = exchange(decide("partial", granted=["business_management"])["code"]).json()["access_token"]
    answer = http.get("/v25.0/me/permissions", headers={"authorization": f"Bearer {token}"}).json()
    assert {row["permission"]: row["status"] for row in answer["data"]} == {
        "public_profile": "granted",
        "ads_management": "declined",
        "business_management": "granted",
    }


def test_a_declined_scope_is_asked_again_only_with_rerequest(decide: Decide, http: httpx.Client) -> None:
    decide("partial", granted=["business_management"])
    again = FormReader(http.get("/v25.0/dialog/oauth", params=ASK).text)
    rerequest = FormReader(http.get("/v25.0/dialog/oauth", params=ASK | {"auth_type": "rerequest"}).text)
    assert "ads_management" not in again.boxes
    assert "ads_management" in rerequest.boxes


def test_granted_scopes_are_told_in_the_redirect_when_asked_for(decide: Decide) -> None:
    answer = decide("partial", granted=["ads_management"], response_type="code granted_scopes")
    assert answer["granted_scopes"] == "public_profile,ads_management"
    assert answer["denied_scopes"] == "business_management"


def test_a_code_is_exchanged_once(decide: Decide, exchange: Exchange) -> None:
    code = decide()["code"]
    first = exchange(code).json()
    assert first["token_type"] == "bearer"
    assert first["expires_in"] == 5400
    error = exchange(code).json()["error"]
    assert (error["code"], error["error_subcode"], error["type"]) == (100, 36009, "OAuthException")


def test_a_code_needs_the_redirect_address_of_its_dialog(decide: Decide, exchange: Exchange) -> None:
    error = exchange(decide()["code"], redirect_uri="https://x.test/cb?a=1").json()["error"]
    assert error["error_subcode"] == 36008


def test_a_code_expires_after_ten_minutes(decide: Decide, exchange: Exchange, http: httpx.Client) -> None:
    code = decide()["code"]
    http.post("/_sandbox/settings", json={"clock_offset_seconds": 601})
    assert exchange(code).json()["error"]["error_subcode"] == 36007
    assert exchange("nonsense").json()["error"]["error_subcode"] == 36007


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"client_secret": "x"}, 1), ({"client_id": "x"}, 101), ({"grant_type": "password"}, 100)],
)
def test_the_exchange_checks_the_app(exchange: Exchange, wrong: dict[str, str], code: int) -> None:
    answer = exchange(**wrong)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


def test_a_short_token_becomes_a_long_one_while_it_lives(
    login: Callable[..., str], exchange: Exchange, http: httpx.Client
) -> None:
    short = login()
    longer = exchange(grant_type="fb_exchange_token", fb_exchange_token=short).json()
    assert longer["expires_in"] == 5_183_944
    assert longer["access_token"] != short
    http.post("/_sandbox/settings", json={"clock_offset_seconds": 5401})
    error = exchange(grant_type="fb_exchange_token", fb_exchange_token=short).json()["error"]
    assert (error["code"], error["error_subcode"]) == (190, 463)


def test_debug_token_describes_a_token_to_the_app(
    login: Callable[..., str], exchange: Exchange, http: httpx.Client
) -> None:
    token = login()
    app_token = exchange(grant_type="client_credentials").json()["access_token"]
    for caller in (app_token, f"{APP_ID}|{SECRET}"):
        data = http.get(
            "/debug_token", params={"input_token": token}, headers={"authorization": f"Bearer {caller}"}
        ).json()["data"]
        assert data["is_valid"] is True
        assert data["app_id"] == APP_ID
        assert data["user_id"] == "10220000000000001"
        assert "ads_management" in data["scopes"]


def test_removing_the_app_ends_its_tokens(graph: httpx.Client) -> None:
    assert graph.delete("/me/permissions").json() == {"success": True}
    answer = graph.get("/me")
    assert answer.status_code == 401
    assert answer.json()["error"]["error_subcode"] == 458
    assert answer.headers["www-authenticate"].startswith('OAuth "Facebook Platform" "invalid_token"')


def test_removing_one_permission_keeps_the_login(graph: httpx.Client) -> None:
    assert graph.delete("/me/permissions/ads_management").json() == {"success": True}
    assert graph.get("/me").status_code == 200
    declined = graph.get("/me/permissions", params={"status": "declined"}).json()["data"]
    assert declined == [{"permission": "ads_management", "status": "declined"}]
    assert graph.get("/me/adaccounts").json()["error"]["code"] == 200


@pytest.mark.parametrize("subcode", [458, 459, 460, 463, 464, 467])
def test_tokens_are_revoked_and_restored_on_demand(
    graph: httpx.Client, http: httpx.Client, subcode: int
) -> None:
    http.post("/_sandbox/tokens/revoke", json={"user": "ada", "subcode": subcode}).raise_for_status()
    error: dict[str, Any] = graph.get("/me").json()["error"]
    assert (error["code"], error["error_subcode"]) == (190, subcode)
    http.post("/_sandbox/tokens/revoke", json={"user": "ada", "subcode": None}).raise_for_status()
    assert graph.get("/me").json()["name"] == "Ada Lindqvist"

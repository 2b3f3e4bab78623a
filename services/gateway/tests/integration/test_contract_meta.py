"""`/meta/*`, through a real meta-auth to the Graph sandbox."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from gateway_harness import (
    APP,
    Gateway,
    NewPerson,
    Person,
    Sandbox,
    come_back,
    connect,
    connect_url,
    eventually,
)

from chassis.database import Connection
from local_stack.dialog import consent

DISCONNECTED = (
    '{"status":"disconnected","metaUserId":null,"adAccountId":null,"scopes":null,"tokenExpiresAt":null,'
    '"selectedAdAccountId":null,'
)
SCOPES = ["ads_management", "business_management"]


@pytest_asyncio.fixture
async def connected(advertiser: Person) -> Person:
    """A customer with a real connection."""
    assert await connect(advertiser) == "/settings?meta=connected"
    return advertiser


async def test_without_a_connection_every_field_but_the_status_is_null(advertiser: Person) -> None:
    answer = await advertiser.http.get("/meta/status")
    assert answer.status_code == 200
    assert answer.text.startswith(DISCONNECTED)
    assert {key for key, value in answer.json().items() if value is not None} <= {"status", "hint"}


async def test_the_connect_url_is_metas_dialog_with_all_its_parameters(
    advertiser: Person, sandbox_url: str
) -> None:
    url = await connect_url(advertiser)
    assert url.startswith(f"{sandbox_url}/v25.0/dialog/oauth?")
    query = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
    assert query["client_id"] == "424200000000023"
    assert query["redirect_uri"] == f"{advertiser.gateway.public_url}/meta/oauth/callback"
    assert query["response_type"] == "code"
    assert set(query["scope"].replace(",", " ").split()) == set(SCOPES)
    assert len(query["state"]) >= 22


async def test_consent_connects_and_status_says_so(connected: Person) -> None:
    answer = await connected.http.get("/meta/status")
    body = answer.json()
    assert list(body)[:6] == [
        "status",
        "metaUserId",
        "adAccountId",
        "scopes",
        "tokenExpiresAt",
        "selectedAdAccountId",
    ]
    assert body["status"] == "connected"
    assert body["metaUserId"].isdigit()
    assert set(body["scopes"]) >= set(SCOPES)
    assert body["tokenExpiresAt"].endswith("Z")
    assert body["selectedAdAccountId"] is None
    assert answer.text.count('"status":"') == 1
    assert answer.text.count('"selectedAdAccountId":') == 1
    assert "token" not in {key.lower() for key in body}


async def test_declining_a_second_consent_leaves_the_connection_as_it_was(connected: Person) -> None:
    back = await consent(await connect_url(connected), decision="decline")
    assert (await come_back(connected, back)).startswith("/settings?meta=error&error=")
    assert (await connected.get("/meta/status"))["status"] == "connected"


async def test_ad_accounts_of_all_pages_are_listed(advertiser: Person) -> None:
    await connect(advertiser, "ben")
    accounts = (await advertiser.get("/meta/ad-accounts"))["data"]
    assert len(accounts) > 25
    assert len({account["id"] for account in accounts}) == len(accounts)
    assert all(account["id"].startswith("act_") for account in accounts)
    assert {"id", "name", "account_status", "currency"} <= set(accounts[0])
    assert all(None not in account.values() for account in accounts)


async def test_selecting_an_account_shows_in_both_status_pages(connected: Person) -> None:
    [account, *_] = (await connected.get("/meta/ad-accounts"))["data"]
    before = (await connected.get("/ads/status"))["prerequisites"]["meta"]
    assert before == {
        "ok": False,
        "hint": "Select an ad account in Settings → Meta",
        "link": "/settings#meta",
        "required": True,
    }
    selected = await connected.post("/meta/ad-accounts/select", {"adAccountId": account["id"]}, status=200)
    assert selected["selectedAdAccountId"] == account["id"]
    assert await connected.get("/meta/status") == selected
    status = await connected.get("/ads/status")
    assert status["prerequisites"]["meta"]["ok"] is True
    assert status["prerequisites"]["meta"]["hint"] is None
    assert status["derived"]["budget"]["currency"] == account["currency"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "adAccountId is required"),
        ({"adAccountId": None}, "adAccountId is required"),
        ({"adAccountId": ""}, "adAccountId cannot be empty"),
        ({"adAccountId": "  "}, "adAccountId cannot be empty"),
        ({"adAccountId": 5}, "adAccountId must be text"),
    ],
)
async def test_selecting_needs_an_id(advertiser: Person, body: dict[str, Any], message: str) -> None:
    answer = await advertiser.http.post("/meta/ad-accounts/select", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "VALIDATION_ERROR"
    assert answer.json()["message"] == message
    assert answer.json()["issues"][0]["path"] == ["adAccountId"]


async def test_selecting_an_account_that_is_not_yours_names_it(connected: Person) -> None:
    [account, *_] = (await connected.get("/meta/ad-accounts"))["data"]
    for wanted in ("act_999", account["id"].removeprefix("act_")):
        answer = await connected.http.post("/meta/ad-accounts/select", json={"adAccountId": wanted})
        assert answer.status_code == 400
        assert answer.json()["error"] == "VALIDATION_ERROR"
        assert answer.json()["message"] == f'Ad account "{wanted}" not found in your Meta account'
        assert answer.json()["hint"] == "Select an ad account from the list of available accounts."


@pytest.mark.parametrize("path", ["/meta/ad-accounts", "/meta/debug/smoke"])
async def test_reads_without_a_connection_say_what_to_set_up(advertiser: Person, path: str) -> None:
    answer = await advertiser.http.get(path)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "MISSING_PREREQUISITE",
        "message": "No Meta connection found",
        "hint": "Connect your Meta account in Settings first.",
    }


async def test_a_revoked_token_turns_the_connection_to_error(advertiser: Person, sandbox_url: str) -> None:
    await connect(advertiser, "cid")
    user = (await advertiser.get("/meta/status"))["metaUserId"]
    async with httpx.AsyncClient(base_url=sandbox_url, trust_env=False) as sandbox:
        await sandbox.post("/_sandbox/tokens/revoke", json={"user": user, "subcode": 460})
        try:
            answer = await advertiser.http.get("/meta/ad-accounts")
            assert answer.status_code == 502, answer.text
            assert answer.json()["error"] == "META_API_ERROR"
            assert answer.json()["message"].startswith("190 (sub 460): ")
        finally:
            await sandbox.post("/_sandbox/tokens/revoke", json={"user": user, "subcode": None})
    again = await advertiser.http.get("/meta/ad-accounts")
    assert again.status_code == 400
    assert again.json() == {
        "error": "MISSING_PREREQUISITE",
        "message": 'Meta connection status is "error", expected "connected"',
        "hint": "Reconnect Meta in Settings.",
    }
    assert (await advertiser.get("/meta/status"))["status"] == "error"


async def test_the_smoke_check_names_the_user_and_the_accounts(connected: Person) -> None:
    body = await connected.get("/meta/debug/smoke")
    assert body["ok"] is True
    assert set(body["me"]) == {"id", "name"}
    assert body["adAccounts"][0]["id"].startswith("act_")
    assert "hint" not in body


async def test_the_smoke_check_survives_a_failing_list_of_accounts(
    connected: Person, sandbox: Sandbox
) -> None:
    await sandbox("faults", {"match": {"path": "/me/adaccounts"}, "do": "error", "code": 200, "times": None})
    body = await connected.get("/meta/debug/smoke")
    assert (body["ok"], body["adAccounts"]) == (True, [])
    assert body["me"]["id"].isdigit()
    assert body["hint"] == "User data retrieved, but ad accounts fetch failed. Check permissions."


async def test_a_token_that_cannot_be_opened_counts_as_missing(
    keyless_gateway: Gateway, connected: Person
) -> None:
    headers = {"cookie": f"session={connected.cookie}", "x-customer-id": connected.me["customerId"]}
    async with keyless_gateway.client(headers=headers) as client:
        for path in ("/meta/ad-accounts", "/meta/debug/smoke"):
            answer = await client.get(path)
            assert answer.status_code == 400
            assert answer.json() == {
                "error": "MISSING_PREREQUISITE",
                "message": "Meta access token is missing",
                "hint": "Reconnect Meta in Settings to refresh your token.",
            }


async def test_disconnecting_forgets_the_selection_and_works_once(connected: Person) -> None:
    [account, *_] = (await connected.get("/meta/ad-accounts"))["data"]
    await connected.post("/meta/ad-accounts/select", {"adAccountId": account["id"]})
    answer = await connected.http.post("/meta/disconnect", json={})
    assert (answer.status_code, answer.text) == (200, '{"success":true}')
    assert (await connected.http.get("/meta/status")).text.startswith(DISCONNECTED)
    assert (await connected.get("/ads/status"))["prerequisites"]["meta"][
        "hint"
    ] == "Connect your Meta account"
    again = await connected.http.post("/meta/disconnect", json={})
    assert again.status_code == 400
    assert again.json()["error"] == "CONFIG_ERROR"
    assert again.json()["message"] == "No Meta connection found to disconnect"


async def test_a_development_connection_has_the_agreed_defaults(advertiser: Person) -> None:
    first = await advertiser.http.post("/meta/dev-connect", json={})
    assert first.status_code == 201
    assert first.text == (
        '{"status":"connected","metaUserId":"dev-user-123","adAccountId":"dev-account-123",'
        '"scopes":["ads_management","business_management"]}'
    )
    status = await advertiser.get("/meta/status")
    assert status["selectedAdAccountId"] is None, "it selects no account"
    assert status["expiresInDays"] in (89, 90)
    later = await advertiser.http.post(
        "/meta/dev-connect",
        json={"metaUserId": "me", "adAccountId": "mine", "scopes": ["ads_management"]},
    )
    assert later.status_code == 200
    assert later.json() == {
        "status": "connected",
        "metaUserId": "me",
        "adAccountId": "mine",
        "scopes": ["ads_management"],
    }


async def test_a_development_connection_lists_one_account_and_placeholder_data(advertiser: Person) -> None:
    await advertiser.post("/meta/dev-connect", {}, status=201)
    [account] = (await advertiser.get("/meta/ad-accounts"))["data"]
    assert account["id"].startswith("act_")
    assert account["name"] == "Dev Ad Account"
    smoke = await advertiser.get("/meta/debug/smoke")
    assert smoke["ok"] is True
    assert smoke["hint"] == ("Dev mode: using placeholder data. Use real OAuth for actual API testing.")


async def test_connects_selections_and_disconnects_are_in_the_audit_log(
    connected: Person, admin: Connection
) -> None:
    [account, *_] = (await connected.get("/meta/ad-accounts"))["data"]
    await connected.post("/meta/ad-accounts/select", {"adAccountId": account["id"]})
    await connected.post("/meta/disconnect", {})
    rows = await admin.fetch(
        "SELECT action FROM audit_log WHERE user_id = $1 ORDER BY id", connected.me["userId"]
    )
    assert [row["action"] for row in rows] == ["signup", "meta_connect", "meta_select", "meta_disconnect"]


async def test_what_a_gateway_did_not_live_to_note_is_noted_from_the_event(
    connected: Person, admin: Connection
) -> None:
    """meta-auth has disconnected, and the gateway gets no further, as if it had died there."""
    refuse = "CHECK (action <> 'meta_disconnect') NOT VALID"
    await admin.execute(f"ALTER TABLE audit_log ADD CONSTRAINT no_disconnect {refuse}")
    try:
        answer = await connected.http.post("/meta/disconnect", json={})
    finally:
        await admin.execute("ALTER TABLE audit_log DROP CONSTRAINT no_disconnect")
    assert answer.status_code == 500

    async def noted() -> list[tuple[str, str]]:
        rows = await admin.fetch(
            "SELECT action, result FROM audit_log WHERE customer_id = $1 AND detail->>'actor' = 'meta-auth'",
            connected.me["customerId"],
        )
        return [(row["action"], row["result"]) for row in rows]

    await eventually(noted, lambda seen: ("meta_connection", "disconnected") in seen)


async def test_when_meta_auth_is_away_answers_are_503_and_the_callback_still_redirects(
    person: Person,
) -> None:
    for method, path in (
        ("GET", "/meta/status"),
        ("GET", "/meta/oauth/connect-url"),
        ("GET", "/meta/ad-accounts"),
        ("POST", "/meta/disconnect"),
    ):
        answer = await person.http.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code == 503
        assert answer.json()["error"] == "UNAVAILABLE"
        assert int(answer.headers["retry-after"]) >= 1
    callback = await person.http.get("/meta/oauth/callback?state=s&code=c")
    assert callback.headers["location"] == f"{APP}/settings?meta=error&error=internal_error"


async def test_without_an_app_of_metas_connecting_is_not_configured(
    plain_gateway: Gateway, new_person: NewPerson
) -> None:
    someone = await new_person(plain_gateway)
    answer = await someone.http.get("/meta/oauth/connect-url")
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "CONFIG_ERROR",
        "message": "Meta OAuth not configured",
        "hint": "Set META_APP_ID and META_REDIRECT_URL environment variables",
    }


async def test_development_connections_need_the_switch_to_be_exactly_true(
    plain_gateway: Gateway, new_person: NewPerson
) -> None:
    someone = await new_person(plain_gateway)
    answer = await someone.http.post("/meta/dev-connect", json={})
    assert answer.status_code == 403
    assert answer.json()["error"] == "CONFIG_ERROR"
    assert answer.json()["message"] == "Dev Meta connect is disabled. Set ALLOW_DEV_META=true to enable."


async def test_a_placeholder_account_with_the_longest_id_can_be_selected(advertiser: Person) -> None:
    """The list shows it with `act_` before the id that was given: what is listed must be accepted."""
    await advertiser.post("/meta/dev-connect", {"adAccountId": "9" * 128}, status=201)
    [row] = (await advertiser.get("/meta/ad-accounts"))["data"]
    status = await advertiser.post("/meta/ad-accounts/select", {"adAccountId": row["id"]}, status=200)
    assert status["selectedAdAccountId"] == f"act_{'9' * 128}"
    refused = await advertiser.http.post("/meta/ad-accounts/select", json={"adAccountId": "a" * 133})
    assert refused.json()["message"] == "adAccountId must have at most 132 characters"

"""Listing, selecting and checking, and what a user is told when it does not work."""

import time
from uuid import uuid4

import pytest
from meta_auth_harness import APP_ID, APP_SECRET, REDIRECT_URL, Browser, Sandbox, Service
from pydantic import SecretStr

from chassis.database import Connection
from chassis.errors import MetaApiError, Unavailable
from meta_auth.graph import Graph
from meta_auth.settings import MetaApp
from meta_auth.transport import MetaTransport, until

APP = MetaApp(app_id=APP_ID, app_secret=SecretStr(APP_SECRET), redirect_url=REDIRECT_URL)

ADA_FIRST = "act_101500000000001"
LISTING = {"path": "/me/adaccounts"}


async def test_the_list_says_which_accounts_can_be_selected_and_why_not(browser: Browser) -> None:
    await browser.connect()
    answer = await browser.service.call("GET", "/ad-accounts", browser.customer)
    rows = answer.json()["data"]
    assert rows[0] == {
        "id": ADA_FIRST,
        "name": "Lindqvist Bageri",
        "account_status": 1,
        "currency": "SEK",
        "selectable": True,
        "minDailyBudget": 1050,
    }
    assert [(row["selectable"], row.get("reason")) for row in rows[3:]] == [
        (True, None),
        (False, "This ad account is disabled"),
        (False, "This ad account is closed"),
        (False, "This ad account has an unpaid balance"),
    ]


async def test_a_person_who_may_only_read_reports_is_told_so(browser: Browser) -> None:
    await browser.connect(persona="cleo")
    row = (await browser.service.call("GET", "/ad-accounts", browser.customer)).json()["data"][0]
    assert (row["selectable"], row["reason"]) == (False, "Your role in this ad account is read-only")
    answer = await browser.select(row["id"])
    assert answer.status_code == 400
    assert answer.json()["message"] == "Your role in this ad account is read-only"
    assert "admin" in answer.json()["hint"]


async def test_a_person_without_accounts_gets_an_empty_list(browser: Browser) -> None:
    await browser.connect(persona="dan")
    assert (await browser.service.call("GET", "/ad-accounts", browser.customer)).json() == {"data": []}


async def test_all_pages_are_read_by_their_cursors(browser: Browser, sandbox: Sandbox) -> None:
    await browser.connect(persona="ben")
    token = SecretStr((await browser.service.grant(browser.customer))["accessToken"])
    transport = MetaTransport()
    graph = Graph(
        base_url=sandbox.url,
        version="v25.0",
        app=APP,
        transport=transport,
        page_size=25,
    )
    accounts = await graph.ad_accounts(token)
    await transport.aclose()
    assert len({account.id for account in accounts}) == len(accounts) == 60
    pages = [entry for entry in await sandbox.ledger() if str(entry.get("path")).endswith("me/adaccounts")]
    assert ["after" in entry["params"] for entry in pages] == [False, True, True]
    assert not [entry for entry in pages if entry["token_in_url"]]


async def test_an_agency_sees_all_sixty_accounts(browser: Browser) -> None:
    await browser.connect(persona="ben")
    rows = (await browser.service.call("GET", "/ad-accounts", browser.customer)).json()["data"]
    assert len(rows) == 60
    assert (await browser.select("act_201500000000060")).status_code == 200


@pytest.mark.parametrize("account", ["act_999", "101500000000001", "ACT_101500000000001"])
async def test_an_account_must_be_named_exactly(browser: Browser, account: str) -> None:
    await browser.connect()
    answer = await browser.select(account)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "VALIDATION_ERROR",
        "message": f'Ad account "{account}" not found in your Meta account',
        "hint": "Select an ad account from the list of available accounts.",
    }


@pytest.mark.parametrize("account", ["", "  "])
async def test_an_empty_account_is_refused(browser: Browser, account: str) -> None:
    answer = await browser.select(account)
    assert (answer.status_code, answer.json()["message"]) == (400, "adAccountId cannot be empty")


async def test_a_disabled_account_cannot_be_selected_and_the_old_choice_stays(browser: Browser) -> None:
    await browser.connect()
    await browser.select(ADA_FIRST)
    answer = await browser.select("act_101500000000005")
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["message"] == "This ad account is disabled"
    assert (await browser.service.status(browser.customer))["selectedAdAccountId"] == ADA_FIRST


async def test_the_check_shows_who_is_connected_and_with_which_accounts(browser: Browser) -> None:
    await browser.connect()
    body = (await browser.service.call("GET", "/smoke", browser.customer)).json()
    assert body["ok"] is True
    assert body["me"] == {"id": "10220000000000001", "name": "Ada Lindqvist"}
    assert len(body["adAccounts"]) == 7
    assert "hint" not in body


async def test_the_check_survives_a_failing_account_list(browser: Browser, sandbox: Sandbox) -> None:
    await browser.connect()
    await sandbox.post("faults", {"match": LISTING, "do": "error", "code": 200, "times": None})
    body = (await browser.service.call("GET", "/smoke", browser.customer)).json()
    assert body["adAccounts"] == []
    assert body["hint"] == "User data retrieved, but ad accounts fetch failed. Check permissions."


async def test_a_refusal_of_meta_is_passed_on_with_code_and_hint(browser: Browser, sandbox: Sandbox) -> None:
    await browser.connect()
    refusal = {"do": "error", "code": 17, "subcode": 2446079, "message": "User request limit reached"}
    await sandbox.post("faults", {"match": LISTING, **refusal})
    answer = await browser.service.call("GET", "/ad-accounts", browser.customer)
    assert answer.status_code == 502
    assert answer.json() == {
        "error": "META_API_ERROR",
        "message": "17 (sub 2446079): User request limit reached",
        "hint": "Meta limits how often it may be asked. Try again in a few minutes.",
    }


@pytest.mark.parametrize(
    ("subcode", "word"), [(458, "removed"), (460, "password"), (463, "expired"), (467, "")]
)
async def test_a_dead_token_turns_the_connection_to_error(
    browser: Browser, sandbox: Sandbox, subcode: int, word: str
) -> None:
    await browser.connect()
    await sandbox.post("tokens/revoke", {"user": "ada", "subcode": subcode})
    first = await browser.service.call("GET", "/ad-accounts", browser.customer)
    assert (first.status_code, first.json()["error"]) == (502, "META_API_ERROR")
    assert first.json()["message"].startswith(f"190 (sub {subcode}): ")
    status = await browser.service.status(browser.customer)
    assert status["status"] == "error"
    assert word in status["hint"]
    assert status["hint"].endswith("Reconnect Meta in Settings.")
    second = await browser.service.call("GET", "/ad-accounts", browser.customer)
    assert second.status_code == 400
    assert second.json() == {
        "error": "MISSING_PREREQUISITE",
        "message": 'Meta connection status is "error", expected "connected"',
        "hint": "Reconnect Meta in Settings.",
    }
    assert (await browser.service.grant(browser.customer))["accessToken"] is None
    assert (await browser.connect())["outcome"] == "connected"


@pytest.mark.parametrize("subcode", [459, 464])
async def test_a_person_who_only_has_to_log_in_at_facebook_stays_connected(
    browser: Browser, sandbox: Sandbox, subcode: int
) -> None:
    await browser.connect()
    await sandbox.post("tokens/revoke", {"user": "ada", "subcode": subcode})
    answer = await browser.service.call("GET", "/ad-accounts", browser.customer)
    assert answer.status_code == 502
    assert "Log in at facebook.com" in answer.json()["hint"]
    assert (await browser.service.status(browser.customer))["status"] == "connected"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("GET", "/ad-accounts", None), ("POST", "/select", {"adAccountId": "act_1"}), ("GET", "/smoke", None)],
)
async def test_without_a_connection_the_user_is_told_to_connect(
    service: Service, method: str, path: str, body: dict[str, str] | None
) -> None:
    answer = await service.call(method, path, uuid4(), body)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "MISSING_PREREQUISITE",
        "message": "No Meta connection found",
        "hint": "Connect your Meta account in Settings first.",
    }


async def test_a_token_that_cannot_be_opened_counts_as_missing(browser: Browser, admin: Connection) -> None:
    await browser.connect()
    await admin.execute(
        "UPDATE meta_connections SET key_id = 'lost' WHERE customer_id = $1", browser.customer
    )
    answer = await browser.service.call("GET", "/ad-accounts", browser.customer)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "MISSING_PREREQUISITE",
        "message": "Meta access token is missing",
        "hint": "Reconnect Meta in Settings to refresh your token.",
    }
    assert (await browser.service.grant(browser.customer))["accessToken"] is None


async def test_a_sealed_token_copied_to_another_customer_does_not_open(
    browser: Browser, service: Service, admin: Connection
) -> None:
    await browser.connect()
    thief = Browser(service=service)
    await thief.connect(persona="dan")
    await admin.execute(
        "UPDATE meta_connections thief SET sealed_token = own.sealed_token, wrapped_key = own.wrapped_key"
        " FROM meta_connections own WHERE thief.customer_id = $1 AND own.customer_id = $2",
        thief.customer,
        browser.customer,
    )
    assert (await service.grant(thief.customer))["accessToken"] is None
    assert (await service.grant(browser.customer))["accessToken"]


async def test_a_meta_that_hangs_is_given_up_when_the_time_is_over(
    browser: Browser, sandbox: Sandbox
) -> None:
    await browser.connect()
    token = SecretStr((await browser.service.grant(browser.customer))["accessToken"])
    await sandbox.post("faults", {"match": LISTING, "do": "hang", "seconds": 5})
    transport = MetaTransport()
    graph = Graph(base_url=sandbox.url, version="v25.0", app=APP, transport=transport)
    started = time.monotonic()
    with pytest.raises(Unavailable, match="did not answer"):
        async with until(started + 0.3):
            await graph.ad_accounts(token)
    assert time.monotonic() - started < 2
    await transport.aclose()


@pytest.mark.parametrize("do", ["html", "bad_json", "cut_body"])
async def test_an_unreadable_answer_is_an_error_and_not_an_empty_list(
    browser: Browser, sandbox: Sandbox, do: str
) -> None:
    await browser.connect()
    await sandbox.post("faults", {"match": LISTING, "do": do, "times": None})
    answer = await browser.service.call("GET", "/ad-accounts", browser.customer)
    assert answer.status_code in {MetaApiError.status, Unavailable.status}
    assert answer.json()["error"] in {"META_API_ERROR", "UNAVAILABLE"}

"""The dialog and back: every end of it, and what each leaves behind."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx2
import pytest
from meta_auth_harness import APP_ID, REDIRECT_URL, Browser, Sandbox, Service

from chassis.database import Connection

ADA_FIRST = "act_101500000000001"


async def test_the_dialog_address_asks_exactly_what_meta_needs(browser: Browser, sandbox: Sandbox) -> None:
    url = urlsplit(await browser.dialog_url())
    query = parse_qs(url.query)
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{sandbox.url}/v25.0/dialog/oauth"
    assert len(query.pop("state")[0]) == 43  # 256 bits
    assert query == {
        "client_id": [APP_ID],
        "redirect_uri": [REDIRECT_URL],
        "scope": ["ads_management,business_management"],
        "response_type": ["code"],
    }


async def test_a_customer_who_approves_is_connected_for_sixty_days(browser: Browser) -> None:
    result = await browser.connect()
    assert result["outcome"] == "connected"
    status = await browser.service.status(browser.customer)
    assert result["status"] == status
    assert status["status"] == "connected"
    assert status["metaUserId"] == "10220000000000001"
    assert {"ads_management", "business_management"} <= set(status["grantedScopes"])
    assert status["scopes"] == status["grantedScopes"]
    assert status["missingScopes"] == []
    assert status["expiresInDays"] in {59, 60}
    assert status["adAccountId"] is None
    assert status["selectedAdAccountId"] is None


async def test_a_selected_account_comes_with_all_that_the_publisher_needs(browser: Browser) -> None:
    await browser.connect()
    selected = (await browser.select(ADA_FIRST)).json()
    assert (selected["selectedAdAccountId"], selected["adAccountId"]) == (ADA_FIRST, ADA_FIRST)
    grant = await browser.service.grant(browser.customer)
    assert grant["accessToken"].startswith("EAA")
    assert grant["adAccountId"] == ADA_FIRST
    assert (grant["currency"], grant["minDailyBudgetMinor"]) == ("SEK", 1050)
    assert grant["dsaBeneficiary"] == grant["dsaPayor"] == "Lindqvist Bageri AB"
    assert "ads_management" in grant["scopes"]


async def test_no_call_to_meta_carries_a_token_or_the_secret_in_its_address(
    browser: Browser, sandbox: Sandbox
) -> None:
    await browser.connect()
    await browser.select(ADA_FIRST)
    await browser.service.call("GET", "/smoke", browser.customer)
    await browser.service.call("POST", "/disconnect", browser.customer, {})
    calls = [entry for entry in await sandbox.ledger() if "token_in_url" in entry]
    assert len(calls) >= 7
    assert not [entry for entry in calls if entry["token_in_url"]]
    assert {entry["http_status"] for entry in calls} == {200}


async def test_a_narrowed_grant_without_the_required_scope_is_refused(browser: Browser) -> None:
    result = await browser.connect("partial", granted=["business_management"])
    assert result == {"outcome": "missing_scopes", "detail": None, "status": None}
    assert (await browser.service.status(browser.customer))["status"] == "disconnected"


async def test_after_a_declined_scope_the_dialog_is_told_to_ask_again(browser: Browser) -> None:
    await browser.connect("partial", granted=["business_management"])
    assert "auth_type=rerequest" in await browser.dialog_url()
    assert (await browser.connect())["outcome"] == "connected"
    assert "auth_type" not in await browser.dialog_url()


async def test_a_grant_without_an_optional_scope_is_kept_and_says_what_is_missing(browser: Browser) -> None:
    result = await browser.connect("partial", granted=["ads_management"])
    assert result["outcome"] == "connected"
    assert result["status"]["missingScopes"] == ["business_management"]
    assert "business_management" not in result["status"]["scopes"]
    assert "auth_type=rerequest" in await browser.dialog_url()


async def test_declining_tells_meta_s_own_words(browser: Browser) -> None:
    assert await browser.connect("decline") == {
        "outcome": "declined",
        "detail": "Permissions error.",
        "status": None,
    }


@pytest.mark.parametrize(
    ("redirect", "detail"),
    [
        ({"error": "access_denied", "error_reason": "user_denied"}, "user_denied"),
        ({"error": "access_denied"}, "access_denied"),
        ({"error": ""}, "access_denied"),
    ],
)
async def test_a_terse_decline_still_says_something(
    browser: Browser, redirect: dict[str, str], detail: str
) -> None:
    state = (await browser.decide("decline"))["state"]
    assert (await browser.return_with({"state": state, **redirect}))["detail"] == detail


@pytest.mark.parametrize(("decision", "granted"), [("decline", None), ("partial", ["business_management"])])
async def test_declining_a_second_consent_leaves_the_working_connection_as_it_was(
    browser: Browser, decision: str, granted: list[str] | None
) -> None:
    await browser.connect()
    await browser.select(ADA_FIRST)
    before = await browser.service.grant(browser.customer), await browser.service.status(browser.customer)
    assert (await browser.connect(decision, granted=granted))["outcome"] in {"declined", "missing_scopes"}
    after = await browser.service.grant(browser.customer), await browser.service.status(browser.customer)
    assert after == before


async def test_a_new_grant_of_the_same_person_keeps_the_selected_account(browser: Browser) -> None:
    await browser.connect()
    await browser.select(ADA_FIRST)
    old = await browser.service.grant(browser.customer)
    await browser.connect()
    new = await browser.service.grant(browser.customer)
    assert new["adAccountId"] == ADA_FIRST
    assert new["accessToken"] != old["accessToken"]
    assert new["version"] == old["version"] + 1


async def test_a_grant_of_another_person_forgets_the_account_it_does_not_reach(browser: Browser) -> None:
    await browser.connect()
    await browser.select(ADA_FIRST)
    await browser.connect(persona="ben")
    status = await browser.service.status(browser.customer)
    assert status["metaUserId"] == "10220000000000002"
    assert status["selectedAdAccountId"] is None
    assert (await browser.service.grant(browser.customer))["currency"] is None


async def test_an_unknown_state_is_invalid(browser: Browser) -> None:
    assert (await browser.return_with({"state": "made-up", "code": "x"}))["outcome"] == "invalid_state"


async def test_a_state_is_good_once(browser: Browser) -> None:
    redirect = await browser.decide("approve")
    assert (await browser.return_with(redirect))["outcome"] == "connected"
    assert (await browser.return_with(redirect))["outcome"] == "invalid_state"


async def test_of_many_returns_at_once_one_connects(browser: Browser) -> None:
    redirect = await browser.decide("approve")
    results = await asyncio.gather(*(browser.return_with(redirect) for _ in range(8)))
    outcomes = sorted(result["outcome"] for result in results)
    assert outcomes == ["connected", *["invalid_state"] * 7]


async def test_a_state_older_than_ten_minutes_is_invalid(browser: Browser, admin: Connection) -> None:
    redirect = await browser.decide("approve")
    lifetime = await admin.fetchval(
        "SELECT extract(epoch FROM expires_at - created_at) FROM oauth_states WHERE customer_id = $1",
        browser.customer,
    )
    assert lifetime == 600
    await admin.execute(
        "UPDATE oauth_states SET expires_at = now() - interval '1 second' WHERE customer_id = $1",
        browser.customer,
    )
    assert (await browser.return_with(redirect))["outcome"] == "invalid_state"


async def test_a_return_without_a_session_is_told_to_log_in_and_may_come_again(browser: Browser) -> None:
    redirect = await browser.decide("approve")
    assert (await browser.return_with(redirect, session=None))["outcome"] == "session_expired"
    assert (await browser.return_with(redirect))["outcome"] == "connected"


async def test_a_state_does_not_work_in_the_session_of_another_customer(
    browser: Browser, service: Service
) -> None:
    redirect = await browser.decide("approve")
    stranger = Browser(service=service)
    assert (await stranger.return_with(redirect))["outcome"] == "session_mismatch"
    colleague = Browser(service=service, customer=browser.customer)
    assert (await colleague.return_with(redirect))["outcome"] == "session_mismatch"
    assert (await service.status(stranger.customer))["status"] == "disconnected"


async def test_a_state_does_not_work_in_another_browser_of_the_same_user(
    browser: Browser, service: Service
) -> None:
    redirect = await browser.decide("approve")
    elsewhere = Browser(service=service, customer=browser.customer, user=browser.user)
    assert (await elsewhere.return_with(redirect))["outcome"] == "invalid_state"
    assert (await browser.return_with(redirect))["outcome"] == "connected"


async def test_a_return_without_a_code_says_so(browser: Browser) -> None:
    state = (await browser.decide("approve"))["state"]
    assert (await browser.return_with({"state": state}))["outcome"] == "missing_code"


async def test_a_code_that_meta_refuses_is_a_failed_exchange(browser: Browser) -> None:
    redirect = await browser.decide("approve")
    result = await browser.return_with({**redirect, "code": "not-a-code"})
    assert result["outcome"] == "token_exchange_failed"


async def test_meta_failing_to_say_who_it_is_leaves_no_connection(browser: Browser, sandbox: Sandbox) -> None:
    redirect = await browser.decide("approve")
    await sandbox.post("faults", {"match": {"path": "/me"}, "do": "error", "code": 10, "times": None})
    assert (await browser.return_with(redirect))["outcome"] == "failed_to_fetch_user"
    assert (await browser.service.status(browser.customer))["status"] == "disconnected"


async def test_a_hiccup_of_meta_while_reading_is_ridden_out(browser: Browser, sandbox: Sandbox) -> None:
    redirect = await browser.decide("approve")
    await sandbox.post("faults", {"match": {"path": "/me"}, "do": "error_500", "times": 1})
    await sandbox.post("faults", {"match": {"path": "/me/permissions"}, "do": "reset", "times": 2})
    assert (await browser.return_with(redirect))["outcome"] == "connected"


async def test_a_token_of_another_app_is_refused(browser: Browser, sandbox: Sandbox) -> None:
    redirect = await browser.decide("approve")
    await sandbox.post("settings", {"token_app_id": "999"})
    assert (await browser.return_with(redirect))["outcome"] == "token_exchange_failed"
    assert (await browser.service.status(browser.customer))["status"] == "disconnected"


async def test_a_code_is_good_once_even_with_a_fresh_state(browser: Browser) -> None:
    first = await browser.decide("approve")
    assert (await browser.return_with(first))["outcome"] == "connected"
    before = await browser.service.status(browser.customer)
    second = await browser.decide("approve")
    replayed = {**second, "code": first["code"]}
    assert (await browser.return_with(replayed))["outcome"] == "token_exchange_failed"
    assert await browser.service.status(browser.customer) == before


async def test_a_code_does_not_fit_another_redirect_address(
    browser: Browser, start_service: Callable[..., Service]
) -> None:
    redirect = await browser.decide("approve")
    moved = start_service(META_REDIRECT_URL=f"{REDIRECT_URL}/")
    there = Browser(
        service=moved, customer=browser.customer, user=browser.user, session_hash=browser.session_hash
    )
    assert (await there.return_with(redirect))["outcome"] == "token_exchange_failed"


async def test_the_dialog_sends_nobody_to_an_address_that_is_not_registered(
    browser: Browser, start_service: Callable[..., Service]
) -> None:
    moved = start_service(META_REDIRECT_URL="https://evil.test/callback")
    url = await Browser(service=moved, customer=browser.customer, user=browser.user).dialog_url()
    async with httpx2.AsyncClient(trust_env=False) as http:
        page = await http.get(url)
    assert (page.status_code, page.headers.get("location")) == (400, None)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"match": {"path": "/oauth/access_token"}, "do": "error", "code": 1}, "token_exchange_failed"),
        ({"match": {"path": "/debug_token"}, "do": "error", "code": 10}, "token_exchange_failed"),
        ({"match": {"path": "/me"}, "do": "error", "code": 10}, "failed_to_fetch_user"),
        ({"match": {"path": "/me/permissions"}, "do": "error", "code": 10}, "failed_to_fetch_user"),
        ({"match": {"path": "/me/adaccounts"}, "do": "error", "code": 10}, "failed_to_fetch_user"),
        ({"token_app_id": "999"}, "token_exchange_failed"),
        ({"token_user_id": "999"}, "failed_to_fetch_user"),
    ],
)
async def test_a_failed_second_connect_leaves_the_working_connection_as_it_was(
    browser: Browser, sandbox: Sandbox, fault: dict[str, Any], outcome: str
) -> None:
    """The old grant is kept until the new one has been verified to the end."""
    await browser.connect()
    await browser.select(ADA_FIRST)
    before = await browser.service.grant(browser.customer), await browser.service.status(browser.customer)
    redirect = await browser.decide("approve")
    if "match" in fault:
        await sandbox.post("faults", {**fault, "times": None})
    else:
        await sandbox.post("settings", fault)
    assert (await browser.return_with(redirect))["outcome"] == outcome
    await sandbox.http.delete("/_sandbox/faults")
    await sandbox.post("settings", {"token_app_id": "", "token_user_id": ""})
    after = await browser.service.grant(browser.customer), await browser.service.status(browser.customer)
    assert after == before


@pytest.fixture(scope="session")
def unconfigured(service_of_the_session: Callable[..., Service]) -> Service:
    return service_of_the_session(
        META_APP_ID="", META_APP_SECRET="", META_REDIRECT_URL="", ALLOW_DEV_META="True"
    )


async def test_without_an_app_the_dialog_says_what_to_set(unconfigured: Service) -> None:
    browser = Browser(service=unconfigured)
    answer = await unconfigured.call("POST", "/connect-url", browser.customer, browser.session)
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "CONFIG_ERROR",
        "message": "Meta OAuth not configured",
        "hint": "Set META_APP_ID and META_REDIRECT_URL environment variables",
    }


async def test_without_an_app_a_return_says_that_it_is_not_configured(
    browser: Browser, unconfigured: Service
) -> None:
    redirect = await browser.decide("approve")
    there = Browser(
        service=unconfigured,
        customer=browser.customer,
        user=browser.user,
        session_hash=browser.session_hash,
    )
    assert (await there.return_with(redirect))["outcome"] == "oauth_not_configured"


async def test_only_the_word_true_allows_development_connections(unconfigured: Service) -> None:
    answer = await unconfigured.call("POST", "/dev-connect", uuid4(), {})
    assert answer.status_code == 403
    assert answer.json() == {
        "error": "CONFIG_ERROR",
        "message": "Dev Meta connect is disabled. Set ALLOW_DEV_META=true to enable.",
    }

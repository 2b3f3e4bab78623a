"""Development connections, expiry, reported trouble, disconnecting, and what the others are told."""

import asyncio
import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis.asyncio as redis
from meta_auth_harness import Browser, Sandbox, Service

from chassis.database import Connection
from contracts.events import CONNECTIONS_STREAM, ConnectionChanged, read_event
from local_stack.pytest_plugin import ValkeyServer

ADA_FIRST = "act_101500000000001"


async def test_a_development_connection_has_its_defaults_and_lends_nothing(service: Service) -> None:
    customer = uuid4()
    first = (await service.call("POST", "/dev-connect", customer, {})).json()
    assert first["created"] is True
    status = first["status"]
    assert status["status"] == "connected"
    assert status["metaUserId"] == "dev-user-123"
    assert status["adAccountId"] == "dev-account-123"
    assert status["scopes"] == ["ads_management", "business_management"]
    assert status["selectedAdAccountId"] is None
    assert status["expiresInDays"] in {89, 90}
    grant = await service.grant(customer)
    assert (grant["status"], grant["accessToken"]) == ("connected", None)
    again = (await service.call("POST", "/dev-connect", customer, {"adAccountId": "act_7"})).json()
    assert (again["created"], again["status"]["adAccountId"]) == (False, "act_7")


@pytest.mark.parametrize(
    ("stored", "shown"), [("dev-account-123", "act_dev-account-123"), ("act_7", "act_7")]
)
async def test_a_development_connection_has_one_account_that_can_be_selected(
    service: Service, stored: str, shown: str
) -> None:
    customer = uuid4()
    await service.call("POST", "/dev-connect", customer, {"adAccountId": stored})
    rows = (await service.call("GET", "/ad-accounts", customer)).json()["data"]
    assert [(row["id"], row["name"], row["currency"]) for row in rows] == [(shown, "Dev Ad Account", "USD")]
    selected = (await service.call("POST", "/select", customer, {"adAccountId": shown})).json()
    assert (selected["selectedAdAccountId"], selected["adAccountId"]) == (shown, stored)
    again = (await service.call("POST", "/dev-connect", customer, {"adAccountId": stored})).json()
    assert again["status"]["selectedAdAccountId"] == shown


async def test_the_check_of_a_development_connection_says_that_it_is_one(service: Service) -> None:
    customer = uuid4()
    await service.call("POST", "/dev-connect", customer, {"metaUserId": "me-1"})
    body = (await service.call("GET", "/smoke", customer)).json()
    assert body["me"]["id"] == "me-1"
    assert body["adAccounts"][0]["name"] == "Dev Ad Account"
    assert body["hint"] == "Dev mode: using placeholder data. Use real OAuth for actual API testing."


async def test_a_development_connection_replaces_the_real_token(browser: Browser, admin: Connection) -> None:
    await browser.connect()
    await browser.select(ADA_FIRST)
    await browser.service.call("POST", "/dev-connect", browser.customer, {})
    row = await admin.fetchrow(
        "SELECT sealed_token, wrapped_key, selected_ad_account_id FROM meta_connections"
        " WHERE customer_id = $1",
        browser.customer,
    )
    assert row is not None
    assert list(row.values()) == [None, None, None]


async def test_a_connection_turns_to_error_when_its_token_runs_out(
    browser: Browser, admin: Connection
) -> None:
    await browser.connect()
    await _set_expiry(admin, browser.customer, "now() + interval '3 days 1 hour'")
    soon = await browser.service.status(browser.customer)
    assert soon["status"] == "connected"
    assert soon["hint"] == "Your Meta connection expires in 3 days. Reconnect Meta in Settings."
    await _set_expiry(admin, browser.customer, "now() - interval '1 second'")
    grant = await browser.service.grant(browser.customer)
    assert (grant["status"], grant["accessToken"]) == ("error", None)
    over = await browser.service.status(browser.customer)
    assert over["hint"] == "Your Meta connection has expired. Reconnect Meta in Settings."
    assert (over["version"], over["expiresInDays"]) == (soon["version"] + 1, 0)


async def test_trouble_with_the_current_token_breaks_the_connection(browser: Browser) -> None:
    await browser.connect()
    grant = await browser.service.grant(browser.customer)
    status = await _report(browser, grant["version"], subcode=460)
    assert status["status"] == "error"
    assert status["hint"] == "The Facebook password was changed. Reconnect Meta in Settings."


async def test_late_trouble_with_a_replaced_token_changes_nothing(browser: Browser) -> None:
    await browser.connect()
    old = await browser.service.grant(browser.customer)
    await browser.connect()
    assert (await _report(browser, old["version"], subcode=460))["status"] == "connected"


@pytest.mark.parametrize(("code", "subcode"), [(190, 459), (190, 464), (17, None), (100, 33)])
async def test_other_trouble_does_not_break_the_connection(
    browser: Browser, code: int, subcode: int | None
) -> None:
    await browser.connect()
    grant = await browser.service.grant(browser.customer)
    assert (await _report(browser, grant["version"], code=code, subcode=subcode))["status"] == "connected"


async def test_disconnecting_revokes_at_meta_and_forgets_everything(
    browser: Browser, sandbox: Sandbox, admin: Connection
) -> None:
    await browser.connect()
    await browser.select(ADA_FIRST)
    answer = await browser.service.call("POST", "/disconnect", browser.customer, {})
    assert answer.status_code == 200
    status = answer.json()
    assert status["status"] == "disconnected"
    assert {key for key, value in status.items() if value is not None} == {"status", "version"}
    assert [entry for entry in await sandbox.ledger() if entry.get("method") == "DELETE"]
    row = await admin.fetchrow("SELECT * FROM meta_connections WHERE customer_id = $1", browser.customer)
    assert row is not None
    assert {key for key, value in row.items() if value is not None} == {
        *("id", "customer_id", "version", "token_version", "status", "is_placeholder"),
        *("created_at", "updated_at"),
    }


async def test_there_is_nothing_to_disconnect_twice(browser: Browser) -> None:
    await browser.connect()
    await browser.service.call("POST", "/disconnect", browser.customer, {})
    answer = await browser.service.call("POST", "/disconnect", browser.customer, {})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "CONFIG_ERROR",
        "message": "No Meta connection found to disconnect",
    }


async def test_a_failing_revocation_does_not_keep_a_user_from_disconnecting(
    browser: Browser, sandbox: Sandbox
) -> None:
    await browser.connect()
    await sandbox.post("faults", {"match": {"method": "DELETE"}, "do": "reset"})
    answer = await browser.service.call("POST", "/disconnect", browser.customer, {})
    assert (answer.status_code, answer.json()["status"]) == (200, "disconnected")
    assert "meta_revoke_failed" in browser.service.log.read_text()


async def test_disconnecting_tells_another_customer_of_the_same_person_at_the_next_call(
    browser: Browser, service: Service
) -> None:
    """Meta has one grant per person and app, so one customer's goodbye is the other's."""
    other = Browser(service=service)
    await browser.connect()
    await other.connect()
    await service.call("POST", "/disconnect", browser.customer, {})
    assert (await service.call("GET", "/smoke", other.customer)).status_code == 502
    status = await service.status(other.customer)
    assert status["hint"] == "The app was removed at Facebook. Reconnect Meta in Settings."


async def test_every_change_is_told_with_a_rising_version(
    browser: Browser, valkey_server: ValkeyServer
) -> None:
    await browser.connect()
    await browser.select(ADA_FIRST)
    grant = await browser.service.grant(browser.customer)
    await _report(browser, grant["version"], subcode=463)
    await browser.connect()
    await browser.service.call("POST", "/disconnect", browser.customer, {})
    await browser.service.call("POST", "/dev-connect", browser.customer, {})
    events = await _events(valkey_server.url, browser.customer, count=6)
    assert [
        (event.data.version, event.data.status, event.data.selected_ad_account_id) for event in events
    ] == [
        (1, "connected", None),
        (2, "connected", ADA_FIRST),
        (3, "error", ADA_FIRST),
        (4, "connected", ADA_FIRST),
        (5, "disconnected", None),
        (6, "connected", None),
    ]
    assert (events[1].data.currency, events[1].data.min_daily_budget_minor) == ("SEK", 1050)
    assert {event.source for event in events} == {"/meta-auth"}
    assert all(event.traceparent for event in events)


async def test_a_failed_visit_tells_nobody_anything(browser: Browser, admin: Connection) -> None:
    await browser.connect("decline")
    await browser.connect("partial", granted=["business_management"])
    told = await admin.fetchval("SELECT count(*) FROM outbox WHERE subject = $1", str(browser.customer))
    assert told == 0


async def _set_expiry(admin: Connection, customer: UUID, moment: str) -> None:
    await admin.execute(
        f"UPDATE meta_connections SET token_expires_at = {moment} WHERE customer_id = $1", customer
    )


async def _report(
    browser: Browser, version: int, *, code: int = 190, subcode: int | None = None
) -> dict[str, Any]:
    trouble = {"version": version, "code": code, "subcode": subcode, "message": "refused"}
    answer = await browser.service.call(
        "POST", "/token-trouble", browser.customer, trouble, caller="ads-publisher"
    )
    assert answer.status_code == 200, answer.text
    status: dict[str, Any] = answer.json()
    return status


async def _events(url: str, customer: UUID, *, count: int) -> list[ConnectionChanged]:
    client = redis.Redis.from_url(url)
    deadline = time.monotonic() + 10
    found: list[ConnectionChanged] = []
    while len(found) < count and time.monotonic() < deadline:
        bodies = [fields[b"__data__"] for _, fields in await client.xrange(CONNECTIONS_STREAM)]
        found = [_changed(body) for body in bodies if json.loads(body)["customerid"] == str(customer)]
        await asyncio.sleep(0.02)
    await client.aclose()
    return found


def _changed(body: bytes) -> ConnectionChanged:
    event = read_event(body)
    assert isinstance(event, ConnectionChanged)
    return event

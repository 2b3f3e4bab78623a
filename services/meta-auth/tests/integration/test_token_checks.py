"""The daily check: what Meta says of a token is shown, told and acted on before a publish meets it."""

import asyncio
from collections.abc import Callable

import pytest
from meta_auth_harness import Browser, Operate, Sandbox, Service, eventually, told, told_at_least

from chassis.database import Connection
from local_stack.pytest_plugin import ValkeyServer

DAY = 86_400


@pytest.fixture(autouse=True)
async def alone(admin: Connection) -> None:
    """A pass looks at every connection: those of other tests are not to be met."""
    await admin.execute("DELETE FROM meta_connections")


async def check(operate: Operate) -> str:
    done = await operate("check-tokens")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def test_a_pass_over_good_tokens_changes_nothing(
    browser: Browser, operate: Operate, admin: Connection, sandbox: Sandbox
) -> None:
    await browser.connect()
    await browser.service.call("POST", "/dev-connect", Browser(service=browser.service).customer, {})
    before = await browser.service.status(browser.customer)
    assert "1 tokens checked: 1 fine, 0 with a warning, 0 broken, 0 not answered" in await check(operate)
    assert await browser.service.status(browser.customer) == before
    calls = [entry for entry in await sandbox.ledger() if entry.get("path", "").endswith("debug_token")]
    assert len(calls) == 2  # one when connecting, one now; none for the placeholder
    assert not [entry for entry in calls if entry["token_in_url"] or entry.get("note")]


@pytest.mark.parametrize(("days", "shown"), [(14, 14), (7, 7), (3, 3), (1, 1)])
async def test_a_token_that_ends_soon_is_told_once(
    browser: Browser, sandbox: Sandbox, operate: Operate, valkey_server: ValkeyServer, days: int, shown: int
) -> None:
    await sandbox.post("settings", {"long_token_seconds": days * DAY + 3600})
    await browser.connect()
    await sandbox.post("settings", {"long_token_seconds": 5_183_944})
    assert "1 with a warning" in await check(operate)
    status = await browser.service.status(browser.customer)
    when = "in 1 day" if shown == 1 else f"in {shown} days"
    assert status["hint"] == f"Your Meta connection expires {when}. Reconnect Meta in Settings."
    assert (status["status"], status["expiresInDays"]) == ("connected", shown)
    events = await told_at_least(valkey_server, browser, 2)
    body = events[1].data
    assert (body.reason, body.expires_in_days, body.status) == ("token_expiring", shown, "connected")
    assert "1 fine" in await check(operate)
    assert len(await told(valkey_server.url, browser.customer)) == 2


@pytest.mark.parametrize(
    ("subcode", "reason", "hint"),
    [
        (458, "token_revoked", "The app was removed at Facebook. Reconnect Meta in Settings."),
        (460, "token_revoked", "The Facebook password was changed. Reconnect Meta in Settings."),
        (463, "token_expired", "The Meta connection has expired. Reconnect Meta in Settings."),
    ],
)
async def test_a_token_that_meta_no_longer_takes_breaks_the_connection(
    browser: Browser,
    sandbox: Sandbox,
    operate: Operate,
    valkey_server: ValkeyServer,
    subcode: int,
    reason: str,
    hint: str,
) -> None:
    await browser.connect()
    await sandbox.post("tokens/revoke", {"user": "ada", "subcode": subcode})
    assert "1 broken" in await check(operate)
    status = await browser.service.status(browser.customer)
    assert (status["status"], status["hint"]) == ("error", hint)
    events = await told_at_least(valkey_server, browser, 2)
    assert (events[1].data.status, events[1].data.reason) == ("error", reason)
    assert "0 tokens checked" in await check(operate)


async def test_a_token_that_sleeps_until_the_person_logs_in_is_left_alone(
    browser: Browser, sandbox: Sandbox, operate: Operate
) -> None:
    await browser.connect()
    await sandbox.post("tokens/revoke", {"user": "ada", "subcode": 459})
    assert "1 fine" in await check(operate)
    assert (await browser.service.status(browser.customer))["status"] == "connected"


async def test_a_required_scope_that_was_taken_back_breaks_the_connection(
    browser: Browser, service: Service, operate: Operate
) -> None:
    await browser.connect()
    # Meta has one grant for a person and an app: it is narrowed by whoever asks next.
    await Browser(service=service).connect("partial", granted=["business_management"])
    assert "1 broken" in await check(operate)
    status = await service.status(browser.customer)
    assert status["status"] == "error"
    assert status["missingScopes"] == ["ads_management"]
    assert status["hint"].startswith("Meta no longer grants ads_management.")


async def test_an_optional_scope_that_was_taken_back_is_shown_and_told(
    browser: Browser, service: Service, operate: Operate, valkey_server: ValkeyServer
) -> None:
    await browser.connect()
    await Browser(service=service).connect("partial", granted=["ads_management"])
    assert "1 with a warning" in await check(operate)
    status = await service.status(browser.customer)
    assert (status["status"], status["missingScopes"]) == ("connected", ["business_management"])
    assert status["hint"].startswith("Meta no longer grants business_management.")
    events = await told_at_least(valkey_server, browser, 2)
    assert events[1].data.reason == "scope_lost"


async def test_the_end_of_data_access_is_told_before_and_breaks_the_connection_after(
    browser: Browser, sandbox: Sandbox, service: Service, operate: Operate
) -> None:
    await sandbox.post("settings", {"data_access_seconds": 6 * DAY + 3600})
    await browser.connect()
    assert "1 with a warning" in await check(operate)
    status = await service.status(browser.customer)
    assert status["hint"] == (
        "Your Meta permission to use your data expires in 6 days. Reconnect Meta in Settings."
    )
    await sandbox.post("settings", {"data_access_seconds": -1})
    assert "1 broken" in await check(operate)
    assert (await service.status(browser.customer))["status"] == "error"
    await sandbox.post("settings", {"data_access_seconds": 90 * DAY})


async def test_a_token_of_another_app_breaks_the_connection(
    browser: Browser, sandbox: Sandbox, service: Service, operate: Operate
) -> None:
    await browser.connect()
    await sandbox.post("settings", {"token_app_id": "999"})
    assert "1 broken" in await check(operate)
    assert (await service.status(browser.customer))["status"] == "error"
    await sandbox.post("settings", {"token_app_id": ""})


async def test_a_meta_that_asks_for_a_pause_gets_one_and_breaks_nothing(
    browser: Browser, sandbox: Sandbox, service: Service, operate: Operate
) -> None:
    people = [browser, Browser(service=service), Browser(service=service)]
    for each in people:
        await each.connect()
    match = {"path": "/debug_token"}
    await sandbox.post("faults", {"match": match, "do": "error", "code": 4, "times": None})
    before = len(await sandbox.ledger())
    done = await operate("check-tokens")
    assert (done.returncode, "Stopped early" in done.stdout) == (1, True)
    assert len(await sandbox.ledger()) - before == 1
    assert {(await service.status(each.customer))["status"] for each in people} == {"connected"}


async def test_two_passes_at_once_ask_about_each_token_once(
    browser: Browser, sandbox: Sandbox, service: Service, operate: Operate, admin: Connection
) -> None:
    await browser.connect()
    copies = 12
    for _ in range(copies - 1):
        await Browser(service=service).connect()
    before = [entry for entry in await sandbox.ledger() if entry.get("path", "").endswith("debug_token")]
    passes = await asyncio.gather(operate("check-tokens"), operate("check-tokens"))
    after = [entry for entry in await sandbox.ledger() if entry.get("path", "").endswith("debug_token")]
    counts = [int(each.stdout.split()[0]) for each in passes]
    assert len(after) - len(before) == sum(counts)
    assert copies <= sum(counts) <= 2 * copies
    due = await admin.fetch("SELECT check_due_at - now() AS left FROM meta_connections ORDER BY check_due_at")
    hours = [row["left"].total_seconds() / 3600 for row in due]
    assert 21 < hours[0] < hours[-1] < 27
    assert hours[-1] - hours[0] > 0.5  # spread, not in one burst


async def test_the_service_checks_by_itself_when_a_token_is_due(
    sandbox: Sandbox, start_service: Callable[..., Service], admin: Connection
) -> None:
    service = start_service(TOKEN_CHECK_INTERVAL_SECONDS="1")
    browser = Browser(service=service)
    await browser.connect()
    await sandbox.post("tokens/revoke", {"user": "ada", "subcode": 460})
    # A new grant has its first check within a day; that day passes here, for this one only: the rows of other
    # tests may be unreadable, or more than one round takes.
    await admin.execute(
        "UPDATE meta_connections SET check_due_at = now() WHERE customer_id = $1", browser.customer
    )

    async def status() -> str:
        return str((await service.status(browser.customer))["status"])

    await eventually(status, lambda found: found == "error")

"""Meta's two callbacks: who removed the app is forgotten, who wants their data deleted is erased."""

import time
from uuid import uuid4

import pytest
from meta_auth_harness import (
    ADA,
    NOBODY,
    Browser,
    Service,
    eventually,
    signed_request,
    told,
    told_at_least,
)

from chassis.database import Connection
from local_stack.pytest_plugin import ValkeyServer

ADA_FIRST = "act_101500000000001"


async def deauthorize(service: Service, text: str) -> int:
    answer = await service.call("POST", "/deauthorize", NOBODY, {"signedRequest": text})
    assert answer.json() == {"ok": True} if answer.is_success else "signed_request" in answer.text
    return answer.status_code


async def ask_for_deletion(service: Service, text: str) -> str:
    answer = await service.call("POST", "/data-deletion", NOBODY, {"signedRequest": text})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["confirmationCode"])


async def state(service: Service, code: str) -> dict[str, str | None]:
    answer = await service.call("POST", "/deletion-state", NOBODY, {"confirmationCode": code})
    assert answer.status_code == 200, answer.text
    body: dict[str, str | None] = answer.json()
    return body


async def until_done(service: Service, code: str) -> None:
    await eventually(lambda: state(service, code), lambda found: found["completedAt"] is not None)


async def test_who_removes_the_app_is_disconnected_for_every_customer(
    browser: Browser, service: Service, admin: Connection, valkey_server: ValkeyServer
) -> None:
    other, stranger = Browser(service=service), Browser(service=service)
    await browser.connect()
    await browser.select(ADA_FIRST)
    await other.connect()
    await stranger.connect(persona="ben")
    assert await deauthorize(service, signed_request(ADA)) == 200
    for person in (browser, other):
        assert (await service.status(person.customer))["status"] == "disconnected"
        grant = await service.grant(person.customer)
        assert (grant["status"], grant["accessToken"]) == ("disconnected", None)
        row = await admin.fetchrow(
            "SELECT sealed_token, wrapped_key, meta_user_id, meta_user_name, account_name, granted_scopes"
            " FROM meta_connections WHERE customer_id = $1",
            person.customer,
        )
        assert row is not None
        assert set(row.values()) == {None}
    assert (await service.status(stranger.customer))["status"] == "connected"
    events = await told_at_least(valkey_server, other, 2)
    assert (events[1].data.status, events[1].data.reason) == ("disconnected", "deauthorized")


async def test_meta_learns_nothing_about_who_is_known_and_may_repeat_itself(
    browser: Browser, service: Service, valkey_server: ValkeyServer
) -> None:
    await browser.connect()
    text = signed_request(ADA)
    assert [await deauthorize(service, each) for each in (text, text, signed_request("9" * 17))] == [200] * 3
    events = await told_at_least(valkey_server, browser, 2)
    assert [event.data.version for event in events] == [1, 2]


async def test_an_old_callback_that_comes_late_leaves_a_newer_grant_alone(
    browser: Browser, service: Service
) -> None:
    """Somebody who removed the app and connected again must not lose the new connection."""
    await browser.connect()
    early = int(time.time()) - 120
    assert await deauthorize(service, signed_request(ADA, issued_at=early)) == 200
    assert (await service.status(browser.customer))["status"] == "connected"
    code = await ask_for_deletion(service, signed_request(ADA, issued_at=early))
    await until_done(service, code)
    assert (await service.status(browser.customer))["status"] == "connected"
    assert (await service.grant(browser.customer))["accessToken"]


@pytest.mark.parametrize("path", ["/deauthorize", "/data-deletion"])
async def test_what_meta_did_not_sign_changes_nothing(
    browser: Browser, service: Service, admin: Connection, path: str
) -> None:
    await browser.connect()
    before = await admin.fetchval("SELECT count(*) FROM deletion_requests")
    good = signed_request(ADA)
    forged = good[:-1] + ("A" if good[-1] != "A" else "B")
    for text in (forged, "", ".", "a.b", good.split(".")[1], signed_request(ADA, algorithm="none")):
        answer = await service.call("POST", path, NOBODY, {"signedRequest": text})
        assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    too_long = await service.call("POST", path, NOBODY, {"signedRequest": "a" * 8193})
    assert too_long.status_code == 400
    assert (await service.status(browser.customer))["status"] == "connected"
    assert await admin.fetchval("SELECT count(*) FROM deletion_requests") == before


async def test_a_deletion_erases_the_person_from_every_row_and_tells_the_others(
    browser: Browser, service: Service, admin: Connection, valkey_server: ValkeyServer
) -> None:
    other = Browser(service=service)
    await browser.connect()
    await browser.select(ADA_FIRST)
    await other.connect()
    text = signed_request(ADA)
    code = await ask_for_deletion(service, text)
    assert (len(code), code.isalnum()) == (32, True)
    assert await ask_for_deletion(service, text) == code
    await until_done(service, code)
    for person in (browser, other):
        assert (await service.status(person.customer))["status"] == "disconnected"
        events = await eventually(
            lambda person=person: told(valkey_server.url, person.customer),
            lambda found: found[-1].data.reason == "data_deletion",
        )
        assert events[-1].data.erase_before is not None
        assert (events[-1].data.status, events[-1].data.meta_user_id) == ("disconnected", None)
    kept = await _everything(admin)
    for canary in (ADA, "Ada Lindqvist", ADA_FIRST, "Lindqvist"):
        assert canary not in kept
    # A second callback with the same request is answered from the journal and erases nothing again.
    versions = [(await service.status(person.customer))["version"] for person in (browser, other)]
    assert await ask_for_deletion(service, text) == code
    await until_done(service, await ask_for_deletion(service, signed_request(ADA, nonce=str(uuid4()))))
    assert [(await service.status(each.customer))["version"] for each in (browser, other)] == versions


async def test_a_deletion_after_the_person_has_left_still_reaches_the_others(
    browser: Browser, service: Service, valkey_server: ValkeyServer, admin: Connection
) -> None:
    """Meta sends both callbacks to who removes the app and asks for deletion; the first empties the row."""
    await browser.connect()
    assert await deauthorize(service, signed_request(ADA)) == 200
    await until_done(service, await ask_for_deletion(service, signed_request(ADA)))
    events = await eventually(
        lambda: told(valkey_server.url, browser.customer), lambda found: bool(found[-1].data.erase_before)
    )
    assert events[-1].data.status == "disconnected"
    left = await admin.fetchval("SELECT count(*) FROM meta_people WHERE customer_id = $1", browser.customer)
    assert left == 0


async def test_the_connection_of_somebody_else_survives_a_deletion(
    browser: Browser, service: Service, valkey_server: ValkeyServer
) -> None:
    await browser.connect()
    await browser.connect(persona="ben")
    await until_done(service, await ask_for_deletion(service, signed_request(ADA)))
    status = await service.status(browser.customer)
    assert (status["status"], status["metaUserId"]) == ("connected", "10220000000000002")
    events = await eventually(
        lambda: told(valkey_server.url, browser.customer), lambda found: bool(found[-1].data.erase_before)
    )
    # What was done since Ben's grant is Ben's.
    assert events[-1].data.erase_before is not None
    assert events[-1].data.erase_before < events[-1].time


async def test_nobody_is_told_of_a_request_that_was_never_made(service: Service) -> None:
    unknown = {"requestedAt": None, "completedAt": None}
    assert await state(service, "0" * 32) == unknown
    assert await state(service, "' OR 1=1 --") == unknown


async def test_of_a_person_who_was_never_here_the_answer_is_the_same(service: Service) -> None:
    code = await ask_for_deletion(service, signed_request("77770000000000001"))
    await until_done(service, code)


async def _everything(admin: Connection) -> str:
    tables = ("meta_connections", "oauth_states", "outbox", "deletion_requests", "meta_people")
    rows = [row for table in tables for row in await admin.fetch(f"SELECT * FROM {table}")]
    return "\n".join(str(value) for row in rows for value in row.values())

"""What Meta calls, over the gateway: signed or refused, never a session, and a page for the person."""

import base64
import hmac
import json
import time
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest
from gateway_harness import (
    APP,
    APP_SECRET,
    Gateway,
    Person,
    Publisher,
    come_back,
    connect,
    connect_url,
    eventually,
)

from chassis.database import Connection
from contracts.events import CONNECTIONS_STREAM, RunFailedBody, RunStepBody, RunSucceededBody
from local_stack.dialog import consent

ADA = "10220000000000001"
FORM = "application/x-www-form-urlencoded"
POSTS = ("/meta/deauthorize", "/meta/data-deletion")


def signed_request(user_id: str, **changes: Any) -> str:
    # The same bytes twice are one request: two of the same second have to differ.
    now = {"issued_at": int(time.time()), "nonce": uuid4().hex}
    payload = {"user_id": user_id, "algorithm": "HMAC-SHA256", **now, **changes}
    part = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=")
    signature = hmac.new(APP_SECRET.encode(), part, sha256).digest()
    return f"{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}.{part.decode()}"


async def send(gateway: Gateway, path: str, text: str, **headers: str) -> httpx.Response:
    async with gateway.client() as meta:
        return await meta.post(path, data={"signed_request": text}, headers=headers)


async def test_who_removes_the_app_is_shown_as_disconnected(
    advertiser: Person, connected_gateway: Gateway, admin: Connection
) -> None:
    assert await connect(advertiser) == "/settings?meta=connected"
    for _ in range(2):
        answer = await send(connected_gateway, "/meta/deauthorize", signed_request(ADA))
        assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert (await advertiser.get("/meta/status"))["status"] == "disconnected"

    async def noted() -> list[str]:
        rows = await admin.fetch("SELECT * FROM audit_log WHERE customer_id = $1", advertiser.customer)
        return [row["action"] for row in rows if (row["result"], row["user_id"]) == ("disconnected", None)]

    assert await eventually(noted, bool) == ["meta_deauthorized"]


async def test_the_answer_is_the_same_for_a_person_nobody_knows(connected_gateway: Gateway) -> None:
    unknown = signed_request("9" * 17)
    answer = await send(connected_gateway, "/meta/deauthorize", unknown)
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    answer = await send(connected_gateway, "/meta/data-deletion", unknown)
    assert answer.json().keys() == {"url", "confirmation_code"}


@pytest.mark.parametrize("path", POSTS)
async def test_meta_sends_a_form_from_anywhere_and_a_session_changes_nothing(
    connected_gateway: Gateway, path: str
) -> None:
    answer = await send(
        connected_gateway, path, signed_request("8" * 17), origin="https://evil.test", cookie="session=x"
    )
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"signed_request=",
        b"signed_request=a.b&signed_request=a.b",
        b"other=1",
        b"{}",
        b"\xff\xfe",
        b"signed_request=%ff%00.%00",
        b"signed_request=a.b",
        b"signed_request=" + b"a" * 8000 + b".b",
        b"&".join(b"a=1" for _ in range(500)),
    ],
    ids=lambda body: repr(body[:24]),
)
async def test_nonsense_is_refused_and_never_a_server_error(
    connected_gateway: Gateway, path: str, body: bytes
) -> None:
    async with connected_gateway.client() as meta:
        answer = await meta.post(path, content=body, headers={"content-type": FORM})
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("path", POSTS)
async def test_more_than_eight_kilobytes_are_not_read(connected_gateway: Gateway, path: str) -> None:
    answer = await send(connected_gateway, path, "a" * 8192)
    assert (answer.status_code, answer.json()["error"]) == (413, "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize("path", POSTS)
async def test_without_meta_auth_meta_is_told_to_come_again(gateway: Gateway, path: str) -> None:
    answer = await send(gateway, path, signed_request(ADA))
    assert (answer.status_code, answer.json()["error"]) == (503, "UNAVAILABLE")
    assert answer.headers["retry-after"]


async def test_a_deletion_is_answered_with_a_code_and_a_page_about_it(connected_gateway: Gateway) -> None:
    text = signed_request("7" * 17)
    answer = (await send(connected_gateway, "/meta/data-deletion", text)).json()
    code = answer["confirmation_code"]
    assert answer["url"] == f"{connected_gateway.public_url}/meta/data-deletion/{code}"
    assert (await send(connected_gateway, "/meta/data-deletion", text)).json() == answer

    async def page() -> httpx.Response:
        async with connected_gateway.client() as anybody:
            return await anybody.get(f"/meta/data-deletion/{code}")

    shown = await eventually(page, lambda found: "have been deleted" in found.text)
    assert (shown.status_code, code in shown.text) == (200, True)
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in shown.text


@pytest.mark.parametrize("code", ["0" * 32, "x", "<script>alert(1)", "..%2f..", "A" * 4000, "%00"])
async def test_a_code_that_is_none_gets_a_page_that_says_so(connected_gateway: Gateway, code: str) -> None:
    async with connected_gateway.client() as anybody:
        answer = await anybody.get(f"/meta/data-deletion/{code}")
    assert answer.status_code == 404
    assert "<script" not in answer.text
    if "%2f" not in code:
        assert "There is no such request" in answer.text


async def test_a_deletion_erases_what_came_from_meta_and_keeps_the_bare_facts_of_runs(
    advertiser: Person, connected_gateway: Gateway, publisher: Publisher, admin: Connection
) -> None:
    canaries = ("act_990011", "880011", "880022", "CanaryText", ADA)
    await connect(advertiser)
    done, failed = await advertiser.publish(), None
    await publisher.tell(done, 1, RunStepBody, step="campaign", state="done", campaign_id="880011")
    await publisher.tell(
        done,
        2,
        RunSucceededBody,
        mode="real",
        ad_account_id="act_990011",
        campaign_id="880011",
        adset_id="880022",
    )
    await done.until(lambda run: run["status"] == "success")
    failed = await advertiser.publish()
    await publisher.tell(
        failed,
        1,
        RunFailedBody,
        mode="real",
        error_code="META_API_ERROR",
        message="CanaryText",
        hint="CanaryText",
    )
    await failed.until(lambda run: run["status"] == "failed")
    still_open = await advertiser.publish()
    planted = await _everything(admin)
    assert [each for each in canaries if each not in planted] == []

    await send(connected_gateway, "/meta/data-deletion", signed_request(ADA))

    async def left() -> list[str]:
        kept = await _everything(admin)
        return [each for each in canaries if each in kept]

    await eventually(left, lambda found: not found)
    runs = (await advertiser.get("/ads/runs"))["data"]
    assert [run["status"] for run in runs] == ["queued", "failed", "success"]
    assert runs[1]["errorMessage"] == "Erased with the data from Meta."
    assert runs[2]["finishedAt"] is not None
    assert (await done.read())["steps"] == []
    assert await advertiser.get("/ads/objects") is None

    # The run that was open brings its ids when it ends, and they go with its end.
    await publisher.tell(still_open, 1, RunStepBody, step="campaign", state="done", campaign_id="880011")
    await still_open.told(1)
    await publisher.tell(still_open, 2, RunFailedBody, mode="real", error_code="X", campaign_id="880011")
    await still_open.until(lambda run: run["status"] == "failed")
    assert await left() == []
    assert await admin.fetchval("SELECT count(*) FROM erasures") == 0

    actions = await admin.fetch("SELECT action FROM audit_log WHERE customer_id = $1", advertiser.customer)
    assert "meta_data_deletion" in [row["action"] for row in actions]


async def test_warnings_about_a_token_are_noted_once(
    advertiser: Person, publisher: Publisher, admin: Connection, sandbox: Any
) -> None:
    await connect(advertiser)
    who = str(advertiser.customer).encode()
    await sandbox("tokens/revoke", {"user": "ada", "subcode": 460})
    answer = await advertiser.http.get("/meta/debug/smoke")
    assert answer.status_code == 502

    async def noted() -> list[str]:
        rows = await admin.fetch(
            "SELECT action, result FROM audit_log WHERE customer_id = $1", advertiser.customer
        )
        return [row["action"] for row in rows if row["result"] == "error"]

    assert await eventually(noted, bool) == ["meta_token_revoked"]
    bodies = [fields for _, fields in await publisher.redis.xrange(CONNECTIONS_STREAM)]
    [news] = [
        fields for fields in bodies if all(each in fields[b"__data__"] for each in (who, b"token_revoked"))
    ]
    for _ in range(3):
        await publisher.redis.xadd(CONNECTIONS_STREAM, news)

    async def waiting() -> int:
        groups = await publisher.redis.xinfo_groups(CONNECTIONS_STREAM)
        return sum(group["pending"] + group["lag"] for group in groups)

    await eventually(waiting, lambda count: count == 0)
    assert await noted() == ["meta_token_revoked"]
    await sandbox("tokens/revoke", {"user": "ada", "subcode": None})


@pytest.mark.parametrize(
    "extra",
    [
        "return_to=https://evil.test",
        "redirect_uri=https://evil.test",
        "next=//evil.test",
        "error_uri=https://evil.test",
    ],
)
async def test_no_parameter_leads_a_browser_away_from_the_frontend(advertiser: Person, extra: str) -> None:
    back = await consent(await connect_url(advertiser))
    assert await come_back(advertiser, f"{back}&{extra}") == "/settings?meta=connected"
    for text in (
        "//evil.test",
        "https://evil.test",
        "\\\\evil.test",
        "%0d%0aLocation:%20https://evil.test",
        "@evil.test",
    ):
        state = (await connect_url(advertiser)).split("state=")[1].split("&")[0]
        answer = await advertiser.http.get(
            f"/meta/oauth/callback?state={state}&error=x&error_description={text}&{extra}"
        )
        assert answer.headers["location"].startswith(f"{APP}/settings?meta=error&error=")
        assert "evil.test/" not in answer.headers["location"]
        assert "\r" not in answer.headers["location"]


async def test_a_state_is_bound_to_the_browser_that_asked_for_it(
    advertiser: Person, connected_gateway: Gateway
) -> None:
    back = await consent(await connect_url(advertiser))
    elsewhere = Person(connected_gateway)
    async with elsewhere:
        answer = await elsewhere.http.post(
            "/auth/login", json={"email": advertiser.email, "password": "correct horse battery"}
        )
        assert answer.status_code == 200
        assert await come_back(elsewhere, back) == "/settings?meta=error&error=invalid_state"
    assert (await advertiser.get("/meta/status"))["status"] == "disconnected"


async def _everything(admin: Connection) -> str:
    # What the audit log keeps is said in docs/data-deletion.md.
    tables = (
        *("ad_runs", "ad_run_steps", "meta_ad_objects", "meta_connections_view", "ad_settings"),
        *("outbox", "idempotency_keys"),
    )
    rows = [row for table in tables for row in await admin.fetch(f"SELECT * FROM {table}")]
    return "\n".join(str(value) for row in rows for value in row.values())

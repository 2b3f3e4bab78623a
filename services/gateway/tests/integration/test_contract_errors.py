"""The two shapes of errors, and bodies that a lenient server would let through to fail later."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from gateway_harness import ROLE, Gateway, Person

from chassis.database import Connection
from local_stack.pytest_plugin import PostgresServer

POSTS = [
    "/signup",
    "/auth/login",
    "/auth/logout",
    "/auth/logout-everywhere",
    f"/auth/sessions/{uuid4()}/end",
    "/auth/password",
    "/auth/password-reset",
    "/auth/password-reset/confirm",
    "/meta/dev-connect",
    "/meta/disconnect",
    "/meta/ad-accounts/select",
    "/ads/settings",
    "/ads/publish",
    "/ads/sync",
]
JSON = {"content-type": "application/json"}
BAD_BODIES = {
    "no body": (b"", JSON, "The body is empty"),
    "blank": (b"  \n", JSON, "The body is empty"),
    "not JSON": (b"{", JSON, "The body is not valid JSON"),
    "not UTF-8": (b'{"a":"\xff"}', JSON, "The body is not valid JSON"),
    "NaN": (b'{"a":NaN}', JSON, "The body is not valid JSON"),
    "Infinity": (b'{"a":-Infinity}', JSON, "The body is not valid JSON"),
    "a field twice": (b'{"email":"a@example.com","a":{"b":1,"b":2}}', JSON, "The body names a field twice"),
    "too large a number": (b'{"a":1e999}', JSON, "The body holds a number that is too large"),
    "a number of 5000 digits": (b'{"a":' + b"9" * 5000 + b"}", JSON, "The body is not valid JSON"),
    "NUL": (b'{"a":"\\u0000"}', JSON, re.compile("cannot be stored")),
    "half a surrogate": (b'{"a":"\\ud800"}', JSON, re.compile("cannot be stored")),
    "deep": (b"[" * 100 + b"]" * 100, JSON, "The body is nested deeper than 32 levels"),
    "very deep": (b"[" * 30_000 + b"]" * 30_000, JSON, re.compile("body")),
    "a form": (b"a=b", {"content-type": "application/x-www-form-urlencoded"}, "The body must be JSON"),
    "plain text": (b"{}", {"content-type": "text/plain"}, "The body must be JSON"),
    "no media type": (b"{}", {}, "The body must be JSON"),
}
NOT_OBJECTS = [b"[]", b"null", b"1", b'"text"', b"true"]


def _is_flat(path: str) -> bool:
    return path.startswith(("/meta/", "/ads/"))


def _code(path: str, body: dict[str, Any]) -> str:
    assert body["message"]
    if _is_flat(path):
        assert isinstance(body["error"], str)
        return body["error"]
    assert body["error"]["message"] == body["message"]
    return str(body["error"]["code"])


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("name", BAD_BODIES)
async def test_an_unusable_body_is_a_clear_400(reader: Person, path: str, name: str) -> None:
    content, headers, message = BAD_BODIES[name]
    answer = await reader.http.post(path, content=content, headers=headers)
    assert answer.status_code == 400
    assert _code(path, answer.json()) == "VALIDATION_ERROR"
    if isinstance(message, str):
        assert answer.json()["message"] == message
    else:
        assert message.search(answer.json()["message"])


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("content", NOT_OBJECTS)
async def test_a_body_that_is_no_object_is_a_400(reader: Person, path: str, content: bytes) -> None:
    answer = await reader.http.post(path, content=content, headers=JSON)
    assert answer.status_code == 400
    assert _code(path, answer.json()) == "VALIDATION_ERROR"
    assert answer.json()["message"] == "The body must be a JSON object"


@pytest.mark.parametrize("path", POSTS)
async def test_a_body_over_64_kb_is_a_413(reader: Person, path: str) -> None:
    answer = await reader.http.post(path, content=b'{"a":"' + b"x" * 70_000 + b'"}', headers=JSON)
    assert answer.status_code == 413
    assert _code(path, answer.json()) == "PAYLOAD_TOO_LARGE"


async def test_issues_list_what_is_wrong_and_the_message_repeats_the_first(reader: Person) -> None:
    answer = await reader.http.post(
        "/ads/settings", json={"geoMode": "moon", "geoRadiusKm": 81, "formatsJson": ["feed", "print"]}
    )
    body = answer.json()
    assert (answer.status_code, body["error"]) == (400, "VALIDATION_ERROR")
    assert [issue["path"] for issue in body["issues"]] == [["geoMode"], ["geoRadiusKm"], ["formatsJson", 1]]
    assert all(set(issue) == {"path", "message", "code"} for issue in body["issues"])
    assert body["message"] == body["issues"][0]["message"]
    assert body["message"] == "geoMode must be one of radius, regions"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/no/such/route", 404, "NOT_FOUND"),
        ("GET", "/ads/no-such-route", 404, "NOT_FOUND"),
        ("POST", "/meta/no-such-route", 404, "NOT_FOUND"),
        ("GET", "/ads/status/", 404, "NOT_FOUND"),
        ("GET", "/ads/publish", 405, "VALIDATION_ERROR"),
        ("DELETE", "/ads/settings", 405, "VALIDATION_ERROR"),
    ],
)
async def test_a_route_that_does_not_exist_answers_in_the_nested_shape(
    stranger: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await stranger.request(method, path, json={} if method == "POST" else None)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert path in answer.json()["message"]
    assert answer.headers["content-type"] == "application/json"


async def test_json_is_compact(reader: Person) -> None:
    for answer in (await reader.http.get("/ads/status"), await reader.http.get("/no/such/route")):
        assert not re.search(r'[,:] ["\[{\dtfn]', answer.text), answer.text


async def test_a_bug_answers_without_detail_and_with_cors_headers_for_the_browser(
    reader: Person, admin: Connection, gateway: Gateway
) -> None:
    await admin.execute(f"REVOKE SELECT ON meta_ad_objects FROM {ROLE}")
    try:
        answer = await reader.http.get("/ads/objects", headers={"origin": "http://localhost:3000"})
    finally:
        await admin.execute(f"GRANT SELECT ON meta_ad_objects TO {ROLE}")
    assert answer.status_code == 500
    assert answer.json() == {
        "error": {"code": "INTERNAL", "message": "Internal error"},
        "message": "Internal error",
        "hint": "Try again in a moment.",
    }
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert answer.headers["x-request-id"] in gateway.log.read_text(), "the log tells what happened"


async def test_without_a_database_answers_are_503_within_four_seconds_and_heal(
    person: Person, postgres_server: PostgresServer, gateway: Gateway
) -> None:
    logged = len(gateway.log.read_text())
    postgres_server.kill()
    try:
        for path in ("/ads/status", "/auth/me"):
            answer = await person.http.get(path, timeout=4.0)
            assert answer.status_code == 503, answer.text
            assert _code(path, answer.json()) == "UNAVAILABLE"
            assert int(answer.headers["retry-after"]) >= 1
        login = await person.http.post("/auth/login", json={"email": person.email, "password": "x"})
        assert login.status_code == 503
    finally:
        postgres_server.start()
    for _ in range(5):
        assert (await person.http.get("/ads/status")).status_code == 200
    bugs = gateway.log.read_text()[logged:].count("unhandled_error")
    assert bugs == 0, "an outage is not a bug"

"""Who may call: cookie, customer header, origin. Every guarded route is asked, as the API lists them."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from gateway_harness import Gateway, Person

GUARDED = re.compile(r"/(meta|ads)/|/runs$|/inventory|/templates|/onboarding")
SESSION_ONLY = re.compile(r"/runs$|/inventory|/templates|/onboarding")
HOSTILE_ORIGINS = [
    "null",
    "http://localhost:3000.evil.example",
    "http://evil.example",
    "https://localhost:3000",
    "http://localhost:1",
    "http://LOCALHOST:3000",
    "http://localhost:3000/",
    "http://user@localhost:3000",
    "http://127.0.0.1:3000",
    "https://app.example.com.evil.example",
    "https://xapp.example.com",
    "http://app.example.com",
    "",
    "*",
    "NULL",
    "http://localhost",
    "http://localhost:30000",
    "http://localhost:3000.",
    "http://localhost.:3000",
    "http://localhost:3000:3000",
    "http://localhost:3000#x",
    "http://localhost:3000?x",
    "http://localhost:3000@evil.example",
    "http://localhost:3000\\.evil.example",
    "http://localhost:3000, http://evil.example",
    "http://localhost:3000 http://evil.example",
    "http://[::1]:3000",
    "http://0.0.0.0:3000",
    "//localhost:3000",
    "localhost:3000",
    "https://app.example.com:443",
    "https://app.example.com:8443",
    "https://app-example.com",
    "https://app.example.co",
    "https://evil.example/https://app.example.com",
    "file://",
    "chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]


async def _guarded_routes(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    document = (await client.get("/openapi.json")).json()
    return [
        (method.upper(), path.replace("{run_id}", str(uuid4())))
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        # Meta's own calls carry a signature instead of a session.
        if GUARDED.search(path) and path != "/meta/oauth/callback" and "security" in operation
    ]


async def _ask(
    client: httpx.AsyncClient, route: tuple[str, str], **headers: str
) -> tuple[int, dict[str, Any]]:
    method, path = route
    path = f"{path}?type=ads" if path == "/runs" else path
    answer = await client.request(method, path, headers=headers, json={} if method == "POST" else None)
    return answer.status_code, answer.json()


def _refusal(code: str, message: str, hint: str | None = None) -> dict[str, Any]:
    body = {"error": {"code": code, "message": message}, "message": message}
    return {**body, "hint": hint} if hint else body


async def test_there_are_routes_to_guard(stranger: httpx.AsyncClient) -> None:
    assert len(await _guarded_routes(stranger)) == 20


async def test_every_guarded_route_needs_a_cookie(stranger: httpx.AsyncClient) -> None:
    for route in await _guarded_routes(stranger):
        assert await _ask(stranger, route, **{"x-customer-id": str(uuid4())}) == (
            401,
            _refusal("UNAUTHORIZED", "Missing session cookie", "Log in to continue."),
        ), route


async def test_every_guarded_route_refuses_a_cookie_that_is_no_session_and_clears_it(
    stranger: httpx.AsyncClient, person: Person
) -> None:
    for method, path in await _guarded_routes(stranger):
        answer = await stranger.request(
            method,
            f"{path}?type=ads",
            headers={"cookie": "session=nonsense", "x-customer-id": person.me["customerId"]},
            json={} if method == "POST" else None,
        )
        assert answer.status_code == 401, path
        assert answer.json() == _refusal(
            "UNAUTHORIZED", "Session expired or invalid", "Log in again to continue."
        )
        assert answer.headers["set-cookie"] == "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"


@pytest.mark.parametrize(
    "header", ["", "1", "nonsense", "{00000000-0000-4000-8000-000000000000}", "0" * 32, f"urn:uuid:{uuid4()}"]
)
async def test_every_tenant_route_needs_a_customer_that_is_a_uuid(person: Person, header: str) -> None:
    for route in await _guarded_routes(person.http):
        if SESSION_ONLY.search(route[1]):
            continue
        status, body = await _ask(person.http, route, **{"x-customer-id": header})
        assert (status, body["error"], body["message"]) == (
            401,
            {
                "code": "UNAUTHORIZED",
                "message": "Missing or invalid x-customer-id header (UUID required)",
            },
            "Missing or invalid x-customer-id header (UUID required)",
        ), route


async def test_a_foreign_customer_and_an_unknown_one_get_the_same_answer(
    person: Person, other: Person
) -> None:
    for route in await _guarded_routes(person.http):
        if SESSION_ONLY.search(route[1]) and route[1] != "/runs":
            continue
        for customer in (other.me["customerId"], str(uuid4())):
            assert await _ask(person.http, route, **{"x-customer-id": customer}) == (
                403,
                _refusal("FORBIDDEN", "Session customerId does not match x-customer-id header"),
            ), route


async def test_the_customer_header_may_be_written_in_capitals(person: Person) -> None:
    headers = {"x-customer-id": person.me["customerId"].upper()}
    assert (await person.http.get("/ads/status", headers=headers)).status_code == 200


async def test_the_list_of_all_runs_needs_the_session_only(person: Person) -> None:
    del person.http.headers["x-customer-id"]
    assert (await person.http.get("/runs?type=ads")).status_code == 200


async def test_a_listed_origin_gets_the_cors_headers_on_answers_and_errors(
    person: Person, gateway: Gateway
) -> None:
    for origin in ("http://localhost:3000", "https://app.example.com"):
        headers = {"origin": origin}
        answers = [
            await person.http.get("/ads/status", headers=headers),
            await person.http.get("/no/such/route", headers=headers),
            await person.http.get("/ads/runs?limit=x", headers=headers),
            await person.http.get("/meta/status", headers=headers),
            await person.http.post("/ads/publish", content=b"{", headers=headers),
            await person.http.post("/ads/publish", content=b" " * 70_000, headers=headers),
        ]
        assert [answer.status_code for answer in answers] == [200, 404, 400, 503, 400, 413]
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == origin
            assert answer.headers["access-control-allow-credentials"] == "true"
            assert "Origin" in answer.headers["vary"]


async def test_a_preflight_names_exactly_what_is_allowed(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.options(
        "/ads/publish",
        headers={
            "origin": "http://localhost:3000",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,x-customer-id,idempotency-key,last-event-id",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert allowed >= {"content-type", "x-customer-id", "idempotency-key", "last-event-id"}
    assert "*" not in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_a_preflight_for_another_method_is_refused(stranger: httpx.AsyncClient, method: str) -> None:
    headers = {"origin": "http://localhost:3000", "access-control-request-method": method}
    assert (await stranger.options("/ads/publish", headers=headers)).status_code == 400


@pytest.mark.parametrize("origin", HOSTILE_ORIGINS)
async def test_a_foreign_origin_is_not_reflected_and_changes_nothing(person: Person, origin: str) -> None:
    read = await person.http.get("/ads/status", headers={"origin": origin})
    assert "access-control-allow-origin" not in read.headers
    for path in ("/ads/publish", "/auth/logout", "/auth/login", "/signup"):
        answer = await person.http.post(path, json={}, headers={"origin": origin})
        assert answer.status_code == 403, path
        assert answer.json()["error"] == {
            "code": "FORBIDDEN",
            "message": "This origin may not call this API",
        }
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"]
        assert "access-control-allow-origin" not in answer.headers
    assert (await person.get("/ads/runs"))["data"] == []


async def test_a_form_on_a_foreign_page_is_refused_unread(person: Person) -> None:
    answer = await person.http.post(
        "/auth/logout",
        content=b"a=b",
        headers={"origin": "http://evil.example", "content-type": "text/plain"},
    )
    assert answer.status_code == 403
    assert (await person.http.get("/auth/me")).status_code == 200


async def test_the_gateways_own_origin_and_no_origin_pass(person: Person, gateway: Gateway) -> None:
    own = await person.http.post("/ads/sync", json={}, headers={"origin": gateway.public_url})
    assert own.status_code == 201
    assert (await person.http.post("/ads/sync", json={})).status_code == 200


async def test_every_answer_carries_a_request_id_and_the_security_headers(person: Person) -> None:
    for answer in (
        await person.http.get("/health"),
        await person.http.get("/no/such/route"),
        await person.http.post("/ads/publish", content=b"{"),
        await person.http.get("/ads/status"),
    ):
        assert answer.headers["x-request-id"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers

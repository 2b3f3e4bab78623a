"""What a browser is told, and what it may be made to send by a page that is not ours."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from gateway_harness import PASSWORD, ROLE, Gateway, Person, StartGateway, new_email

from chassis.database import Connection

ORIGIN = {"origin": "http://localhost:3000"}
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}
CROSS = ["cross-site", "same-site", "nonsense", ""]
MEDIA_TYPES = [
    "text/plain",
    "text/plain;charset=UTF-8",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/vnd.api+json",
    "application/problem+json",
    "application/merge-patch+json",
    "text/json",
    "application/jsonp",
    "application/json-seq",
    "text/plain; application/json",
    "",
]


@pytest_asyncio.fixture(scope="module")
async def https_client(start_gateway: StartGateway) -> AsyncIterator[httpx.AsyncClient]:
    """A caller of a gateway that browsers reach by https."""
    async with start_gateway(PUBLIC_URL="https://api.example.com").client() as client:
        yield client


def _assert_safe(answer: httpx.Response) -> None:
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value], (answer.status_code, name)
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers


async def test_every_kind_of_answer_carries_the_security_headers(
    reader: Person, admin: Connection, gateway: Gateway
) -> None:
    answers = {
        200: await reader.http.get("/ads/status"),
        400: await reader.http.post("/ads/publish", content=b"{"),
        404: await reader.http.get("/no/such/route"),
        405: await reader.http.put("/ads/publish", json={}),
        413: await reader.http.post("/ads/publish", content=b" " * 70_000),
        403: await reader.http.post("/ads/publish", json={}, headers={"origin": "http://evil.example"}),
        503: await reader.http.get("/meta/status"),
        302: await reader.http.get("/meta/oauth/callback"),
    }
    async with gateway.client() as stranger:
        answers[401] = await stranger.get("/ads/status")
    await admin.execute(f"REVOKE SELECT ON meta_ad_objects FROM {ROLE}")
    try:
        answers[500] = await reader.http.get("/ads/objects")
    finally:
        await admin.execute(f"GRANT SELECT ON meta_ad_objects TO {ROLE}")
    for status, answer in answers.items():
        assert answer.status_code == status
        _assert_safe(answer)


async def test_preflights_accepted_or_refused_carry_the_security_headers(stranger: httpx.AsyncClient) -> None:
    for method, status in (("POST", 200), ("PUT", 400)):
        headers = {**ORIGIN, "access-control-request-method": method}
        answer = await stranger.options("/ads/publish", headers=headers)
        assert answer.status_code == status
        _assert_safe(answer)


async def test_event_streams_carry_the_security_headers(person: Person) -> None:
    run = await person.publish()
    async with person.http.stream("GET", f"/ads/runs/{run.run_id}/events") as answer:
        assert answer.status_code == 200
        _assert_safe(answer)


async def test_https_is_insisted_on_where_it_is_served_and_only_there(
    https_client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    for path in ("/health", "/no/such/route"):
        secure = await https_client.get(path)
        assert secure.headers["strict-transport-security"] == "max-age=31536000"
        assert "strict-transport-security" not in (await stranger.get(path)).headers
    preflight = await https_client.options(
        "/ads/publish", headers={**ORIGIN, "access-control-request-method": "POST"}
    )
    assert preflight.headers["strict-transport-security"] == "max-age=31536000"


async def test_a_page_with_a_policy_of_its_own_keeps_it(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.get("/docs")
    assert answer.status_code == 200
    policies = answer.headers.get_list("content-security-policy")
    assert len(policies) == 1
    assert "script-src https://cdn.jsdelivr.net" in policies[0]
    assert "frame-ancestors 'none'" in policies[0]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("site", CROSS)
async def test_a_page_that_hides_its_origin_is_refused_by_fetch_metadata(person: Person, site: str) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
    for path in ("/ads/publish", "/auth/logout", "/auth/logout-everywhere", "/auth/login", "/signup"):
        answer = await person.http.post(path, json={}, headers=headers)
        assert answer.status_code == 403, path
        assert answer.json()["error"] == {
            "code": "FORBIDDEN",
            "message": "This origin may not call this API",
        }
        _assert_safe(answer)
    assert (await person.http.get("/auth/me")).status_code == 200
    assert (await person.get("/ads/runs"))["data"] == []


@pytest.mark.parametrize("site", ["same-origin", "none"])
async def test_an_own_page_and_no_page_pass_without_an_origin(person: Person, site: str) -> None:
    answer = await person.http.post("/auth/logout", json={}, headers={"sec-fetch-site": site})
    assert answer.status_code == 200


async def test_the_frontend_passes_although_it_is_another_site(person: Person) -> None:
    headers = {**ORIGIN, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}
    assert (await person.http.post("/auth/logout", json={}, headers=headers)).status_code == 200


async def test_a_second_origin_does_not_hide_behind_the_first(person: Person) -> None:
    headers = [*ORIGIN.items(), ("origin", "http://evil.example"), ("content-type", "application/json")]
    answer = await person.http.post("/auth/logout", content=b"{}", headers=headers)
    assert answer.status_code == 403
    assert (await person.http.get("/auth/me")).status_code == 200


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_only_application_json_is_read(person: Person, media_type: str) -> None:
    for path in ("/auth/logout", "/ads/publish"):
        answer = await person.http.post(path, content=b"{}", headers={"content-type": media_type})
        assert (answer.status_code, answer.json()["message"]) == (400, "The body must be JSON")
    assert (await person.http.get("/auth/me")).status_code == 200
    assert (await person.get("/ads/runs"))["data"] == []


async def test_no_look_changes_anything(person: Person) -> None:
    for path in ("/auth/logout", "/auth/logout-everywhere", "/auth/password", "/ads/publish", "/signup"):
        for method in ("GET", "HEAD"):
            assert (await person.http.request(method, path)).status_code == 405, path
    assert (await person.http.get("/auth/me")).status_code == 200


async def test_in_production_what_only_developers_need_is_not_there(start_gateway: StartGateway) -> None:
    production = start_gateway(ENVIRONMENT="production", PUBLIC_URL="https://api.example.com")
    async with production.client() as client:
        paths = ("/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json", "/metrics", "/debug")
        answers = await asyncio.gather(*(client.get(path) for path in paths))
        assert {answer.status_code for answer in answers} == {404}
        body = {"email": new_email(), "name": "Ada", "password": PASSWORD}
        assert (await client.post("/signup", json=body)).headers["set-cookie"].endswith("; Secure")

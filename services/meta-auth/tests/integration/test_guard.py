"""Who may call, and what is answered to those who may not, or who say nonsense."""

import base64
import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from meta_auth_harness import NOBODY, Browser, Caller, Service

from chassis.service_tokens import TokenSigner, new_key_pair

ROUTES = [
    ("GET", "", "gateway"),
    ("POST", "/connect-url", "gateway"),
    ("POST", "/callback", "gateway"),
    ("POST", "/deauthorize", "gateway"),
    ("POST", "/data-deletion", "gateway"),
    ("POST", "/deletion-state", "gateway"),
    ("GET", "/ad-accounts", "gateway"),
    ("POST", "/select", "gateway"),
    ("POST", "/dev-connect", "gateway"),
    ("POST", "/disconnect", "gateway"),
    ("GET", "/smoke", "gateway"),
    ("POST", "/grant", "ads-publisher"),
    ("POST", "/token-trouble", "ads-publisher"),
]
FOR_NOBODY = {"/callback", "/deauthorize", "/data-deletion", "/deletion-state"}
BODY: dict[str, Any] = {
    "userId": str(UUID(int=1)),
    "customerId": str(UUID(int=2)),
    "sessionHash": "h",
    "state": "s",
    "adAccountId": "act_1",
    "runId": str(UUID(int=3)),
    "version": 1,
    "code": 190,
    "message": "m",
    "signedRequest": "s.p",
    "confirmationCode": "c",
}
"""Fits every route, so that only the token can be what is refused."""


@pytest.mark.parametrize(("method", "path", "caller"), ROUTES)
async def test_no_route_answers_without_its_own_callers_token_for_its_own_customer(
    service: Service, method: str, path: str, caller: Caller
) -> None:
    customer = NOBODY if path in FOR_NOBODY else uuid4()
    others: list[Caller] = ["gateway", "ads-publisher", "meta-auth"]
    others.remove(caller)
    purpose = path.removeprefix("/") or "status"
    token = service.token(caller, customer, purpose=purpose, audience="gateway")
    refused = {
        "no token": (None, 401),
        "another scheme": ("Basic abc", 401),
        "junk": ("Bearer a.b.c", 401),
        "another audience": (f"Bearer {token}", 401),
        "another customer": (f"Bearer {service.token(caller, uuid4(), purpose=purpose)}", 403),
        "another purpose": (f"Bearer {service.token(caller, customer, purpose='other')}", 403),
        **{
            f"caller {name}": (f"Bearer {service.token(name, customer, purpose=purpose)}", 403)
            for name in others
        },
    }
    for what, (header, status) in refused.items():
        answer = await service.http.request(
            method,
            f"/internal/connections/{customer}{path}",
            headers={"authorization": header} if header else {},
            json=BODY if method == "POST" else None,
        )
        assert answer.status_code == status, (what, answer.text)
        assert set(answer.json()) == {"error", "message"}
    assert (await service.call(method, path, customer, BODY, caller=caller)).status_code not in {
        401,
        403,
        500,
    } or (path == "/connect-url")


async def test_tokens_of_an_unknown_key_or_without_a_signature_are_refused(service: Service) -> None:
    customer = uuid4()
    private, _ = new_key_pair()
    forged = TokenSigner(service="gateway", private_key=private).token(
        audience="meta-auth", customer_id=customer, purpose="status"
    )
    now = int(time.time())
    claims = {
        "iss": "gateway",
        "aud": "meta-auth",
        "sub": str(customer),
        "iat": now,
        "exp": now + 60,
    }
    unsigned = f"{_part({'alg': 'none'})}.{_part(claims)}."
    for token in (forged, unsigned):
        answer = await service.http.get(
            f"/internal/connections/{customer}", headers={"authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 401


async def test_a_session_of_another_customer_gets_no_dialog(browser: Browser) -> None:
    session = {**browser.session, "customerId": str(uuid4())}
    answer = await browser.service.call("POST", "/connect-url", browser.customer, session)
    assert (answer.status_code, answer.json()["error"]) == (403, "FORBIDDEN")


@pytest.mark.parametrize("path", sorted(FOR_NOBODY))
async def test_what_meta_sends_is_called_for_nobody(browser: Browser, path: str) -> None:
    answer = await browser.service.call("POST", path, browser.customer, {**BODY, "code": "c"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"adAccountId": 5}', b'{"adAccountId": "a\\u0000"}', b"[]", b"{}"]
)
async def test_nonsense_is_refused_and_never_a_server_error(service: Service, content: bytes) -> None:
    customer = uuid4()
    token = service.token("gateway", customer, purpose="select")
    answer = await service.http.post(
        f"/internal/connections/{customer}/select",
        headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
        content=content,
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")


async def test_a_path_without_a_customer_id_is_refused(service: Service) -> None:
    answer = await service.http.get("/internal/connections/not-a-uuid")
    assert answer.status_code == 400


async def test_the_service_says_that_it_is_alive_and_ready(service: Service) -> None:
    assert (await service.http.get("/health")).json() == {"ok": True}
    ready = await service.http.get("/health/ready")
    expected = {"ok": True, "problems": [], "db": True, "redis": True, "stopping": False}
    assert (ready.status_code, ready.json()) == (200, expected)


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

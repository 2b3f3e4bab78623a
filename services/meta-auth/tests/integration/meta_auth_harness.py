"""What the integration tests drive: the database, the sandbox, the service, and a person at a browser."""

import asyncio
import base64
import hmac
import json
import secrets
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, Literal, TypeVar
from urllib.parse import parse_qs, urljoin, urlsplit
from uuid import UUID, uuid4

import httpx2
from redis.asyncio import Redis

from chassis.service_tokens import TokenSigner, purpose_of
from contracts.events import CONNECTIONS_STREAM, ConnectionChanged, read_event
from local_stack.pytest_plugin import ValkeyServer

T = TypeVar("T")

APP_ID: Final = "424200000000017"
APP_SECRET: Final = "app-secret-d41d8cd98f00"
REDIRECT_URL: Final = "http://localhost:3001/meta/oauth/callback"
NOBODY: Final = UUID(int=0)
Caller = Literal["gateway", "ads-publisher", "meta-auth"]


Operate = Callable[..., Awaitable[subprocess.CompletedProcess[str]]]
ADA: Final = "10220000000000001"
"""The sandbox's Ada, at Meta."""


def signed_request(user_id: str, **changes: Any) -> str:
    """What Meta sends about a person, as Meta signs it."""
    # The same bytes twice are one request: two of the same second have to differ.
    now = {"issued_at": int(time.time()), "nonce": uuid4().hex}
    payload = {"user_id": user_id, "algorithm": "HMAC-SHA256", **now, **changes}
    part = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=")
    signature = hmac.new(APP_SECRET.encode(), part, sha256).digest()
    return f"{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}.{part.decode()}"


async def eventually(probe: Callable[[], Awaitable[T]], accept: Callable[[T], bool]) -> T:
    """Poll until a value is accepted; the last one seen is in the failure."""
    deadline = time.monotonic() + 20
    while True:
        value = await probe()
        if accept(value):
            return value
        assert time.monotonic() < deadline, f"last seen: {value!r}"
        await asyncio.sleep(0.05)


async def told(url: str, customer: UUID) -> list[ConnectionChanged]:
    """What the stream says about a customer's connection."""
    async with Redis.from_url(url) as client:
        bodies = [fields[b"__data__"] for _, fields in await client.xrange(CONNECTIONS_STREAM)]
    events = [read_event(body) for body in bodies if str(customer).encode() in body]
    return [event for event in events if isinstance(event, ConnectionChanged)]


async def told_at_least(server: ValkeyServer, browser: "Browser", count: int) -> list[ConnectionChanged]:
    """The same, once that much has been said."""
    return await eventually(lambda: told(server.url, browser.customer), lambda found: len(found) >= count)


@dataclass(frozen=True, kw_only=True)
class Database:
    """A migrated database, with the addresses of its three kinds of user."""

    admin_url: str
    serving_url: str
    owner_url: str


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    """The stand-in for Meta."""

    url: str
    http: httpx2.AsyncClient

    async def ledger(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = (await self.http.get("/_sandbox/ledger")).json()["data"]
        return entries

    async def post(self, path: str, body: dict[str, Any]) -> None:
        (await self.http.post(f"/_sandbox/{path}", json=body)).raise_for_status()


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running meta-auth and the keys of its callers."""

    url: str
    http: httpx2.AsyncClient
    log: Path
    signers: dict[str, TokenSigner]

    def token(self, caller: str, customer: UUID, *, purpose: str, audience: str = "meta-auth") -> str:
        return self.signers[caller].token(audience=audience, customer_id=customer, purpose=purpose)

    async def call(
        self,
        method: str,
        path: str,
        customer: UUID,
        body: dict[str, Any] | None = None,
        *,
        caller: Caller = "gateway",
    ) -> httpx2.Response:
        url = f"/internal/connections/{customer}{path}"
        token = self.token(caller, customer, purpose=purpose_of(url))
        return await self.http.request(
            method,
            url,
            headers={"authorization": f"Bearer {token}"},
            json=body if body is not None or method == "GET" else {},
        )

    async def status(self, customer: UUID) -> dict[str, Any]:
        answer = await self.call("GET", "", customer)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def grant(self, customer: UUID) -> dict[str, Any]:
        answer = await self.call("POST", "/grant", customer, {"runId": str(uuid4())}, caller="ads-publisher")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


class FormReader(HTMLParser):
    """Reads where a page's form goes and its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given.get("action") or ""
        if tag == "input" and given.get("type") == "hidden":
            self.hidden[given["name"] or ""] = given.get("value") or ""


@dataclass(frozen=True, kw_only=True)
class Browser:
    """A person at a browser with a session at the gateway; walks Meta's dialog by its HTML."""

    service: Service
    customer: UUID = field(default_factory=uuid4)
    user: UUID = field(default_factory=uuid4)
    session_hash: str = field(default_factory=lambda: secrets.token_hex(32))

    @property
    def session(self) -> dict[str, str]:
        return {
            "userId": str(self.user),
            "customerId": str(self.customer),
            "sessionHash": self.session_hash,
        }

    async def dialog_url(self) -> str:
        answer = await self.service.call("POST", "/connect-url", self.customer, self.session)
        assert answer.status_code == 200, answer.text
        url: str = answer.json()["url"]
        return url

    async def decide(
        self, decision: str, *, persona: str = "ada", granted: list[str] | None = None
    ) -> dict[str, str]:
        """Answer the dialog; returns what Meta's redirect brings to the callback."""
        url = await self.dialog_url()
        async with httpx2.AsyncClient(trust_env=False) as http:
            page = await http.get(url)
            assert page.status_code == 200, page.text
            form = FormReader()
            form.feed(page.text)
            answer = await http.post(
                urljoin(url, form.action),
                data={**form.hidden, "decision": decision, "persona": persona, "granted": granted or []},
            )
        assert answer.status_code == 302, answer.text
        location = answer.headers["location"]
        assert location.startswith(REDIRECT_URL)
        return {key: values[0] for key, values in parse_qs(urlsplit(location).query).items()}

    async def return_with(
        self, redirect: dict[str, str], *, session: Literal["own"] | dict[str, str] | None = "own"
    ) -> dict[str, Any]:
        """Come back to the callback, as the gateway passes it on."""
        known = {
            "state": "state",
            "code": "code",
            "error": "error",
            "error_reason": "errorReason",
            "error_description": "errorDescription",
        }
        body: dict[str, Any] = {known[key]: value for key, value in redirect.items() if key in known}
        body["session"] = self.session if session == "own" else session
        answer = await self.service.call("POST", "/callback", NOBODY, body)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def connect(
        self, decision: str = "approve", *, persona: str = "ada", granted: list[str] | None = None
    ) -> dict[str, Any]:
        return await self.return_with(await self.decide(decision, persona=persona, granted=granted))

    async def select(self, account: str) -> httpx2.Response:
        return await self.service.call("POST", "/select", self.customer, {"adAccountId": account})

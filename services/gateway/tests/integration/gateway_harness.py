"""What the integration tests drive: a running gateway, people at browsers, a publisher that reports."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
from redis.asyncio import Redis

from chassis.outbox import STREAM_FIELD
from contracts.events import (
    PUBLISH_STREAM,
    RESULTS_STREAM,
    RUN_EVENT_OF,
    AdsPublish,
    AdsSync,
    RunSucceededBody,
    read_event,
)
from contracts.wire import iso_utc
from local_stack.dialog import consent

APP_SECRET: Final = "app-secret-8f14e45fceea"
"""Of the app at Meta."""
ROLE: Final = "gateway_tested"
"""Roles belong to the whole server: a name of our own, so that other suites' passwords stay theirs."""
PASSWORD: Final = "correct horse battery"
SETTINGS: Final = {
    "geoMode": "radius",
    "geoCenterText": "Stockholm",
    "geoRadiusKm": 25,
    "formatsJson": ["feed", "stories"],
    "ctaType": "shop_now",
    "budgetOverride": 3000,
}
APP: Final = "http://localhost:3000"
"""Where the frontend is when nothing else is set."""
T = TypeVar("T")


async def log_in(gateway: "Gateway", email: str, password: str, **headers: str) -> httpx.Response:
    """Log in from a browser without cookies."""
    async with gateway.client(headers=headers) as client:
        return await client.post("/auth/login", json={"email": email, "password": password})


def with_cookie(cookie: str) -> dict[str, str]:
    """The header by which a browser shows this session cookie."""
    return {"cookie": f"session={cookie}"}


async def eventually(
    probe: Callable[[], Awaitable[T]], accept: Callable[[T], bool], *, seconds: float = 15
) -> T:
    """Poll until a value is accepted; the last one seen is in the failure."""
    deadline = time.monotonic() + seconds
    while True:
        value = await probe()
        if accept(value):
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s, last seen: {value!r}"
        await asyncio.sleep(0.02)


def new_email() -> str:
    return f"ada-{uuid4().hex[:12]}@example.com"


@dataclass(frozen=True, kw_only=True)
class Database:
    """A migrated database, with the addresses of its three kinds of user."""

    admin_url: str
    serving_url: str
    owner_url: str


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A running gateway process."""

    url: str
    public_url: str
    log: Path

    def client(self, **options: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=20, **options)


class Person:
    """Somebody at a browser: keeps the cookie, sends the customer header once it is known."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.http = gateway.client()
        self.email = new_email()
        self.me: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def sign_up(self) -> None:
        body = {"email": self.email, "name": "Ada", "password": PASSWORD}
        answer = await self.http.post("/signup", json=body)
        assert answer.status_code == 201, answer.text
        self.me = answer.json()
        self.http.headers["x-customer-id"] = self.me["customerId"]

    @property
    def customer(self) -> UUID:
        return UUID(self.me["customerId"])

    @property
    def cookie(self) -> str:
        return self.http.cookies["session"]

    async def get(self, path: str) -> Any:
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: dict[str, Any], *, status: int | None = None) -> Any:
        answer = await self.http.post(path, json=body)
        assert answer.status_code == status if status else answer.is_success, answer.text
        return answer.json()

    async def publish(self) -> "Run":
        accepted = await self.post("/ads/publish", {}, status=201)
        return Run(person=self, run_id=UUID(accepted["runId"]), job_id=UUID(accepted["jobId"]))

    async def sync(self) -> "Run":
        accepted = await self.post("/ads/sync", {}, status=201)
        return Run(person=self, run_id=UUID(accepted["runId"]), job_id=UUID(accepted["jobId"]))


@dataclass(frozen=True, kw_only=True)
class Run:
    """An accepted run, and what its owner sees of it."""

    person: Person
    run_id: UUID
    job_id: UUID

    async def read(self) -> dict[str, Any]:
        return dict(await self.person.get(f"/ads/runs/{self.run_id}"))

    async def until(self, accept: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        return await eventually(self.read, accept)

    async def told(self, versions: int) -> dict[str, Any]:
        """The run once that many events have arrived."""
        return await self.until(lambda run: len(run["steps"]) >= versions)


class Publisher:
    """Stands where the publisher stands: on the two streams, with events of the real kind."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    def event(self, run: Run, version: int, body: type[Any], **fields: Any) -> Any:
        """One piece of news, not yet sent."""
        fields.setdefault("message", f"news {version}")
        return RUN_EVENT_OF[body](
            id=uuid4(),
            source="/ads-publisher",
            time=datetime.now(UTC),
            subject=str(run.run_id),
            customerid=run.person.customer,
            data=body(run_id=run.run_id, job_id=run.job_id, version=version, **fields),
        )

    async def send(self, *events: Any) -> None:
        for event in events:
            await self.redis.xadd(RESULTS_STREAM, {STREAM_FIELD: event.to_json()})

    async def tell(self, run: Run, version: int, body: type[Any], **fields: Any) -> None:
        await self.send(self.event(run, version, body, **fields))

    async def finish(self, run: Run) -> None:
        """Tell that it succeeded, and wait until that shows."""
        await self.tell(run, 1, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
        await run.until(lambda seen: seen["status"] == "success")

    async def commands(self, run: Run) -> list[AdsPublish | AdsSync]:
        """What has been put on the stream for this run."""
        entries = await self.redis.xrange(PUBLISH_STREAM)
        events = [read_event(fields[STREAM_FIELD.encode()]) for _, fields in entries]
        return [
            event
            for event in events
            if isinstance(event, AdsPublish | AdsSync) and event.data.run_id == run.run_id
        ]

    async def appear(self, mode: str, *, at: datetime | None = None, **more: Any) -> None:
        """Report as a running publisher does."""
        entry = {
            "mode": mode,
            "version": "0.1.0",
            "graphVersion": "v25.0",
            "graphWarning": None,
            "instance": "test-1",
            "at": iso_utc(at or datetime.now(UTC)),
            **more,
        }
        await self.redis.hset("presence:ads-publisher", "test-1", json.dumps(entry))


async def come_back(person: Person, location: str) -> str:
    """Follow Meta's redirect back to the gateway; where the browser is sent next."""
    parts = urlsplit(location)
    answer = await person.http.get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 302, answer.text
    return answer.headers["location"].removeprefix(APP)


async def connect_url(person: Person) -> str:
    return str((await person.get("/meta/oauth/connect-url"))["url"])


async def connect(person: Person, persona: str = "ada") -> str:
    return await come_back(person, await consent(await connect_url(person), persona=persona))


StartGateway = Callable[..., Gateway]
NewPerson = Callable[[Gateway], Awaitable[Person]]
Migrated = Callable[[str, str], Awaitable[Database]]
Sandbox = Callable[[str, dict[str, Any]], Awaitable[None]]
"""Tells the sandbox something over its control address."""

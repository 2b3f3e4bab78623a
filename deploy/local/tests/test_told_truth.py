"""What a process tells stays true when a process, Postgres or Redis is killed: spans, gauges, readiness."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import pytest_asyncio

from local_stack.customer import DEMO_SETTINGS, Customer
from local_stack.ports import HOST
from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH, metrics_url, spans_path
from local_stack.stack import POSTGRES, VALKEY, Stack

QUICK = {
    "META_ADMIT_WINDOW_SECONDS": "3",
    "META_CLOCK_SKEW_SECONDS": "1",
    "META_SETTLE_SECONDS": "1",
    "LEASE_SECONDS": "3",
}
PASSWORD = "correct horse battery staple"
PLACES = (
    "publisher.claimed",
    "publisher.granted",
    "publisher.campaign.answered",
    "publisher.ingest.before_ack",
    "publisher.finish.after_commit",
    "relay.after_xadd",
)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Told:
    """One span as it stands in a file."""

    service: str
    name: str
    id: str
    parent: str
    error: str


async def eventually(probe: Callable[[], Awaitable[T]], accept: Callable[[T], bool], seconds: float) -> T:
    deadline = time.monotonic() + seconds
    while not accept(value := await probe()):
        assert time.monotonic() < deadline, f"not within {seconds} s, last seen: {value!r}"
        await asyncio.sleep(0.1)
    return value


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with Stack(tmp_path_factory.mktemp("told"), overrides=QUICK) as running:
        yield running


@pytest_asyncio.fixture
async def customer(stack: Stack, tmp_path: Path) -> AsyncIterator[Customer]:
    """One who has never published, with an ad account of their own."""
    async with Customer(stack.gateway_url) as new:
        await new.sign_up_or_log_in(f"{tmp_path.name}@example.com".replace("_", "-"), PASSWORD)
        await new.connect()
        await new.select_first_account()
        await new.post("/ads/settings", DEMO_SETTINGS)
        yield new


def trace_of(stack: Stack, trace_id: str) -> list[Told]:
    """The spans of one trace, from the files of all services."""
    told = []
    for service in (GATEWAY, META_AUTH, ADS_PUBLISHER):
        for line in spans_path(service, stack.data_dir).read_text().splitlines():
            [resource] = json.loads(line)["resourceSpans"]
            spans = [span for scope in resource["scopeSpans"] for span in scope["spans"]]
            told += [_told(service, span) for span in spans if span["traceId"] == trace_id]
    return told


def _told(service: str, span: dict[str, Any]) -> Told:
    errors = [pair["value"] for pair in span["attributes"] if pair["key"] == "error.type"]
    return Told(
        service=service,
        name=span["name"],
        id=span["spanId"],
        parent=span.get("parentSpanId", ""),
        error=str(errors[0]["stringValue"]) if errors else "",
    )


async def whole_trace(stack: Stack, run: dict[str, Any]) -> list[Told]:
    """The trace of a run, once the gateway has taken in its last news and no parent is missing."""
    last = max(step["version"] for step in run["steps"])

    async def look() -> list[Told]:
        return trace_of(stack, run["traceId"])

    def is_whole(told: list[Told]) -> bool:
        known = {span.id for span in told}
        ends = [span for span in told if span.name == "process ads.results"]
        return len(ends) >= last and all(span.parent in known for span in told if span.parent)

    told = await eventually(look, is_whole, 20)
    assert len({span.id for span in told}) == len(told)
    return told


@pytest.mark.parametrize("place", PLACES)
async def test_no_span_hangs_in_the_air_wherever_the_publisher_was_killed(
    stack: Stack, customer: Customer, place: str, tmp_path: Path
) -> None:
    kill = {"FAILPOINTS": f"{place}=kill@1", "FAILPOINT_DIR": str(tmp_path)}
    await stack.restart(ADS_PUBLISHER, env=kill)
    try:
        run = await customer.publish()
        await stack.wait_ready(ADS_PUBLISHER)
    finally:
        await stack.restart(ADS_PUBLISHER, env=dict.fromkeys(kill, ""))
    assert run["status"] == "success"
    told = await whole_trace(stack, run)
    assert [span.name for span in told if not span.parent] == ["POST /ads/publish"]
    assert {span.service for span in told} == {GATEWAY, META_AUTH, ADS_PUBLISHER}
    assert [span.service for span in told if span.error == "killed"]


async def test_the_request_stays_the_root_when_the_gateway_was_killed_behind_its_commit(
    stack: Stack, customer: Customer, tmp_path: Path
) -> None:
    kill = {"FAILPOINTS": "gateway.accept.after_commit=kill@1", "FAILPOINT_DIR": str(tmp_path)}
    await stack.restart(GATEWAY, env=kill)
    try:
        with pytest.raises(httpx.TransportError):
            await customer.publish()
        await stack.wait_ready(GATEWAY)
        [run] = (await customer.get("/ads/status"))["lastRuns"]
        run = await eventually(
            lambda: customer.get(f"/ads/runs/{run['id']}"), lambda seen: seen["status"] == "success", 30
        )
    finally:
        await stack.restart(GATEWAY, env=dict.fromkeys(kill, ""))
    told = await whole_trace(stack, run)
    [root] = [span for span in told if not span.parent]
    assert (root.service, root.error) == (GATEWAY, "killed")


async def test_gauges_of_a_database_that_is_away_are_absent_and_not_zero(stack: Stack) -> None:
    async def shows(name: str) -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            return f"\n{name} " in (await client.get(metrics_url(ADS_PUBLISHER, stack.ports))).text

    await eventually(lambda: shows("autoads_jobs_due"), bool, 10)
    await stack.stop(POSTGRES)
    try:
        await eventually(lambda: shows("autoads_jobs_due"), lambda there: not there, 12)
        assert await shows("autoads_executor_tasks")
    finally:
        await stack.start(POSTGRES)
    await eventually(lambda: shows("autoads_jobs_due"), bool, 20)


async def test_a_publisher_without_redis_is_not_ready_and_says_what_is_missing(stack: Stack) -> None:
    async def problems() -> dict[str, str]:
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://{HOST}:{stack.ports.ads_publisher}/health/ready")
        found: dict[str, str] = answer.json()["problems"]
        assert (answer.status_code == httpx.codes.OK) == (not found)
        return found

    await eventually(problems, lambda found: not found, 10)
    await stack.stop(VALKEY)
    try:
        assert await eventually(problems, bool, 30) == {"streams": "Redis has not been read for 15 s."}
    finally:
        await stack.start(VALKEY)
    await eventually(problems, lambda found: not found, 20)

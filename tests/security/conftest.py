"""One running system, two customers in it, and strangers at its door."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from e2e_driver import Advertiser
from e2e_system import EmbeddedSystem, System, sandbox_of
from security_people import Tenant, Unharmed, establish, rows_of
from security_requests import Ask, Operation, operations_of

UNHURRIED = {
    "LOG_FORMAT": "json",
    "LOGIN_FAILURES": "1000000",
    "LOGIN_FAILURES_PER_ADDRESS": "1000000",
    "LOGIN_FAILURES_PER_ACCOUNT": "1000000",
    "SIGNUPS_PER_ADDRESS": "1000000",
    "RUNS_PER_MINUTE": "1000000",
    "META_CALL_TIMEOUT_SECONDS": "4",
}
"""Limits on how often somebody may ask are tested elsewhere; here they would hide what is behind them."""


@pytest_asyncio.fixture(scope="session")
async def stack() -> AsyncIterator[System]:
    """Servers, sandbox, gateway, meta-auth and publisher in real mode, on free ports."""
    with tempfile.TemporaryDirectory(prefix="project-auto-security-") as folder:
        async with EmbeddedSystem(Path(folder), overrides=UNHURRIED) as running:
            yield running


@pytest_asyncio.fixture(scope="session")
async def accounts(stack: System) -> list[str]:
    """Two ad accounts of two persons."""
    async with sandbox_of(stack) as sandbox:
        return [(await sandbox.add_accounts(persona, 1))[0] for persona in ("ada", "ben")]


@pytest_asyncio.fixture(scope="session")
async def owner(stack: System, accounts: list[str]) -> AsyncIterator[Tenant]:
    """The customer whose data nobody else may see or change."""
    async with sandbox_of(stack) as sandbox, Advertiser(stack.gateway_url) as customer:
        yield await establish(
            customer, sandbox, persona="ben", account=accounts[1], planted="Planted-by-the-owner"
        )


@pytest_asyncio.fixture(scope="session")
async def intruder(stack: System, accounts: list[str]) -> AsyncIterator[Tenant]:
    """Another customer, who is logged in and connected as well as the owner is."""
    async with sandbox_of(stack) as sandbox, Advertiser(stack.gateway_url) as customer:
        yield await establish(
            customer, sandbox, persona="ada", account=accounts[0], planted="Planted-by-the-intruder"
        )


@pytest_asyncio.fixture
async def door(stack: System) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a memory: what is sent is what a test says."""
    async with httpx.AsyncClient(
        base_url=stack.gateway_url, trust_env=False, timeout=20, cookies=None
    ) as client:
        yield client


@pytest_asyncio.fixture(scope="session")
async def document(stack: System) -> dict[str, Any]:
    """The OpenAPI document of the running gateway."""
    async with httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False) as client:
        body: dict[str, Any] = (await client.get("/openapi.json")).json()
        return body


@pytest.fixture(scope="session")
def operations(document: dict[str, Any]) -> list[Operation]:
    return list(operations_of(document))


@pytest_asyncio.fixture
async def unharmed(stack: System, owner: Tenant, intruder: Tenant) -> Unharmed:
    """Asserts that an answer shows nothing of the owner and that nothing of theirs has changed."""
    before = await rows_of(stack, owner)
    assert sum(map(len, before.values())) > 15
    assert not owner.secrets & intruder.secrets

    async def check(ask: Ask, answer: httpx.Response) -> None:
        shown = answer.content + repr(answer.headers.multi_items()).encode()
        sent = f"{answer.request.url} {answer.request.content.decode('latin-1')}"
        assert owner.leaks_in(shown, sent=sent) == [], ask.operation.name
        assert answer.status_code < 500, (ask.operation.name, answer.text)
        assert await rows_of(stack, owner) == before, ask.operation.name

    return check

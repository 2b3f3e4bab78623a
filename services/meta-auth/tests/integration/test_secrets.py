"""The token is readable in one place: the answer to the publisher."""

import json
import secrets
from collections.abc import Callable

import redis.asyncio as redis
from meta_auth_harness import APP_SECRET, Browser, Sandbox, Service

from chassis.database import Connection
from local_stack.pytest_plugin import ValkeyServer


async def test_no_secret_is_readable_in_database_logs_or_stream(
    browser: Browser, sandbox: Sandbox, admin: Connection, valkey_server: ValkeyServer
) -> None:
    """A dump of the database, the log archive and the bus may fall into anybody's hands."""
    redirect = await browser.decide("approve")
    await browser.return_with(redirect)
    await browser.select("act_101500000000001")
    token = (await browser.service.grant(browser.customer))["accessToken"]
    await sandbox.post("tokens/revoke", {"user": "ada", "subcode": 463})
    await browser.service.call("GET", "/smoke", browser.customer)
    failed = await browser.decide("approve")
    await browser.return_with({**failed, "code": f"{token}-as-a-code"})

    haystacks = {
        "database": await _dump(admin),
        "logs": browser.service.log.read_text(),
        "stream": await _stream(valkey_server.url),
    }
    planted = {
        "token": token,
        "app secret": APP_SECRET,
        "code": redirect["code"],
        "state": redirect["state"],
    }
    found = [
        (what, where)
        for what, secret in planted.items()
        for where, text in haystacks.items()
        if secret in text
    ]
    assert found == []
    assert str(browser.customer) in haystacks["database"]
    assert str(browser.customer) in haystacks["logs"]
    assert str(browser.customer) in haystacks["stream"]


async def test_tokens_stay_readable_when_the_key_is_changed(
    browser: Browser, start_service: Callable[..., Service], admin: Connection
) -> None:
    old, new = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    before = start_service(TOKEN_KEYS=json.dumps({"old": old}), TOKEN_KEY_ID="old")
    person = Browser(service=before)
    await person.connect()
    token = (await before.grant(person.customer))["accessToken"]
    after = start_service(TOKEN_KEYS=json.dumps({"old": old, "new": new}), TOKEN_KEY_ID="new")
    assert (await after.grant(person.customer))["accessToken"] == token
    await Browser(service=after, customer=person.customer).connect()
    key_id = await admin.fetchval(
        "SELECT key_id FROM meta_connections WHERE customer_id = $1", person.customer
    )
    assert key_id == "new"


async def _dump(admin: Connection) -> str:
    tables = ("meta_connections", "oauth_states", "outbox")
    rows = [row for table in tables for row in await admin.fetch(f"SELECT * FROM {table}")]
    values = [value for row in rows for value in row.values()]
    return "\n".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values)


async def _stream(url: str) -> str:
    client = redis.Redis.from_url(url)
    entries = await client.xrange("meta.connections")
    await client.aclose()
    return "\n".join(fields[b"__data__"].decode() for _, fields in entries)

"""What each call to Meta carries, and what is never asked for."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from ads_publisher.graph import Access, GraphClient

SECRET = "app-secret"
ACCESS = Access(ad_account_id="act_1", token="EAAtoken")
ANSWER = b'{"id":"9","success":true,"data":[]}'


@asynccontextmanager
async def meta() -> AsyncIterator[tuple[GraphClient, list[tuple[str, dict[str, str]]]]]:
    """A client, and the method and parameters of each call that arrived."""
    seen: list[tuple[str, dict[str, str]]] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split(" ", 2)
        length = next(
            (line[15:] for line in head.lower().split("\r\n") if line.startswith("content-length:")), 0
        )
        body = (await reader.readexactly(int(length))).decode()
        seen.append((method, dict(parse_qsl(urlsplit(target).query) + parse_qsl(body))))
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(ANSWER) + ANSWER
        )
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = GraphClient(base_url=url, version="v25.0", app_secret=SECRET, timeout_seconds=5)
        yield client, seen
        await client.close()


async def test_every_kind_of_call_proves_that_the_app_makes_it() -> None:
    async with meta() as (client, seen):
        await client.create(ACCESS, "campaigns", {"status": "PAUSED"}, proof_time=17)
        await client.delete(ACCESS, "1")
        await client.read_object(ACCESS, "1", "id")
        await client.read_account(ACCESS)
        await client.read_edge(ACCESS, "/1/adsets", {"limit": "2"})
    assert [method for method, _ in seen] == ["POST", "DELETE", "GET", "GET", "GET"]
    for method, sent in seen:
        signed = f"{ACCESS.token}|{sent['appsecret_time']}".encode()
        proof = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        assert sent["appsecret_proof"] == proof, method
    assert seen[0][1]["appsecret_time"] == "17"


@pytest.mark.parametrize("params", [{"status": "ACTIVE"}, {"status": "paused"}, {}])
async def test_nothing_is_created_that_is_not_paused(params: dict[str, Any]) -> None:
    async with meta() as (client, seen):
        with pytest.raises(ValueError, match="PAUSED"):
            await client.create(ACCESS, "campaigns", params, proof_time=17)
    assert seen == []

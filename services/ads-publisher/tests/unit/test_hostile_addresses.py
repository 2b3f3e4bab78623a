"""A token goes to Meta's host and to the path that was meant, whatever an id or an answer looks like."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pydantic import ValidationError

from ads_publisher.graph import Access, GraphClient
from ads_publisher.outcomes import Created, ReadFailed, Unknown
from ads_publisher.reconcile import find_by_marker
from ads_publisher.saga import Attempt
from ads_publisher.settings import Settings

FRAGMENTS = (
    *("..", "../", "/", "//evil.test", "\\", "%2e%2e%2f", "%2F", "?a=b", "#x", "&", ";", ":", "@evil.test"),
    *(
        " ",
        "\t",
        "\n",
        "\r\nHost: evil.test",
        "\x00",
        "\u0660",
        "\uff11",
        "\u202e",
        "a",
        "-1",
        "+1",
        "1e5",
        "0x10",
    ),
    *("$(id)", "`id`", "'", '"', "<", ">", "{}", "[]", "*", ".", ",", "~", "é"),
)
IDS = [
    *("", " ", "act_", "me", "act_me", "null", "1" * 26, "act_" + "1" * 26, "ACT_1", "act-1", "act__1"),
    *(f"123{each}" for each in FRAGMENTS),
    *(f"{each}123" for each in FRAGMENTS),
    *(f"1{each}2" for each in FRAGMENTS),
    *(f"act_1{each}" for each in FRAGMENTS),
    *(f"act_1{each}2" for each in FRAGMENTS),
    *(f"act_{each}" for each in FRAGMENTS),
]
NOT_META = [
    *("http://graph.facebook.com", "https://graph.facebook.com.evil.test", "https://graph.facebook.com:8443"),
    *(
        "https://evil.test/graph.facebook.com",
        "https://graph.facebook.com@evil.test",
        "https://graph.facebook.com/",
    ),
    *(
        "https://graph.facebook.com/v1",
        "https://GRAPH.facebook.com",
        "http://127.0.0.1:3004",
        "http://sandbox:3004",
    ),
]


@asynccontextmanager
async def canary(answer: bytes) -> AsyncIterator[tuple[GraphClient, str, list[bytes]]]:
    """A client of a server that gives this answer, and the request lines that the server saw."""
    seen: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readline())
        writer.write(answer)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = GraphClient(base_url=url, version="v25.0", app_secret="s", timeout_seconds=5)
        yield client, url, seen
        await client.close()


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def access(account: str = "act_1") -> Access:
    return Access(ad_account_id=account, token="EAAcanary")


def test_there_are_two_hundred_hostile_ids() -> None:
    assert len(set(IDS)) >= 200


async def test_no_hostile_id_reaches_meta_in_any_call() -> None:
    async with canary(http("200 OK", b"{}")) as (client, _, seen):
        for hostile in IDS:
            for call in (
                client.create(access(hostile), "campaigns", {"status": "PAUSED"}, proof_time=1),
                client.delete(access(), hostile),
                client.read_object(access(), hostile, "id"),
                client.read_account(access(hostile)),
            ):
                with pytest.raises((ValueError, ReadFailed)):
                    await call
            # Such an id may come from a list of Meta's: a read that failed, and not a bug of ours.
            with pytest.raises(ReadFailed):
                await client.read_edge(access(), f"/{hostile}/adsets", {})
        assert seen == []
        # The same calls with ids as they are do go out, so it is the ids that were refused.
        await client.read_object(access(), "1" * 25, "id")
        await client.read_account(access("act_" + "1" * 25))
        await client.read_edge(access(), "/1/adsets", {})
        assert len(seen) == 3


async def test_a_redirect_is_not_followed_and_leaves_a_create_in_doubt() -> None:
    async with canary(http("200 OK", b"{}")) as (_, elsewhere, hits):
        for status in ("301 Moved", "302 Found", "307 Temporary", "308 Permanent"):
            moved = http(status, b"", f"Location: {elsewhere}/v25.0/act_1/campaigns")
            async with canary(moved) as (client, _, seen):
                outcome = await client.create(access(), "campaigns", {"status": "PAUSED"}, proof_time=1)
                assert isinstance(outcome, Unknown)
                with pytest.raises(ReadFailed):
                    await client.read_object(access(), "1", "id")
                assert len(seen) == 2
        assert hits == []


async def test_the_next_page_is_asked_for_by_its_cursor_only() -> None:
    async with canary(http("200 OK", b'{"data":[]}')) as (_, elsewhere, hits):
        body = f'{{"data":[{{"id":"7"}}],"paging":{{"cursors":{{}},"next":"{elsewhere}/x"}}}}'.encode()
        async with canary(http("200 OK", body)) as (client, _, seen):
            assert await client.read_edge(access(), "/1/adsets", {}) == [{"id": "7"}]
            assert len(seen) == 1
        assert hits == []


async def test_no_proxy_of_the_environment_sees_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    async with canary(http("200 OK", b"{}")) as (_, proxy, hits):
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.setenv("no_proxy", "")
        async with canary(http("200 OK", b'{"id":"9"}')) as (client, _, seen):
            outcome = await client.create(access(), "campaigns", {"status": "PAUSED"}, proof_time=1)
            assert isinstance(outcome, Created)
            assert len(seen) == 1
        assert hits == []


async def test_an_object_with_an_id_that_cannot_be_one_is_never_adopted() -> None:
    run_id = uuid4()
    label = f'"adlabels":[{{"name":"pa-run-{run_id}"}}]'
    rows = ",".join(f'{{"id":{each},{label}}}' for each in ('"../1"', '"act_1"', "null", '"12"'))
    now = datetime.now(UTC)
    attempt = Attempt(
        id=1,
        job_id=uuid4(),
        run_id=run_id,
        step="campaign",
        number=1,
        parent_id=None,
        intent_at=now,
        not_before=now,
        look_at=now,
    )
    async with canary(http("200 OK", f'{{"data":[{rows}]}}'.encode())) as (client, _, _seen):
        assert await find_by_marker(client, access(), attempt) == ["12"]


@pytest.mark.parametrize("url", NOT_META)
def test_in_production_a_token_goes_to_meta_and_nowhere_else(url: str) -> None:
    for real in ("true", "false"):
        with pytest.raises(ValidationError):
            Settings(environment="production", meta_graph_base_url=url, allow_real_meta_write=real)
    assert Settings(environment="production").meta_graph_base_url == "https://graph.facebook.com"


@pytest.mark.parametrize(
    "url", ["", "graph.facebook.com", "file:///etc/passwd", "ftp://x.test", "http://a@b.test"]
)
def test_an_address_that_is_none_is_refused_everywhere(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings(environment="development", meta_graph_base_url=url)

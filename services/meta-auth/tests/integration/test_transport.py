"""Answers that no well-meaning Meta sends: too long, elsewhere, nowhere."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from pydantic import SecretStr

from chassis.errors import MetaApiError, Unavailable
from meta_auth.graph import Graph
from meta_auth.oauth import MetaOAuth
from meta_auth.settings import MetaApp
from meta_auth.transport import MAX_ANSWER_BYTES, MetaTransport

SECRET = SecretStr("s")
PLANTED = "planted-token-of-a-user"
INSPECTION = f"""
import asyncio, sys
from pydantic import SecretStr
from chassis.settings import ServiceSettings
from chassis.telemetry import get_logger, setup_logs
from meta_auth.graph import Graph
from meta_auth.settings import MetaApp
from meta_auth.transport import MetaTransport

async def main() -> None:
    app = MetaApp(app_id="1", app_secret=SecretStr("s"), redirect_url="http://x.test/cb")
    graph = Graph(base_url=sys.argv[1], version="v25.0", app=app, transport=MetaTransport())
    try:
        await graph.inspect(SecretStr("{PLANTED}"))
    except Exception:
        get_logger("inspection").exception("inspection_failed")

setup_logs("meta-auth", ServiceSettings(log_level="DEBUG"))
asyncio.run(main())
"""
APP = MetaApp(app_id="1", app_secret=SECRET, redirect_url="http://x.test/cb")


@asynccontextmanager
async def hostile_server(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Answers every request with these bytes; also gives the request lines it saw."""
    seen: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readline())
        writer.write(answer)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", seen


@pytest.fixture
async def transport() -> AsyncIterator[MetaTransport]:
    opened = MetaTransport()
    yield opened
    await opened.aclose()


def graph(url: str, transport: MetaTransport) -> Graph:
    return Graph(base_url=url, version="v25.0", app=APP, transport=transport)


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def test_an_endless_answer_is_cut_off_and_not_asked_for_again(transport: MetaTransport) -> None:
    body = b'{"id":"1","name":"' + b"x" * (3 * MAX_ANSWER_BYTES) + b'"}'
    async with hostile_server(http("200 OK", body)) as (url, seen):
        with pytest.raises(MetaApiError, match="too long"):
            await graph(url, transport).me(SECRET)
    assert len(seen) == 1


async def test_a_redirect_is_not_followed(transport: MetaTransport) -> None:
    async with hostile_server(http("200 OK", b"{}")) as (elsewhere, hits):
        moved = http("302 Found", b"", f"Location: {elsewhere}/v25.0/me")
        async with hostile_server(moved) as (url, _):
            with pytest.raises(MetaApiError, match="HTTP 302"):
                await graph(url, transport).me(SECRET)
        assert hits == []


@pytest.mark.parametrize(
    "answer",
    [
        http("302 Found", b"", "Location: /elsewhere"),
        http("200 OK", b"<html>"),
        http("400 Bad Request", b'{"error":{"code":190,"message":"dead"}}'),
        http("500 Oops", b"<html>"),
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
async def test_the_address_of_a_call_is_in_no_log_and_no_traceback(answer: bytes) -> None:
    """`debug_token` has a token in it; libraries tell addresses at the levels INFO and DEBUG."""
    async with hostile_server(answer) as (url, seen):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            INSPECTION,
            url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=os.environ | {"LOG_FORMAT": "json"},
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert any(PLANTED.encode() in line for line in seen)
    assert b"inspection_failed" in output
    assert b"Traceback" in output
    assert PLANTED.encode() not in output
    assert b"input_token=" not in output


async def test_the_next_page_is_not_fetched_from_where_the_answer_says(transport: MetaTransport) -> None:
    async with hostile_server(http("200 OK", b'{"data":[]}')) as (elsewhere, hits):
        body = f'{{"data":[],"paging":{{"cursors":{{}},"next":"{elsewhere}"}}}}'.encode()
        async with hostile_server(http("200 OK", body)) as (url, _):
            assert await graph(url, transport).ad_accounts(SECRET) == []
        assert hits == []


async def test_a_list_that_never_ends_is_cut(transport: MetaTransport) -> None:
    body = b'{"data":[{"id":"act_1"}],"paging":{"cursors":{"after":"again"},"next":"x"}}'
    async with hostile_server(http("200 OK", body)) as (url, seen):
        assert len(await graph(url, transport).ad_accounts(SECRET)) == len(seen) == 50


async def test_nobody_listening_is_unavailable(transport: MetaTransport) -> None:
    async with hostile_server(b"") as (url, _):
        pass
    with pytest.raises(Unavailable):
        await graph(url, transport).me(SECRET)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http("200 OK", b"{}"), MetaApiError),
        (http("200 OK", b'{"access_token":5}'), MetaApiError),
        (http("200 OK", b"<html>"), MetaApiError),
        (
            http("400 Bad Request", b'{"error":{"code":100,"error_subcode":36009,"message":"used"}}'),
            MetaApiError,
        ),
        (http("500 Oops", b"<html>"), Unavailable),
        (b"", Unavailable),
    ],
)
async def test_a_failed_exchange_is_asked_for_once(
    transport: MetaTransport, answer: bytes, error: type[Exception]
) -> None:
    """A code is used up by the first attempt, whatever came of it."""
    async with hostile_server(answer) as (url, seen):
        oauth = MetaOAuth(
            app=APP,
            dialog_url=f"{url}/dialog",
            token_url=f"{url}/oauth/access_token",
            scopes=["ads_management"],
            transport=transport,
        )
        with pytest.raises(error):
            await oauth.exchange("the-code")
    assert [line.split()[:2] for line in seen] == [[b"POST", b"/oauth/access_token"]]

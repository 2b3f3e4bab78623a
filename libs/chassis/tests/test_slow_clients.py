"""Clients that send slowly or without end, over real sockets, against a process served as a service is."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from chassis.slow_clients import BODY_SECONDS, HEADER_SECONDS, MAX_HEADER_BYTES
from local_stack.ports import free_port

SERVING = Path(__file__).parent / "sample_service" / "serving.py"
HEAD = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60000\r\n\r\n"
WHOLE = b"GET /ready HTTP/1.1\r\nhost: x\r\n\r\n"
SLACK_SECONDS = 15.0
"""For a machine that does much else. Who is not cut at all goes on for longer than that."""
TRICKLES = 400
CROWD = 100


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a process that is ready."""
    free = free_port()
    process = subprocess.Popen([sys.executable, SERVING, str(free), "0"])  # noqa: S603 - our own script
    _wait_until_ready(free)
    yield free
    process.kill()
    process.wait()


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if httpx.get(f"http://127.0.0.1:{port}/ready", trust_env=False).is_success:
                return
        time.sleep(0.02)
    raise AssertionError("the process is not ready")


async def _trickle(port: int, at_once: bytes, then: Callable[[int], bytes]) -> tuple[bytes, float]:
    """Send some, then a little every tenth of a second until cut off; what came back, and after how long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received: list[bytes] = []

    async def collect() -> None:
        # A cut with bytes of ours on their way is a reset.
        with suppress(ConnectionError):
            while chunk := await reader.read(4096):
                received.append(chunk)

    started = time.monotonic()
    collecting = asyncio.create_task(collect())
    writer.write(at_once)
    for n in range(TRICKLES):
        if collecting.done():
            break
        with suppress(ConnectionError):
            writer.write(then(n))
            await writer.drain()
        await asyncio.wait([collecting], timeout=0.1)
    taken = time.monotonic() - started
    collecting.cancel()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return b"".join(received), taken


async def test_a_header_or_body_that_trickles_is_cut_in_time_while_others_are_served(port: int) -> None:
    headers = [
        _trickle(port, b"", lambda _: b""),
        _trickle(port, b"G", lambda _: b""),
        _trickle(port, b"GET /ready HTTP/1.1\r\n", lambda n: f"x-{n}: 1\r\n".encode()),
        _trickle(port, b"", lambda _: b"\r\n"),
    ]
    further = [
        _trickle(port, WHOLE + b"GET /rea", lambda _: b"d"),
        _trickle(port, WHOLE, lambda _: b"\r\n"),
    ]
    bodies = [
        _trickle(port, HEAD, lambda _: b" "),
        _trickle(port, HEAD, lambda _: b""),
        _trickle(
            port,
            HEAD.replace(b"content-length: 60000", b"transfer-encoding: chunked"),
            lambda _: b"1\r\n \r\n",
        ),
    ]
    crowd = [_trickle(port, b"GET / HTTP/1.1\r\n", lambda n: f"x-{n}: 1\r\n".encode()) for _ in range(CROWD)]
    attack = asyncio.ensure_future(asyncio.gather(*headers, *further, *bodies, *crowd))
    waits = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        while not attack.done():
            started = time.monotonic()
            assert (await client.get("/ready")).status_code == 200
            waits.append(time.monotonic() - started)
            await asyncio.wait([attack], timeout=0.05)
    ended = attack.result()
    for received, seconds in ended[:4] + ended[9:]:
        assert received == b""
        assert HEADER_SECONDS - 0.5 < seconds < HEADER_SECONDS + SLACK_SECONDS
    for received, seconds in ended[4:6]:
        assert received.startswith(b"HTTP/1.1 200")
        assert HEADER_SECONDS - 0.5 < seconds < HEADER_SECONDS + SLACK_SECONDS
    for received, seconds in ended[6:9]:
        assert received.startswith(b"HTTP/1.1 408")
        assert b'{"error":"VALIDATION_ERROR","message":"The body took longer than 10 s"}' in received
        # A connection with the rest of a body under way is closed as one without a header is.
        longest = BODY_SECONDS + HEADER_SECONDS + SLACK_SECONDS
        assert BODY_SECONDS - 0.5 < seconds < longest
    assert statistics.median(waits) < 0.5, "the others hardly notice"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /ready HTTP/1.1\r\nx: " + b"a" * (2 * MAX_HEADER_BYTES),
        b"GET /ready HTTP/1.1\r\n" + b"x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 2000 + b"\r\n",
        b"GET /" + b"a" * (2 * MAX_HEADER_BYTES),
    ],
    ids=["one endless field", "many fields", "an endless address"],
)
async def test_a_header_without_end_is_refused_at_once(port: int, sent: bytes) -> None:
    received, seconds = await _trickle(port, sent, lambda _: b"a" * 1000)
    assert received.startswith(b"HTTP/1.1 400") or received == b"", "a reset may overtake the answer"
    assert seconds < HEADER_SECONDS - 0.5


async def test_a_client_that_only_takes_its_time_is_served(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for request in (WHOLE, HEAD.replace(b"60000", b"2") + b"{}", WHOLE):
        half = len(request) // 2
        for part in (request[:half], request[half:]):
            writer.write(part)
            await writer.drain()
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.Event().wait(), timeout=0.3)
        assert (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()


async def test_what_is_left_of_a_refused_body_is_not_taken_for_a_header(port: int) -> None:
    """Or its sender reads a second refusal where the answer to the next request belongs."""
    body = b" " * (3 * MAX_HEADER_BYTES)
    head = b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head % len(body))
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    answer = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
    writer.write(body)
    await writer.drain()
    writer.write(WHOLE)
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.close()
    await writer.wait_closed()

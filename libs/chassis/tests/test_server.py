"""A process that is told to stop tells its balancer first and its clients never."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from local_stack.ports import free_port

SERVING = Path(__file__).parent / "sample_service" / "serving.py"
Start = Callable[[float], tuple[subprocess.Popen[bytes], str]]


def status(url: str) -> int | None:
    """The status that the process answers with; None when it does not."""
    try:
        return httpx.get(url, trust_env=False, timeout=5).status_code
    except httpx.TransportError:
        return None


def eventually(condition: Callable[[], bool], *, seconds: float = 10) -> float:
    """Wait for it; returns how long it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds
        time.sleep(0.02)
    return time.monotonic() - started


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[subprocess.Popen[bytes]] = []

    def run(delay_seconds: float) -> tuple[subprocess.Popen[bytes], str]:
        port = free_port()
        process = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, SERVING, str(port), str(delay_seconds)]
        )
        running.append(process)
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: status(f"{url}/ready") == 200)
        return process, url

    yield run
    for process in running:
        process.kill()
        process.wait()


def test_after_sigterm_it_is_not_ready_but_serves_until_the_delay_is_over(start: Start) -> None:
    process, url = start(1.0)
    process.send_signal(signal.SIGTERM)
    eventually(lambda: status(f"{url}/ready") == 503, seconds=0.9)
    assert httpx.get(f"{url}/slow", trust_env=False).text == "done"
    assert eventually(lambda: process.poll() is not None) > 0
    # uvicorn hands the signal on to itself once everything is closed.
    assert process.returncode in (0, -signal.SIGTERM)


def test_what_is_loaded_at_the_start_is_not_searched_for_garbage_again(start: Start) -> None:
    """A full collection of it would keep every request waiting for 80 ms."""
    _, url = start(0.0)
    assert int(httpx.get(f"{url}/frozen", trust_env=False).text) > 50_000


def test_a_second_signal_ends_it_at_once(start: Start) -> None:
    process, url = start(30.0)
    process.send_signal(signal.SIGTERM)
    eventually(lambda: status(f"{url}/ready") == 503)
    process.send_signal(signal.SIGTERM)
    assert eventually(lambda: process.poll() is not None, seconds=5) < 5


async def test_without_a_delay_it_ends_at_once_and_lets_a_running_request_end(start: Start) -> None:
    process, url = start(0.0)
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        asking = asyncio.create_task(client.get("/slow"))
        # The server has the request when a later one on another connection is answered.
        await asyncio.wait_for(client.get("/ready"), timeout=5)
        process.send_signal(signal.SIGTERM)
        assert (await asking).text == "done"
    eventually(lambda: process.poll() is not None, seconds=5)


def test_the_probe_of_an_image_tells_a_ready_process_from_one_that_is_not(start: Start) -> None:
    process, url = start(30.0)
    port = url.rpartition(":")[2]
    assert run_probe(port) == 0
    process.send_signal(signal.SIGTERM)
    eventually(lambda: status(f"{url}/ready") == 503)
    assert run_probe(port) == 1
    process.kill()
    process.wait()
    assert run_probe(port) == 1


def run_probe(port: str) -> int:
    command = [sys.executable, "-m", "chassis.probe", port, "/ready"]
    return subprocess.run(command, check=False, timeout=10).returncode  # noqa: S603 - our own module

"""How many creates a second the sandbox makes on one core: `python bench/sandbox.py --creates 5000`.

A sandbox as a process of its own, held to one core where the system can, and a client over plain sockets that
costs little beside it. `--idle` measures what it costs to do nothing.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import parse_qs, urlencode, urlsplit

import typer

from local_stack.ports import free_port

REDIRECT = "http://localhost/callback"
APP = {"client_id": "100000000000001", "client_secret": "sandbox-app-secret", "redirect_uri": REDIRECT}
ACCOUNT = "act_101500000000001"
CAMPAIGN = {
    "name": "n",
    "objective": "OUTCOME_TRAFFIC",
    "status": "PAUSED",
    "special_ad_categories": "[]",
    "is_adset_budget_sharing_enabled": "false",
}
START_SECONDS = 20.0
OK = 200
TICKS = os.sysconf("SC_CLK_TCK")


class Line:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Line":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(
        self, path: str, form: dict[str, str], token: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        body = urlencode(form).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: sandbox\r\nauthorization: Bearer {token}\r\n"
            f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        told = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return int(lines[0].split()[1]), headers, told


@asynccontextmanager
async def sandbox(state: str) -> AsyncIterator[tuple[int, int]]:
    """A sandbox that serves, and keeps its state if asked to; its port and process id."""
    port = free_port()
    keeping = ("--state", state) if state else ()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "graph_sandbox", "--port", str(port), "--redirect-uri", REDIRECT,
        *keeping,
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
        yield port, process.pid
    finally:
        process.terminate()
        await process.wait()


async def log_in(port: int) -> str:
    line = await Line.open(port)
    answer = {**APP, "scope": "ads_management", "persona": "ada", "decision": "approve"}
    _, headers, _ = await line.post("/v25.0/dialog/oauth/decision", answer)
    code = parse_qs(urlsplit(headers["location"]).query)["code"][0]
    _, _, told = await line.post("/v25.0/oauth/access_token", {**APP, "code": code})
    return told.decode().split('"access_token":"')[1].split('"')[0]


def cpu_seconds(pid: int) -> float:
    """CPU of the process so far, as Linux tells it."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123 - one line of the kernel's
        values = stat.read().rpartition(")")[2].split()
    return (int(values[11]) + int(values[12])) / TICKS


async def create(port: int, pid: int, creates: int, connections: int) -> None:
    token = await log_in(port)

    async def some(count: int) -> None:
        line = await Line.open(port)
        for _ in range(count):
            status, _, told = await line.post(f"/v25.0/{ACCOUNT}/campaigns", CAMPAIGN, token)
            assert status == OK, told

    began, used = time.monotonic(), cpu_seconds(pid)
    await asyncio.gather(*(some(creates // connections) for _ in range(connections)))
    seconds, cpu = time.monotonic() - began, cpu_seconds(pid) - used
    made = creates // connections * connections
    print(
        f"{made} creates in {seconds:.1f} s: {made / seconds:.0f}/s, {1000 * cpu / made:.2f} ms of CPU each"
    )


async def idle(pid: int, seconds: float) -> None:
    await asyncio.sleep(2)
    used = cpu_seconds(pid)
    await asyncio.sleep(seconds)
    print(f"idle: {100 * (cpu_seconds(pid) - used) / seconds:.2f} % of a core")


def main(
    creates: Annotated[int, typer.Option(help="How many campaigns.")] = 5000,
    connections: Annotated[int, typer.Option(help="At once.")] = 16,
    state: Annotated[str, typer.Option(help="Keep the state in this file.")] = "",
    idle_seconds: Annotated[float, typer.Option("--idle", help="Also measure doing nothing, so long.")] = 0,
) -> None:
    """Print creates a second and the CPU of one."""

    async def run() -> None:
        async with sandbox(state) as (port, pid):
            await create(port, pid, creates, connections)
            if idle_seconds:
                await idle(pid, idle_seconds)

    asyncio.run(run())


if __name__ == "__main__":
    typer.run(main)

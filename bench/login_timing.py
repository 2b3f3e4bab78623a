"""Whether the time of a refused login tells that an account exists.

`python bench/login_timing.py --tries 200`. Wrong passwords for an account that exists and for ones that do
not take turns, one at a time, on a stack of its own. The same for requests for a link that resets a password.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import httpx
import typer
from rich.console import Console
from rich.table import Table

from local_stack.ports import HOST
from local_stack.services import GATEWAY
from local_stack.stack import Stack

NO_LIMIT = {"LOGIN_FAILURES_PER_ADDRESS": "100000"}
TRIES_PER_ACCOUNT = 10
"""As many as the gateway lets anybody have."""
console = Console()


def _nobody() -> str:
    return f"bench-{uuid4().hex}@example.com"


async def compare(client: httpx.AsyncClient, path: str, known: list[str]) -> tuple[float, float]:
    """Medians in milliseconds: with an account, and without one."""
    tries = len(known) * TRIES_PER_ACCOUNT
    unknown = [_nobody() for _ in known]
    taken: dict[bool, list[float]] = {True: [], False: []}
    for number in range(tries):
        # Another order each time, so that none is always first.
        for is_known in (number % 2 == 0, number % 2 == 1):
            email = (known if is_known else unknown)[number // TRIES_PER_ACCOUNT]
            body = {"email": email, "password": "not the password"}
            started = time.perf_counter()
            answer = await client.post(path, json=body)
            taken[is_known].append((time.perf_counter() - started) * 1000)
            assert answer.status_code in (200, 401), answer.text
    return statistics.median(taken[True]), statistics.median(taken[False])


async def measure(tries: int) -> dict[str, tuple[float, float]]:
    """Both routes."""
    with tempfile.TemporaryDirectory(prefix="project-auto-login-") as folder:
        async with Stack(Path(folder), overrides={}, env={GATEWAY: NO_LIMIT}) as stack:
            url = f"http://{HOST}:{stack.ports.gateway}"
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client:
                known = [_nobody() for _ in range(tries // TRIES_PER_ACCOUNT)]
                for email in known:
                    made = {"email": email, "name": "Bench", "password": "correct horse battery"}
                    assert (await client.post("/signup", json=made)).is_success
                client.cookies.clear()
                return {
                    path: await compare(client, path, known)
                    for path in ("/auth/login", "/auth/password-reset")
                }


def main(tries: Annotated[int, typer.Option(min=10)] = 200) -> None:
    """Measure, and print a table."""
    table = Table("route", "known, ms", "unknown, ms", "difference")
    for path, (known, unknown) in asyncio.run(measure(tries)).items():
        table.add_row(path, f"{known:.2f}", f"{unknown:.2f}", f"{unknown / known - 1:+.1%}")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)

"""Whether the time of a refused login tells that an account exists.

`python bench/login_timing.py --tries 400 --within 5`. Wrong passwords for an account that exists and for ones
that do not take turns, one at a time, on a stack of its own. The same for requests for a link that resets a
password. With `--within` it ends with 1 when the medians differ by more than so many percent.
"""

import asyncio
import random
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
BETWEEN_SECONDS = 0.012
"""A gateway has so many mails in hand at most; faster than this it asks to wait."""
console = Console()


def _nobody() -> str:
    return f"bench-{uuid4().hex}@example.com"


async def compare(client: httpx.AsyncClient, path: str, known: list[str]) -> tuple[float, float]:
    """Medians in milliseconds: with an account, and without one."""
    tries = len(known) * TRIES_PER_ACCOUNT
    unknown = [_nobody() for _ in known]
    taken: dict[bool, list[float]] = {True: [], False: []}
    chance = random.Random(5)  # noqa: S311 - the same order each time
    for number in range(tries):
        # In an order by chance: each kind comes after each other as often, also after what costs the most.
        for is_known in chance.choice(((True, False), (False, True))):
            email = (known if is_known else unknown)[number // TRIES_PER_ACCOUNT]
            body = {"email": email, "password": "not the password"}
            started = time.perf_counter()
            answer = await client.post(path, json=body)
            taken[is_known].append((time.perf_counter() - started) * 1000)
            assert answer.status_code in (200, 401), answer.text
            await asyncio.sleep(BETWEEN_SECONDS)
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


def main(
    tries: Annotated[int, typer.Option(min=10)] = 200,
    within: Annotated[float | None, typer.Option(help="Percent that medians may differ.")] = None,
) -> None:
    """Measure, and print a table."""
    table = Table("route", "known, ms", "unknown, ms", "difference")
    farthest = 0.0
    for path, (known, unknown) in asyncio.run(measure(tries)).items():
        difference = unknown / known - 1
        farthest = max(farthest, abs(difference))
        table.add_row(path, f"{known:.2f}", f"{unknown:.2f}", f"{difference:+.1%}")
    console.print(table)
    if within is not None and 100 * farthest > within:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)

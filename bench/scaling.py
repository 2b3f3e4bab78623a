"""How much faster more publishers drain a backlog: `python bench/scaling.py --runs 2000 --publishers 1,2,4`.

The local stack on this machine, the sandbox answering each call after `--answer-ms`. The publishers are
frozen while the backlog is accepted; then all go on, and the time from the first run's start to the last
one's end counts. CPU is that of every process, from the operating system.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from draining import answer_after, cpu, ended, press
from rich.console import Console
from rich.table import Table
from seeding import seed

from local_stack.ports import free_port
from local_stack.process import Child
from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH, SANDBOX
from local_stack.stack import POSTGRES, VALKEY, Stack

READY_SECONDS = 60.0
OTHERS = (GATEWAY, META_AUTH, SANDBOX, POSTGRES, VALKEY)
console = Console()


@dataclass(frozen=True, kw_only=True)
class Drained:
    """One backlog and how it was drained. CPU in seconds, of the publishers and of everything."""

    publishers: int
    answer_ms: int
    runs: int
    seconds: float
    cpu_publishers: float
    cpu_all: float
    succeeded: int
    campaigns: int

    @property
    def per_second(self) -> float:
        return self.runs / self.seconds


async def drain(stack: Stack, *, publishers: int, answer_ms: int, runs: int) -> Drained:
    """Accept a backlog while nobody works, then let so many publishers work it off."""
    await answer_after(stack, 0)  # setting up is not what is measured
    customers = await seed(stack, runs)
    await answer_after(stack, answer_ms)
    async with _publishers(stack, publishers) as children:
        for child in children:
            child.pause()
        run_ids = (await press(stack, customers)).run_ids
        ours, others = [child.pid for child in children], [stack.pid(name) for name in OTHERS]
        before = cpu(ours), cpu(others)
        for child in children:
            child.resume()
        row = await ended(stack, run_ids)
        cpu_publishers, cpu_others = cpu(ours) - before[0], cpu(others) - before[1]
    return Drained(
        publishers=publishers,
        answer_ms=answer_ms,
        runs=runs,
        cpu_publishers=cpu_publishers,
        cpu_all=cpu_publishers + cpu_others,
        **row,
    )


@asynccontextmanager
async def _publishers(stack: Stack, count: int) -> AsyncIterator[list[Child]]:
    """So many publisher processes, ready for work."""
    service, ports = stack.service(ADS_PUBLISHER), [free_port() for _ in range(count)]
    children = [
        Child(
            f"{ADS_PUBLISHER}-{port}",
            service.own_command("run"),
            log_path=stack.log_path(f"{ADS_PUBLISHER}-{port}"),
            env={**service.env, "PORT": str(port), "OTEL_EXPORTER_PROMETHEUS_PORT": ""},
        )
        for port in ports
    ]
    for child in children:
        child.spawn()
    try:
        for child, port in zip(children, ports, strict=True):
            await asyncio.to_thread(child.wait_until, partial(_is_ready, port), READY_SECONDS)
        yield children
    finally:
        await asyncio.gather(*(asyncio.to_thread(child.stop) for child in children))


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).is_success
    except httpx.TransportError:
        return False


async def measure(publishers: list[int], answers_ms: list[int], runs: int, tasks: int) -> list[Drained]:
    """Every combination, one after the other on one stack."""
    results = []
    overrides = {"EXECUTOR_TASKS": str(tasks), "LOG_FORMAT": "json", "LOG_LEVEL": "WARNING"}
    with tempfile.TemporaryDirectory(prefix="project-auto-scaling-") as folder:
        stack = Stack(Path(folder), overrides=overrides, env={SANDBOX: {"SANDBOX_STATE": ""}})
        async with stack:
            await stack.stop(ADS_PUBLISHER)
            for answer_ms in answers_ms:
                for count in publishers:
                    results.append(await drain(stack, publishers=count, answer_ms=answer_ms, runs=runs))
                    _show(results[-1])
    return results


def _show(one: Drained) -> None:
    console.print(
        f"{one.publishers} publishers, {one.answer_ms} ms: {one.runs} runs in {one.seconds:.1f} s,"
        f" {one.per_second:.1f}/s, {one.succeeded} succeeded, {one.campaigns} campaigns"
    )


def main(
    publishers: Annotated[str, typer.Option(help="How many, one after the other.")] = "1,2,4",
    answer_ms: Annotated[str, typer.Option(help="Meta's time for an answer.")] = "100,1000",
    runs: int = 2000,
    tasks: Annotated[int, typer.Option(help="EXECUTOR_TASKS of each publisher.")] = 25,
    out: Annotated[Path | None, typer.Option(help="File for the results as JSON.")] = None,
) -> None:
    """Measure, and print a table."""
    results = asyncio.run(measure(_numbers(publishers), _numbers(answer_ms), runs, tasks))
    table = Table(
        "answer ms", "publishers", "runs/s", "times one", "CPU ms/run", "of it publisher", "cores used"
    )
    for one in results:
        alone = next(each for each in results if each.answer_ms == one.answer_ms)
        table.add_row(
            str(one.answer_ms),
            str(one.publishers),
            f"{one.per_second:.1f}",
            f"{one.per_second / alone.per_second:.2f}",
            f"{1000 * one.cpu_all / one.runs:.1f}",
            f"{1000 * one.cpu_publishers / one.runs:.1f}",
            f"{one.cpu_all / one.seconds:.2f} of {os.cpu_count()}",
        )
    console.print(table)
    if out:
        out.write_text(json.dumps([_as_json(one) for one in results], indent=2) + "\n")


def _as_json(one: Drained) -> dict[str, Any]:
    return {**asdict(one), "per_second": one.per_second}


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    typer.run(main)

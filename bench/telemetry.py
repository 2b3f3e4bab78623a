"""What telemetry costs: the same backlog with spans and metrics told to a collector, and without.

`python bench/telemetry.py --rounds 5`. The states take turns in each round, on one stack; a collector that is
down and one that never answers are two of them. Figures are medians over the rounds, ratios are to the state
`off`.
"""

import asyncio
import json
import multiprocessing
import socket
import statistics
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated

import typer
from draining import cpu, ended, press
from rich.console import Console
from rich.table import Table
from seeding import seed

from local_stack.ports import HOST, free_port
from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH, SANDBOX
from local_stack.stack import Stack

SERVICES = (META_AUTH, ADS_PUBLISHER, GATEWAY)
OFF = "off"
console = Console()


class _Sink(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _serve_sink(told: Connection) -> None:
    server = ThreadingHTTPServer((HOST, 0), _Sink)
    told.send(server.server_port)
    server.serve_forever()


@contextmanager
def collectors() -> Iterator[dict[str, str]]:
    """Addresses of collectors by state: one that works, in a process of its own, one down, one that hangs."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    sink = context.Process(target=_serve_sink, args=(there,), daemon=True)
    sink.start()
    with socket.create_server((HOST, 0), backlog=100) as hanging:
        ports = {"on": here.recv(), "down": free_port(), "hanging": hanging.getsockname()[1]}
        yield {OFF: "", **{state: f"http://{HOST}:{port}" for state, port in ports.items()}}
    sink.terminate()
    sink.join()


@dataclass(frozen=True, kw_only=True)
class Round:
    """One backlog in one state."""

    state: str
    runs_per_second: float
    cpu_ms_per_run: float
    """Of gateway, meta-auth and publisher, from the first press to the last end."""
    accept_p50_ms: float
    accept_p99_ms: float


async def one_round(stack: Stack, state: str, collector: str, runs: int) -> Round:
    """Start the services in this state, accept a backlog while the publisher is frozen, and drain it."""
    for name in SERVICES:
        await stack.restart(name, env=environment(stack, name, state, collector))
    customers = await seed(stack, runs)
    pids = [stack.pid(name) for name in SERVICES]
    stack.pause(ADS_PUBLISHER)
    before = cpu(pids)
    accepted = await press(stack, customers)
    stack.resume(ADS_PUBLISHER)
    row = await ended(stack, accepted.run_ids)
    assert row["succeeded"] == runs
    centiles = statistics.quantiles(accepted.seconds, n=100)
    return Round(
        state=state,
        runs_per_second=runs / row["seconds"],
        cpu_ms_per_run=1000 * (cpu(pids) - before) / runs,
        accept_p50_ms=1000 * centiles[49],
        accept_p99_ms=1000 * centiles[98],
    )


def environment(stack: Stack, name: str, state: str, collector: str) -> Mapping[str, str]:
    """`off` does not even make spans; the others have a page and a collector; none has a spans file."""
    ports = {
        GATEWAY: stack.ports.gateway_metrics,
        META_AUTH: stack.ports.meta_auth_metrics,
        ADS_PUBLISHER: stack.ports.ads_publisher_metrics,
    }
    return {
        "OTEL_SDK_DISABLED": "true" if state == OFF else "",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
        "OTEL_EXPORTER_PROMETHEUS_PORT": "" if state == OFF else str(ports[name]),
        "SPANS_FILE": "",
        "OPEN_SPANS_DIR": "" if state == OFF else str(stack.data_dir / "open-spans"),
    }


async def measure(rounds: int, runs: int) -> list[Round]:
    """All states in turn, as often as asked."""
    results: list[Round] = []
    overrides = {"EXECUTOR_TASKS": "25", "LOG_FORMAT": "json"}
    with tempfile.TemporaryDirectory(prefix="project-auto-telemetry-") as folder, collectors() as addresses:
        states = list(addresses)
        async with Stack(Path(folder), overrides=overrides, env={SANDBOX: {"SANDBOX_STATE": ""}}) as stack:
            for number in range(rounds):
                # Another order each time, so that none is always first.
                for state in states[number % len(states) :] + states[: number % len(states)]:
                    results.append(await one_round(stack, state, addresses[state], runs))
                    console.print(f"round {number + 1}: {results[-1]}")
    return results


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    runs: Annotated[int, typer.Option(help="Publishes in each backlog.")] = 300,
    out: Annotated[Path | None, typer.Option(help="File for the rounds as JSON.")] = None,
) -> None:
    """Measure, and print a table."""
    results = asyncio.run(measure(rounds, runs))
    table = Table(
        "state", "runs/s", "(least to most)", "ratio", "CPU ms/run", "ratio", "accept p50 ms", "p99 ms"
    )
    for state in dict.fromkeys(each.state for each in results):
        speeds = [each.runs_per_second for each in results if each.state == state]
        table.add_row(
            state,
            f"{median(results, state, 'runs_per_second'):.1f}",
            f"{min(speeds):.1f} to {max(speeds):.1f}",
            f"{ratio(results, state, 'runs_per_second'):.2f}",
            f"{median(results, state, 'cpu_ms_per_run'):.1f}",
            f"{ratio(results, state, 'cpu_ms_per_run'):.2f}",
            f"{median(results, state, 'accept_p50_ms'):.1f}",
            f"{median(results, state, 'accept_p99_ms'):.1f}",
        )
    console.print(table)
    if out:
        out.write_text(json.dumps([asdict(each) for each in results], indent=2) + "\n")


def median(results: list[Round], state: str, figure: str) -> float:
    """The median of a figure in one state."""
    return statistics.median(getattr(each, figure) for each in results if each.state == state)


def ratio(results: list[Round], state: str, figure: str) -> float:
    """The same as a multiple of what it is with telemetry off."""
    return median(results, state, figure) / median(results, OFF, figure)


if __name__ == "__main__":
    typer.run(main)

"""What one run costs: `python bench/costs.py --runs 500` counts over a backlog of ours and one of raw.

Statements are counted in Postgres' log, switched on for this; so nothing here is about time.
`--statements 20` lists those that come most often, with how often in a run.
"""

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
import uvloop
from backlog import SETTLE_SECONDS, accept, drained, require_all_made
from redis.asyncio import Redis
from systems import HARNESS, Bench, System, running

from local_stack.ports import HOST
from local_stack.stack import POSTGRES

STATISTICS_SECONDS: Final = 11.0
"""An idle backend of Postgres tells its last figures after 10 s."""
STATEMENT: Final = re.compile(r"^bench\|(.*?)\|LOG:  (?:statement|execute [^:]*): ?(.*)$")
ENDS: Final = ("BEGIN", "COMMIT", "ROLLBACK")
UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
REQUESTS: Final = re.compile(r"^http_server_request_duration_seconds_count{.*} ([0-9.e+]+)$", re.MULTILINE)
LOOK: Final = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS "transactions that write",
       (SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal')::bigint AS "flushes of the log to disk",
       (pg_current_wal_lsn() - '0/0')::bigint AS "bytes of Postgres' log"
"""

Figures = dict[str, float]


async def _counters(bench: Bench) -> Figures:
    await asyncio.sleep(STATISTICS_SECONDS)
    row = await bench.connection.fetchrow(LOOK)
    assert row is not None
    async with Redis.from_url(bench.stack.valkey.url) as redis:
        told = {name: each["calls"] for name, each in (await redis.info("commandstats")).items()}
    return {
        "requests between our services": await _requests(bench.stack.ports.meta_auth_metrics),
        "creates at Meta": await bench.ask_stub("creates"),
        "reads at Meta": await bench.ask_stub("reads"),
        **dict(row),
        "stream entries": told.get("cmdstat_xadd", 0),
        "reads of streams": told.get("cmdstat_xreadgroup", 0),
        "acknowledgements": told.get("cmdstat_xack", 0),
        "commands to Redis in all": sum(told.values()),
    }


async def _requests(metrics_port: int) -> float:
    async with httpx.AsyncClient(trust_env=False) as client:
        page = (await client.get(f"http://{HOST}:{metrics_port}/metrics")).raise_for_status().text
    return sum(float(count) for count in REQUESTS.findall(page))


async def _log_statements(bench: Bench, kind: str) -> None:
    await bench.connection.execute("ALTER SYSTEM SET log_line_prefix = 'bench|%a|'")
    await bench.connection.execute(f"ALTER SYSTEM SET log_statement = '{kind}'")
    await bench.connection.execute("SELECT pg_reload_conf()")


async def one_cost(bench: Bench, system: System, runs: int) -> tuple[Figures, Counter[tuple[str, str]]]:
    """The figures of one run, and how often each statement of each program came in all."""
    presses = await system.customers(runs)
    before = await _counters(bench)
    await _log_statements(bench, "all")
    log = bench.stack.log_path(POSTGRES)
    start = log.stat().st_size
    system.freeze()
    load = await accept(system.door, presses)
    system.thaw()
    await drained(bench, system, runs)
    await asyncio.sleep(SETTLE_SECONDS)
    await _log_statements(bench, "none")
    after = await _counters(bench)
    statements = _statements(log.read_bytes()[start:].decode(errors="replace"))
    await require_all_made(bench, system, load, int(after["creates at Meta"] - before["creates at Meta"]))
    figures = {name: (value - before[name]) / runs for name, value in after.items()}
    ends = sum(count for (_, text), count in statements.items() if text.startswith(ENDS))
    figures["statements"] = (statements.total() - ends) / runs
    figures["BEGIN and COMMIT"] = ends / runs
    return figures, statements


def _statements(log: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    lines = log.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if (match := STATEMENT.match(line)) and match[1] != HARNESS:
            text = UUID_TEXT.sub("…", match[2] or following)
            found[match[1], " ".join(text.split())] += 1
    return found


async def measure(runs: int) -> dict[str, tuple[Figures, Counter[tuple[str, str]]]]:
    """Ours and raw, one after the other."""
    with tempfile.TemporaryDirectory(prefix="project-auto-costs-") as folder:
        async with running(Path(folder), tasks=100) as bench:
            return {system.name: await one_cost(bench, system, runs) for system in bench.systems[:2]}


def table(costs: Mapping[str, Figures]) -> str:
    """One row for each figure, one column for each system."""
    lines = [f"| one run costs | {' | '.join(costs)} |", f"|---|{'---|' * len(costs)}"]
    for name in next(iter(costs.values())):
        cells = [f"{figures[name]:,.1f}" for figures in costs.values()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(
    runs: int = 500,
    statements: Annotated[int, typer.Option(help="List so many of the most frequent statements.")] = 0,
) -> None:
    """Count, and print a table in Markdown."""
    found = uvloop.run(measure(runs))
    typer.echo(table({name: figures for name, (figures, _) in found.items()}))
    for name, (_, counted) in found.items() if statements else ():
        typer.echo(f"\n{name}")
        for (program, text), count in counted.most_common(statements):
            typer.echo(f"{count / runs:8.2f}  {program:24} {text[:110]}")


if __name__ == "__main__":
    typer.run(main)

"""Ours beside the bare parts and beside Celery, in one run: `python bench/compare.py --rounds 5`.

All share the local stack's Postgres and Valkey and one light Graph stub, and take turns within each round:
a backlog is accepted over HTTP while the worker is frozen, then drained; then single presses on the idle
system. CPU is that of the processes, from the operating system. Figures are medians over the rounds, ratios
those within a round: they are what counts, since machines differ.
"""

import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvloop
from backlog import accept, accepting, drained, one_backlog
from footprint import idle_cpu, memories, start_up
from idle import idle_presses
from long_backlog import long_backlog
from reads import FEW, fill, one_reading
from report import whole, write_into
from results import Results
from rich.console import Console
from systems import Bench, running

WARM_UP: Final = 50
console = Console()


async def measure(results: Results, *, tasks: int, **options: Any) -> None:
    """Everything, one after the other."""
    with tempfile.TemporaryDirectory(prefix="project-auto-compare-") as folder:
        async with running(Path(folder), tasks) as bench:
            await _warm_up(bench)
            await _rest(bench, results, "rest", options["idle_seconds"])
            for number in range(options["rounds"]):
                console.print(f"round {number + 1}")
                await _one_round(bench, results, number, options)
            await _read(bench, results, options)
            for number in range(options["rounds"]):
                results.add(number, await start_up(bench.stack))
            await _long_run(bench, results, options)


async def _warm_up(bench: Bench) -> None:
    """Connections, plans and imports of the first presses are not what is measured."""
    for system in bench.systems:
        await accept(system.door, await system.customers(WARM_UP))
        await drained(bench, system, WARM_UP)
    await accept(bench.bare.door, await bench.bare.customers(WARM_UP))


async def _rest(bench: Bench, results: Results, when: str, seconds: float) -> None:
    results.add(0, memories(bench, when))
    results.add(0, await idle_cpu(bench, when, seconds=seconds))


async def _one_round(bench: Bench, results: Results, number: int, options: dict[str, Any]) -> None:
    for answer_ms, runs in ((0, options["runs"]), (100, options["slow_runs"])):
        for system in bench.in_turn(number):
            found = await one_backlog(bench, system, runs=runs, answer_ms=answer_ms)
            results.add(number, {system.name: found})
            console.print(system.name, found)
    load = await accept(bench.bare.door, await bench.bare.customers(options["runs"]))
    results.add(number, {bench.bare.name: accepting(load)})
    for system in bench.in_turn(number):
        found = await idle_presses(bench, system, presses=options["presses"])
        results.add(number, {system.name: found})
        console.print(system.name, found)


async def _read(bench: Bench, results: Results, options: dict[str, Any]) -> None:
    """With few runs and with many, which takes turns too."""
    [asking] = await bench.systems[0].customers(1)
    for number in range(options["rounds"]):
        sizes = [("few_", FEW), ("many_", options["many"])]
        for prefix, runs in sizes if number % 2 else reversed(sizes):
            await fill(bench, asking, runs)
            found = await one_reading(bench, asking, requests=options["requests"])
            results.add(number, found, prefix=prefix)
            console.print(prefix, found)


async def _long_run(bench: Bench, results: Results, options: dict[str, Any]) -> None:
    """The services have just been started: what they hold from now on is of these runs."""
    if options["after_runs"]:
        await one_backlog(bench, bench.systems[0], runs=options["after_runs"], answer_ms=0)
        await _rest(bench, results, "after", options["idle_seconds"])
    if options["long_runs"]:
        results.add(0, await long_backlog(bench, runs=options["long_runs"]))


def main(  # noqa: PLR0917 - options of the command line
    rounds: int = 5,
    runs: Annotated[int, typer.Option(help="Backlog with answers at once.")] = 2000,
    slow_runs: Annotated[int, typer.Option(help="Backlog with answers after 100 ms.")] = 1000,
    presses: Annotated[int, typer.Option(help="Single presses on the idle system.")] = 100,
    tasks: Annotated[int, typer.Option(help="Runs in hand at once.")] = 100,
    requests: Annotated[int, typer.Option(help="Requests for each page.")] = 2000,
    many: Annotated[int, typer.Option(help="Runs in the table when there are many.")] = 1_000_000,
    idle_seconds: Annotated[float, typer.Option(help="How long to look at idle processes.")] = 30.0,
    after_runs: Annotated[int, typer.Option(help="Memory is measured after so many runs.")] = 10_000,
    long_runs: Annotated[int, typer.Option(help="The long backlog; 0 leaves it out.")] = 100_000,
    out: Annotated[Path | None, typer.Option(help="File for the results as JSON.")] = None,
    table: Annotated[Path | None, typer.Option(help="Measure nothing, print these results.")] = None,
    page: Annotated[Path | None, typer.Option(help="A page whose tables are made anew.")] = None,
) -> None:
    """Measure, and print tables in Markdown."""
    if table:
        results = Results.read(table)
    else:
        settings = {name: value for name, value in locals().items() if name not in ("out", "table", "page")}
        results = Results(settings=settings, out=out)
        uvloop.run(measure(results, **settings))
    typer.echo(whole(results))
    if page:
        page.write_text(write_into(page.read_text(), results))


if __name__ == "__main__":
    typer.run(main)

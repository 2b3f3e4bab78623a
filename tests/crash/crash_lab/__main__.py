"""`python -m crash_lab crash | chaos | mutants`: what the tests do in small, at full size."""

import asyncio
import random
from functools import partial
from typing import Annotated

import typer

from crash_lab import report
from crash_lab.campaign import LANES, line_count, run_matrix
from crash_lab.chaos import Outcome, run_chaos
from crash_lab.mutants import MUTANTS, hunt
from crash_lab.nursery import Nursery
from crash_lab.progress import progress

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def crash(
    runs: Annotated[int, typer.Option(help="Runs per line of the matrix, at most 20.", max=20)] = 20,
    lanes: Annotated[int, typer.Option(help="Systems side by side.")] = LANES,
) -> None:
    """Run the crash matrix and write docs/crash-matrix.md."""
    with progress("lines", line_count()) as advance:
        results = asyncio.run(
            run_matrix(runs=runs, lanes=lanes, tell=lambda line, took: advance(report.one_line(line, took)))
        )
    report.write_page(report.page(results, runs=runs))
    bad = list(report.bad_ones(results))
    print(report.total(results, runs=runs))
    print(*bad, sep="\n")
    raise typer.Exit(1 if bad else 0)


@cli.command()
def chaos(
    runs: Annotated[int, typer.Option(help="Runs in all, at most 1200.", max=1200)] = 1000,
    seed: Annotated[int | None, typer.Option(help="Repeats the mix of an earlier one.")] = None,
) -> None:
    """Let runs happen in chaos and compare the ledgers."""
    chosen = seed if seed is not None else random.SystemRandom().randrange(1_000_000)
    print(f"seed {chosen}", flush=True)

    async def main() -> Outcome:
        async with Nursery() as nursery:
            return await run_chaos(nursery, runs=runs, seed=chosen, tell=lambda _: advance(""))

    with progress("runs", runs) as advance:
        outcome = asyncio.run(main())
    print(outcome.summary())
    for verdict in outcome.verdicts:
        print(f"{verdict.kind} {verdict.run_id} {verdict.detail}")
    raise typer.Exit(1 if outcome.verdicts else 0)


@cli.command()
def mutants(
    only: Annotated[str, typer.Option(help="Only the bugs with these words.")] = "",
) -> None:
    """Plant bugs and see that the suite catches every one."""
    chosen = [mutant for mutant in MUTANTS if only in mutant.bug]
    survived = hunt(chosen, partial(print, flush=True))
    print(f"{len(chosen) - len(survived)} of {len(chosen)} bugs were caught.")
    raise typer.Exit(1 if survived else 0)


if __name__ == "__main__":
    cli()

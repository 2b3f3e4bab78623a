"""What the commands print, and the page below docs/ that `make crash` writes."""

from collections.abc import Iterable
from pathlib import Path

from crash_lab.campaign import Results
from crash_lab.checker import KINDS, counts
from crash_lab.matrix import Line, lines_of_table
from crash_lab.points import ROOT

PAGE = ROOT / "docs" / "crash-matrix.md"

_HEAD = """\
# Crash matrix

Written by `make crash`; the figures are those of its last run. One line is one place in the code, one process
that dies (or freezes) there, and one fault at Meta. The process dies there once for each run of the line and
is started again each time. Then three ledgers are compared: what the clients were told, our database, and
what stands in the Graph sandbox.

| word | meaning |
| --- | --- |
| lost | accepted, but nobody works on it |
| duplicate | a second object of one run and step, even for a moment |
| stuck | not final within 110 s of the press |
| ghost | an object without a run |
| wrong | ids, parent, account or status that are not as told; a run that failed |
| answer lost | Meta created the object and the answer never came |
| create lost | the connection ended before Meta created anything |
| frozen | the publisher sleeps through its lease and the admit window; another one takes over |
| expiry not enforced | Meta breaks its rule, so two objects exist for a while; only the end counts |
| deaths, frozen | processes that died at the point, by the marker each leaves; processes seen stopped |
| met | runs that were in hand, or open, when a process died or froze |
| faults | Graph faults that fired |
| seconds | from the last death that a run met to its final answer; sweeper: to the last extra gone |

Five runs are at work at once, on one publisher with one task: the seconds hold the wait for its other runs
and their deaths.

Compressed time: lease 3 s, admit window 3 s, clock skew 1 s, settle 1 s. In production 10, 60, 10 and 20 s.
"""


def page(results: Results, *, runs: int) -> str:
    """The whole page."""
    table = "\n".join(lines_of_table(results.lines))
    return f"{_HEAD}\n{total(results, runs=runs)}\n\n{table}\n"


def total(results: Results, *, runs: int) -> str:
    """One sentence with the sums."""
    lines = results.lines
    found = counts([verdict for line in lines for verdict in line.verdicts] + results.afterwards)
    sums = ", ".join(f"{found[kind]} {kind}" for kind in KINDS)
    return (
        f"{len(lines)} lines of {runs} runs: {sum(line.runs for line in lines)} runs, "
        f"{sum(line.deaths for line in lines)} deaths, {sum(line.frozen for line in lines)} freezes, "
        f"{sum(line.faults for line in lines)} Graph faults; {sums}. It took {results.seconds:.0f} s."
    )


def write_page(text: str, path: Path = PAGE) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def one_line(line: Line, seconds: float) -> str:
    """A line while the matrix runs."""
    verdict = "ok" if not line.verdicts else f"{len(line.verdicts)} BAD"
    cell = line.cell
    return (
        f"{verdict:8} {cell.point:38} {cell.process:14} {cell.fault:32} "
        f"{line.deaths + line.frozen:3} hits {line.faults:3} faults {line.runs:3} runs {seconds:6.1f} s"
    )


def bad_ones(results: Results) -> Iterable[str]:
    """Every verdict in full."""
    for line in results.lines:
        for verdict in line.verdicts:
            yield f"{line.cell.point} / {line.cell.fault}: {verdict.kind} {verdict.run_id} {verdict.detail}"
    for verdict in results.afterwards:
        yield f"afterwards: {verdict.kind} {verdict.run_id} {verdict.detail}"

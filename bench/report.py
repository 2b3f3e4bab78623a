"""Results as Markdown: what issue and operators asked for and whether it was reached, and every figure."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from results import Results
from systems import SERVICES

COLUMNS: Final = ("ours", "raw", "celery", "bare")


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A figure and its bound. `found` gives one value a round, none when it was not measured."""

    text: str
    limit: float
    found: Callable[[Results], list[float]]
    at_least: bool = False
    unit: str = ""

    def row(self, results: Results) -> str:
        values = self.found(results)
        target = f"{'at least' if self.at_least else 'at most'} {self.limit:g}{self.unit}"
        if not values:
            return f"| {self.text} | {target} | not measured | |"
        median = statistics.median(values)
        is_reached = median >= self.limit if self.at_least else median <= self.limit
        return (
            f"| {self.text} | {target} | {_spread(values)}{self.unit} | {'yes' if is_reached else '**no**'} |"
        )


def _ratio(
    measure: str, other: str, *, system: str = "ours", to: str | None = None
) -> Callable[[Results], list[float]]:
    return lambda results: results.ratios(measure, system, other, to=to)


def _sum(measure: str) -> Callable[[Results], list[float]]:
    def found(results: Results) -> list[float]:
        by_service = [results.values(measure, name) for name in SERVICES]
        return [sum(found[number] for found in by_service) for number in by_service[0]]

    return found


def _most(measure: str) -> Callable[[Results], list[float]]:
    def found(results: Results) -> list[float]:
        by_service = [results.values(measure, name) for name in SERVICES]
        return [max(found[number] for found in by_service) for number in by_service[0]]

    return found


GOALS: Final = (
    *(
        Goal(
            text=f"CPU per run of our processes, {label}, as a multiple of {other}",
            limit=limit,
            found=_ratio(measure, other),
        )
        for other, limit in (("raw", 1.3), ("celery", 0.5))
        for label, measure in (
            ("answers at once", "cpu_own_0_ms"),
            ("answers after 100 ms", "cpu_own_100_ms"),
        )
    ),
    *(
        Goal(
            text=f"The same with Postgres and Redis, {label}, as a multiple of raw",
            limit=1.2,
            found=_ratio(measure, "raw"),
        )
        for label, measure in (
            ("answers at once", "cpu_all_0_ms"),
            ("answers after 100 ms", "cpu_all_100_ms"),
        )
    ),
    Goal(
        text="Drain with answers after 100 ms, as a multiple of raw",
        limit=0.9,
        at_least=True,
        found=_ratio("drain_100_per_second", "raw"),
    ),
    Goal(
        text="Idle, press to success, p50, as a multiple of raw",
        limit=1.3,
        found=_ratio("idle_success_p50_ms", "raw"),
    ),
    Goal(text="The same, as a multiple of celery", limit=1.0, found=_ratio("idle_success_p50_ms", "celery")),
    Goal(
        text="Accept rate, as a multiple of the bare insert",
        limit=0.6,
        at_least=True,
        found=_ratio("accept_per_second", "bare"),
    ),
    Goal(
        text="`GET /ads/status`, 100 runs in the table, rate as a multiple of the bare select",
        limit=0.6,
        at_least=True,
        found=_ratio("few_status_per_second", "bare"),
    ),
    Goal(
        text="`GET /ads/status`, time with many runs in the table as a multiple of that with 100",
        limit=1.2,
        found=_ratio("many_status_p50_ms", "ours", to="few_status_p50_ms"),
    ),
    Goal(
        text="`GET /ads/runs`, likewise",
        limit=1.2,
        found=_ratio("many_runs_p50_ms", "ours", to="few_runs_p50_ms"),
    ),
    Goal(
        text="Resident memory of the three services after the long run",
        limit=300,
        unit=" MB",
        found=_sum("rss_mb_after"),
    ),
    Goal(
        text="The same with pages that they share counted once",
        limit=300,
        unit=" MB",
        found=_sum("pss_mb_after"),
    ),
    Goal(
        text="Idle CPU of the busiest of the three", limit=1, unit=" %", found=_most("idle_cpu_percent_rest")
    ),
    Goal(text="The same after the long run", limit=1, unit=" %", found=_most("idle_cpu_percent_after")),
    Goal(
        text="Long backlog: peak memory of the three in the drain's second half, as a multiple of its first",
        limit=1.1,
        found=_ratio("backlog_rss_second_half_mb", "ours", to="backlog_rss_first_half_mb"),
    ),
)

MEASURES: Final = {
    "accept_per_second": "Accepts/s",
    "accept_p50_ms": "Accept p50, ms",
    "accept_p99_ms": "Accept p99, ms",
    "accept_client_cpu_ms": "CPU of the load generator, ms an accept",
    "drain_0_per_second": "Drained runs/s, answers at once",
    "drain_100_per_second": "Drained runs/s, answers after 100 ms",
    "cpu_own_0_ms": "CPU ms a run, answers at once",
    "cpu_all_0_ms": "the same with Postgres and Redis",
    "cpu_own_100_ms": "CPU ms a run, answers after 100 ms",
    "cpu_all_100_ms": "the same with Postgres and Redis",
    "idle_first_byte_p50_ms": "Idle: press to first byte at Graph, p50 ms",
    "idle_first_byte_p99_ms": "the same, p99 ms",
    "idle_success_p50_ms": "Idle: press to success, p50 ms",
    "idle_success_p99_ms": "the same, p99 ms",
    "few_status_per_second": "`GET /ads/status`/s, 100 runs in the table",
    "few_status_p50_ms": "the same, p50 ms",
    "many_status_per_second": "`GET /ads/status`/s, many runs in the table",
    "many_status_p50_ms": "the same, p50 ms",
    "few_runs_per_second": "`GET /ads/runs`/s, 100 runs in the table",
    "few_runs_p50_ms": "the same, p50 ms",
    "many_runs_per_second": "`GET /ads/runs`/s, many runs in the table",
    "many_runs_p50_ms": "the same, p50 ms",
    "rss_mb_rest": "Resident memory at rest, MB",
    "pss_mb_rest": "the same, shared pages by share, MB",
    "rss_mb_after": "Resident memory after the long run, MB",
    "pss_mb_after": "the same, shared pages by share, MB",
    "idle_cpu_percent_rest": "Idle CPU at rest, % of a core",
    "idle_cpu_percent_after": "Idle CPU after the long run, % of a core",
    "start_up_seconds": "Start to ready, s",
    "backlog_accept_per_second": "Long backlog: accepts/s",
    "backlog_drain_per_second": "Long backlog: drained runs/s",
    "backlog_rss_accepted_mb": "Long backlog: resident memory when accepted, MB",
    "backlog_rss_first_half_mb": "Long backlog: peak in the first half of the drain, MB",
    "backlog_rss_second_half_mb": "Long backlog: peak in the second half, MB",
    "backlog_rss_end_mb": "Long backlog: at its end, MB",
}


def goals_table(results: Results) -> str:
    """What was asked for, and whether it was reached: medians of the rounds, least and most behind them."""
    return "\n".join(
        (
            "| what | target | measured | reached |",
            "|---|---|---|---|",
            *(goal.row(results) for goal in GOALS),
        )
    )


def figures_table(results: Results) -> str:
    """The systems beside each other."""
    lines = [f"| median (least to most) | {' | '.join(COLUMNS)} | ours / raw |", "|---|---|---|---|---|---|"]
    lines += _rows(results, COLUMNS, lambda measure: results.ratios(measure, "ours", "raw"))
    return "\n".join(lines)


def services_table(results: Results) -> str:
    """Our services and servers beside each other."""
    names = (*SERVICES, "postgres", "valkey")
    lines = [f"| median (least to most) | {' | '.join(names)} |", "|---|---|---|---|---|---|"]
    return "\n".join((*lines, *_rows(results, names, None)))


def _rows(results: Results, names: tuple[str, ...], ratio: Callable[[str], list[float]] | None) -> list[str]:
    rows = []
    for measure, label in MEASURES.items():
        found = [list(results.values(measure, name).values()) for name in names]
        if any(found):
            cells = [_spread(values) if values else "" for values in found]
            if ratio:
                cells.append(f"{statistics.median(ratios):.2f}" if (ratios := ratio(measure)) else "")
            rows.append(f"| {label} | {' | '.join(cells)} |")
    return rows


def _spread(values: list[float]) -> str:
    median = statistics.median(values)
    digits = 0 if median >= 100 else 1 if median >= 10 else 2  # noqa: PLR2004 - three figures are enough
    if len(values) == 1:
        return f"{median:.{digits}f}"
    return f"{median:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


TABLES: Final = {"goals": goals_table, "figures": figures_table, "services": services_table}
"""What stands between `<!-- goals -->` and `<!-- end -->`, and so on, in a page."""


def write_into(page: str, results: Results) -> str:
    """The page with its tables made anew."""
    for name, table in TABLES.items():
        begin, rest = page.split(f"<!-- {name} -->\n", 1)
        _, end = rest.split("<!-- end -->", 1)
        page = f"{begin}<!-- {name} -->\n{table(results)}\n<!-- end -->{end}"
    return page


def whole(results: Results) -> str:
    """All tables."""
    return "\n\n".join(table(results) for table in TABLES.values())

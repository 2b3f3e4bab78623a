"""The operator's look at runs: `runs list | show`. Reads only.

Exit codes: 0 done, 1 it could not be done (the text says why), 2 asked in a wrong way.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chassis.database import LOST_CONNECTION, Connection, connection, create_pool
from chassis.errors import NotFound, Unavailable
from chassis.telemetry import redact
from contracts.wire import iso_utc
from gateway.bodies.ads import RunStepView
from gateway.overview import run_view
from gateway.settings import GatewaySettings
from gateway.store.operations import any_run_with_steps, newest_runs
from gateway.store.runs import AdRun, RunStep

DEFAULT_LIMIT: Final = 20
MOST: Final = 1000
T = TypeVar("T")
WIDE: Final = 170
"""Columns of a terminal that a table with all ids needs; a narrower one shows those of the run only."""
_OTHER_IDS: Final = frozenset({"customer", "trace"})
_TIMELINE: Final = ("version", "at", "type", "step", "state", "message")
_STYLES: Final = {"success": "green", "failed": "red", "running": "cyan", "queued": "yellow"}

cli = typer.Typer(help="Runs of all customers: what became of them.", no_args_is_help=True)


class Status(StrEnum):
    """In which state a run is."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


AsJson = Annotated[bool, typer.Option("--json", help="JSON, for scripts.")]


@cli.command("list")
def list_(
    customer: Annotated[UUID | None, typer.Option(metavar="ID", help="Only of this customer.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="At most so many.")] = DEFAULT_LIMIT,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first."""
    runs = _finish(_list(customer, status, limit))
    if as_json:
        typer.echo(json.dumps([_json_of(run) for run in runs]))
    elif runs:
        _print_table([_row(run, datetime.now(UTC)) for run in runs])
    else:
        typer.echo("No runs.", err=True)


@cli.command()
def show(run_id: Annotated[UUID, typer.Argument(metavar="RUN_ID")], as_json: AsJson = False) -> None:
    """Show one run and its timeline."""
    run, steps = _finish(_show(run_id))
    if as_json:
        typer.echo(json.dumps({**_json_of(run), "steps": [_step_json(step) for step in steps]}))
        return
    for name, value in _facts(run).items():
        typer.echo(f"{name + ':':<15}{_plain(value)}")
    if steps:
        typer.echo()
        _print_table([_step_row(step) for step in steps])


async def _list(customer: UUID | None, status: Status | None, limit: int) -> list[AdRun]:
    async with _database() as conn:
        return await newest_runs(conn, customer_id=customer, status=status, limit=limit)


async def _show(run_id: UUID) -> tuple[AdRun, list[RunStep]]:
    async with _database() as conn:
        found = await any_run_with_steps(conn, run_id)
    if found is None:
        raise NotFound(f"There is no run {run_id}.")
    return found


@asynccontextmanager
async def _database() -> AsyncIterator[Connection]:
    url = GatewaySettings.load().database_url.get_secret_value()
    async with await create_pool(url, name="gateway-cli", size=2) as pool, connection(pool) as conn:
        yield conn


def _finish(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except NotFound as exc:
        text = exc.message
    except (Unavailable, *LOST_CONNECTION) as exc:
        text = f"The database does not answer ({type(exc).__name__})."
    typer.echo(text, err=True)
    raise typer.Exit(1)


def _row(run: AdRun, now: datetime) -> dict[str, str | None]:
    return {
        "id": str(run.id),
        "customer": str(run.customer_id),
        "type": run.job_type,
        "status": run.status,
        "step": run.step,
        "age": _span(now - run.created_at),
        "took": _span((run.finished_at or now) - run.started_at) if run.started_at else None,
        "error": run.error_code,
        "trace": run.trace_id,
    }


def _step_row(step: RunStep) -> dict[str, str | None]:
    row = {name: getattr(step, name) for name in _TIMELINE}
    return {**row, "version": str(step.version), "at": iso_utc(step.at)}


def _facts(run: AdRun) -> dict[str, str]:
    shown = {"id": run.id, "customer": run.customer_id, **run_view(run).model_dump(mode="json")}
    return {name.replace("_", " "): str(value) for name, value in shown.items() if value is not None}


def _json_of(run: AdRun) -> dict[str, Any]:
    view = run_view(run).model_dump(mode="json", by_alias=True)
    return {"id": view.pop("id"), "customerId": str(run.customer_id), **view}


def _step_json(step: RunStep) -> dict[str, Any]:
    view = RunStepView.model_validate(step, from_attributes=True)
    return view.model_dump(mode="json", by_alias=True)


def _span(time: timedelta) -> str:
    """As `4.2 s`, `3m05s`, `2h10m` or `5d03h`: two places are enough to judge by."""
    seconds = max(time.total_seconds(), 0.0)
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours:02}h"
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s"


def _print_table(rows: Sequence[dict[str, str | None]]) -> None:
    """A table for a person; for a pipe, one line each with tabs, below their names."""
    console = Console()
    hidden = _OTHER_IDS if console.is_terminal and console.width < WIDE else ()
    names = [name for name in rows[0] if name not in hidden]
    cells = [[_plain(row[name] or "") for name in names] for row in rows]
    if not console.is_terminal:
        for line in (names, *cells):
            typer.echo("\t".join(line))
        return
    table = Table(*names, box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    table.columns[0].min_width = max(len(row[0]) for row in cells)  # an id is there to be copied
    for row in cells:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    console.print(table)


def _plain(text: str) -> str:
    """Without credentials and what would drive a terminal or break a line: texts may come from Meta."""
    shown = str(redact(text))
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)

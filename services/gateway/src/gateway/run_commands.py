"""The operator's look at runs: `runs list | show`. Reads only."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from rich.console import Console

from chassis.database import Connection, across_customers, create_pool
from chassis.telemetry import redact
from chassis.terminal import NothingDoneError, finish, print_table, printable
from contracts.wire import iso_utc
from gateway.overview import run_view, step_view
from gateway.settings import GatewaySettings
from gateway.store.operations import any_run_with_steps, newest_runs
from gateway.store.runs import AdRun, RunStep

DEFAULT_LIMIT: Final = 20
MOST: Final = 1000
WIDE: Final = 170
"""Columns of a terminal that a table with all ids needs; a narrower one shows those of the run only."""
_COLUMNS: Final = ("id", "type", "status", "step", "age", "took", "error", "customer", "trace")
_NARROW: Final = _COLUMNS[:-2]
_TIMELINE: Final = ("version", "at", "type", "step", "state", "message")

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
    finish(_list(customer, status, limit, as_json=as_json))


@cli.command()
def show(run_id: Annotated[UUID, typer.Argument(metavar="RUN_ID")], as_json: AsJson = False) -> None:
    """Show one run and its timeline."""
    finish(_show(run_id, as_json=as_json))


async def _list(customer: UUID | None, status: Status | None, limit: int, *, as_json: bool) -> None:
    async with _database() as conn:
        runs = await newest_runs(conn, customer_id=customer, status=status, limit=limit)
    if as_json:
        typer.echo(json.dumps([_json_of(run) for run in runs]))
    elif runs:
        console, now = Console(), datetime.now(UTC)
        columns = _NARROW if console.is_terminal and console.width < WIDE else _COLUMNS
        print_table(columns, [_row(run, now)[: len(columns)] for run in runs], console=console)
    else:
        typer.echo("No runs.", err=True)


async def _show(run_id: UUID, *, as_json: bool) -> None:
    async with _database() as conn:
        found = await any_run_with_steps(conn, run_id)
    if found is None:
        raise NothingDoneError(f"There is no run {run_id}.")
    run, steps = found
    if as_json:
        typer.echo(json.dumps({**_json_of(run), "steps": [_step_json(step) for step in steps]}))
        return
    for name, value in _facts(run).items():
        typer.echo(f"{name + ':':<15}{printable(str(redact(value)))}")
    if steps:
        typer.echo()
        print_table(_TIMELINE, [_step_row(step) for step in steps], console=Console())


@asynccontextmanager
async def _database() -> AsyncIterator[Connection]:
    url = GatewaySettings.load().database_url.get_secret_value()
    async with (
        await create_pool(url, name="gateway-cli", size=2, silent_seconds=0) as pool,
        across_customers(pool) as conn,
    ):
        yield conn


def _row(run: AdRun, now: datetime) -> list[str]:
    """A cell for each of `_COLUMNS`."""
    took = _span((run.finished_at or now) - run.started_at) if run.started_at else ""
    return [
        str(run.id),
        run.job_type,
        run.status,
        run.step or "",
        _span(now - run.created_at),
        took,
        run.error_code or "",
        str(run.customer_id),
        run.trace_id or "",
    ]


def _step_row(step: RunStep) -> list[str]:
    """A cell for each of `_TIMELINE`."""
    message = str(redact(step.message))
    return [str(step.version), iso_utc(step.at), step.type, step.step or "", step.state or "", message]


def _facts(run: AdRun) -> dict[str, str]:
    shown = {"id": run.id, "customer": run.customer_id, **run_view(run).model_dump(mode="json")}
    return {name.replace("_", " "): str(value) for name, value in shown.items() if value is not None}


def _json_of(run: AdRun) -> dict[str, Any]:
    view = run_view(run).model_dump(mode="json", by_alias=True)
    return {"id": view.pop("id"), "customerId": str(run.customer_id), **view}


def _step_json(step: RunStep) -> dict[str, Any]:
    view = step_view(step)
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

"""The operator's commands about jobs: `jobs list | show`. They change nothing."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import typer
from rich.console import Console

from ads_publisher import jobs_store
from ads_publisher.jobs_store import JobView
from chassis.database import Connection
from chassis.telemetry import redact, trace_id_of
from chassis.terminal import NothingDoneError, finish, print_table, printable
from contracts.wire import iso_utc

OpenDatabase = Callable[[], AbstractAsyncContextManager[Connection]]
Status = Literal["ready", "running", "done", "failed"]

DEFAULT_LIMIT: Final = 20
_COLUMNS: Final = (
    "run",
    "customer",
    "kind",
    "status",
    "lane",
    "age",
    "due in",
    "fence",
    "attempts",
    "last error",
)
_JOURNAL: Final = (
    "step",
    "number",
    "outcome",
    "object_id",
    "error",
    "intent_at",
    "answered_at",
    "not_before",
    "looks",
    "sweeps",
    "sweep_at",
)
_CALLS: Final = ("at", "step", "attempt", "call", "status", "error", "fbtrace_id", "ms")

_Json = Annotated[bool, typer.Option("--json", help="As JSON, with every field.")]


def jobs_commands(open_database: OpenDatabase) -> typer.Typer:
    """Build the `jobs` commands."""
    cli = typer.Typer(help="The runs as this service knows them. Reads only.", no_args_is_help=True)

    @cli.command("list")
    def list_(
        status: Annotated[Status | None, typer.Option(help="Only jobs of this status.")] = None,
        lane: Annotated[str | None, typer.Option(help="Only jobs of this ad account.")] = None,
        limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = DEFAULT_LIMIT,
        as_json: _Json = False,
    ) -> None:
        """List jobs, the newest first."""
        finish(_list(open_database, status=status, lane=lane, limit=limit, as_json=as_json))

    @cli.command()
    def show(
        job_or_run_id: Annotated[str, typer.Argument(metavar="RUN_ID|JOB_ID")], as_json: _Json = False
    ) -> None:
        """Show one job: its journal, its calls to Meta, and what holds it."""
        finish(_show(open_database, job_or_run_id, as_json=as_json))

    return cli


async def found_job(connection: Connection, job_or_run_id: str) -> JobView:
    """The job with this job id or run id.

    Raises:
        NothingDoneError: there is none.
    """
    try:
        job = await jobs_store.find_job(connection, UUID(job_or_run_id))
    except ValueError:
        job = None
    if job is None:
        raise NothingDoneError(f"There is no job or run {job_or_run_id}.")
    return job


async def _list(
    open_database: OpenDatabase, *, status: Status | None, lane: str | None, limit: int, as_json: bool
) -> None:
    async with open_database() as connection:
        jobs = await jobs_store.list_jobs(connection, status=status, lane=lane, limit=limit)
    if as_json:
        _print_json([asdict(job) for job in jobs])
    elif not jobs:
        typer.echo("No jobs.", err=True)
    else:
        print_table(_COLUMNS, [_row(job) for job in jobs], console=Console())


def _row(job: JobView) -> list[str]:
    return [
        str(job.run_id),
        str(job.customer_id)[:8],
        job.kind,
        job.status,
        job.lane,
        _span(job.looked_at - job.created_at),
        _span(job.due_at - job.looked_at) if _is_open(job) else "",
        str(job.fence),
        str(job.attempts),
        _last_error(job),
    ]


def _is_open(job: JobView) -> bool:
    return job.status in ("ready", "running")


def _last_error(job: JobView) -> str:
    """The code with which the run failed, else what the last attempt met."""
    error = job.attempt_error or {}
    if job.failure and job.status == "failed":
        subcode = job.failure.get("metaSubcode")
        return f"{job.failure.get('errorCode')}{f'/{subcode}' if subcode else ''}"
    return _error_text(error) or (job.dead_reason or "")


def _error_text(error: Mapping[str, Any]) -> str:
    if error.get("code") is None:
        return str(error.get("reason") or "")
    return f"{error['code']}/{error['subcode']}" if error.get("subcode") else str(error["code"])


async def _show(open_database: OpenDatabase, job_or_run_id: str, *, as_json: bool) -> None:
    async with open_database() as connection:
        job = await found_job(connection, job_or_run_id)
        journal = await jobs_store.journal_of(connection, job.job_id)
        calls = await jobs_store.calls_of(connection, job.job_id)
        pauses = await jobs_store.pauses_of(connection, job.lane)
        ahead = await jobs_store.ahead_of(connection, job.job_id)
    if as_json:
        parts = {"journal": journal, "calls": calls, "pauses": pauses, "waits_for_runs": ahead}
        _print_json({**asdict(job), **parts})
        return
    console = Console()
    _print_facts(job, pauses, ahead)
    _print_part("journal", _JOURNAL, [_journal_row(row) for row in journal], console)
    _print_part("calls", _CALLS, [_call_row(row) for row in calls], console)


def _print_facts(job: JobView, pauses: Sequence[Mapping[str, Any]], ahead: Sequence[UUID]) -> None:
    facts = {name: _cell(value) for name, value in asdict(job).items() if value is not None}
    for name in ("looked_at",) if _is_open(job) else ("looked_at", "due_at"):
        facts.pop(name)
    facts["attempt_error"] = _error_text(job.attempt_error or {})
    facts["failure"] = str((job.failure or {}).get("message", ""))
    facts["trace_id"] = trace_id_of(job.traceparent) or ""
    facts["waits for"] = ", ".join(map(str, ahead))
    facts["pauses"] = ", ".join(f"{pause['scope']} until {_cell(pause['until'])}" for pause in pauses)
    for name, value in facts.items():
        if value:
            typer.echo(f"{name + ':':<15}{printable(str(redact(value)))}")


def _print_part(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> None:
    typer.echo(f"{title}:" if rows else f"{title}:        none")
    print_table(columns, rows, console=console) if rows else None


def _journal_row(row: Mapping[str, Any]) -> list[str]:
    shown = {**row, "error": _error_text(row["error"] or {}), "outcome": row["outcome"] or "no answer yet"}
    return [_cell(shown[name]) for name in _JOURNAL]


def _call_row(call: Mapping[str, Any]) -> list[str]:
    answer = call["answer"] if isinstance(call["answer"], dict) else {}
    error = answer.get("error") or {}
    code, subcode = error.get("code"), error.get("error_subcode")
    headers = call["headers"] or {}
    return [
        _cell(call["at"]),
        _cell(call["step"]),
        _cell(call["attempt"]),
        f"{call['method']} {call['path']}",
        _cell(call["status"]),
        call["failure"] or _error_text({"code": code, "subcode": subcode}),
        _cell(error.get("fbtrace_id") or headers.get("x-fb-trace-id")),
        _cell(call["duration_ms"]),
    ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return iso_utc(value) if isinstance(value, datetime) else str(value)


def _span(length: timedelta) -> str:
    """A length of time in its largest unit, with a sign when it is over."""
    seconds = round(length.total_seconds())
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{sign}{seconds // size} {unit}"
    return f"{sign}{seconds} s"


def _print_json(value: Any) -> None:
    # Not redact(): to it a field called `code` is a login code. What is stored here was cleaned when it came.
    typer.echo(json.dumps(value, default=_cell, indent=2, ensure_ascii=False))

"""The commands behind `make up`, `make down`, `make demo`, `make smoke` and `make trace`."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console

from local_stack.access import Access, answers, is_running, running_service, running_stack
from local_stack.binaries import ServerMissingError
from local_stack.customer import Customer, RefusedError
from local_stack.demo import DemoFailedError, prepare, run_demo
from local_stack.dialog import DialogError
from local_stack.interrupts import run_until_interrupted
from local_stack.ports import PortBusyError, Ports, PortSettingError
from local_stack.process import ChildFailedError
from local_stack.record import Record
from local_stack.services import CONSOLE, console_url, gateway_url, overrides_from
from local_stack.stack import RECORD, AlreadyRunningError, Stack
from local_stack.trace_view import UNFOLDED_COLUMNS, picture, write_svg
from local_stack.traces import TRACES, newest_run, read_spans, traces_of_run

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(highlight=False, soft_wrap=True)

DataFolder = Annotated[Path, typer.Option("--data", help="Folder for data, logs and generated secrets.")]
KeepRunning = Annotated[
    bool, typer.Option("--keep", help="Leave the stack running afterwards, until Ctrl-C.")
]

_DEFAULT_FOLDER = Path(".local")
_SMOKE_SCRIPT = Path("scripts/meta-step3-smoke.sh")
_INTERRUPTED = 130
_EXPECTED = (
    AlreadyRunningError,
    ChildFailedError,
    DemoFailedError,
    DialogError,
    PortBusyError,
    PortSettingError,
    RefusedError,
    ServerMissingError,
    httpx.TransportError,
)
"""What can go wrong without a mistake in this code: shown as a sentence, without a traceback."""


@app.command()
def up(data: DataFolder = _DEFAULT_FOLDER) -> None:
    """Run the whole system until Ctrl-C."""

    async def work() -> None:
        stack = Stack(
            data, ports=Ports.from_environment(), overrides=overrides_from(os.environ), console=console
        )
        console.print(f"Starting; data and logs are in {data}/ ...")
        async with stack:
            access = Access.of(stack.ports, stack.credentials)
            async with Customer(access.gateway_url) as customer:
                await customer.sign_up_or_log_in(access.email, access.password)
            _print_addresses(access)
            await stack.forever()

    _finish(work, code_when_interrupted=0)


@app.command()
def down(data: DataFolder = _DEFAULT_FOLDER) -> None:
    """Stop what a running `up` or `demo` started. The data stays."""
    record = Record.read(data / RECORD)
    stopped = record.stop() if record else False
    (data / RECORD).unlink(missing_ok=True)
    console.print(f"Stopped. The data stays in {data}/." if stopped else "Nothing was running.")


@app.command()
def demo(data: DataFolder = _DEFAULT_FOLDER, keep: KeepRunning = False) -> None:
    """Publish once for real against the sandbox and show everything that happened."""

    async def work() -> None:
        async with running_stack(data, console) as (access, stack):
            await run_demo(access, console)
            if keep and stack:
                _print_addresses(access)
                await stack.forever()

    _finish(work, code_when_interrupted=0 if keep else _INTERRUPTED)


@app.command()
def smoke(data: DataFolder = _DEFAULT_FOLDER) -> None:
    """Run the smoke script as a customer who is set up for it.

    On the gateway at API_URL; else on the stack that runs from the data folder; else on a healthy gateway at
    the usual address, which is where compose puts it; else on a stack started for it.
    """

    async def work() -> None:
        async with _stack_to_try(data) as access:
            console.print(f"Smoke test of {access.gateway_url}")
            async with Customer(access.gateway_url) as customer:
                await prepare(customer, access, console)
            login = {"TEST_USER_EMAIL": access.email, "TEST_USER_PASSWORD": access.password}
            environment = {**os.environ, **login, "API_URL": access.gateway_url}
            script = await asyncio.create_subprocess_exec(_SMOKE_SCRIPT, env=environment)
            if await script.wait() != 0:
                raise DemoFailedError("The smoke test failed; its last line says why.")

    _finish(work, code_when_interrupted=_INTERRUPTED)


@app.command(context_settings={"ignore_unknown_options": True})
def operate(
    service: Annotated[str, typer.Argument(help="gateway, meta-auth or ads-publisher.")],
    arguments: Annotated[list[str], typer.Argument(help="Its own command, for instance: dead list")],
    data: DataFolder = _DEFAULT_FOLDER,
) -> None:
    """Run a command of one service on the running stack, with that service's settings."""
    chosen = running_service(data, service, overrides_from(os.environ))
    if chosen is None:
        console.print(f"No {service} runs from {data}/. Start the stack with `make up`.")
        raise typer.Exit(1)
    # Constant but for what the person at the terminal typed.
    raise typer.Exit(
        subprocess.run(chosen.own_command(*arguments), env=chosen.env, check=False).returncode  # noqa: S603
    )


@asynccontextmanager
async def _stack_to_try(data: Path) -> AsyncIterator[Access]:
    url = os.environ.get("API_URL", "").rstrip("/")
    usual = gateway_url(Ports.from_environment())
    if not url and not is_running(data) and await answers(usual):
        url = usual
    if url:
        yield Access.guest(url)
        return
    async with running_stack(data, console) as (access, _):
        yield access


@app.command()
def trace(
    run: Annotated[
        str | None, typer.Argument(help="Id of the run, or of a trace; the newest run without it.")
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="Write it as a picture into this file.")] = None,
    data: DataFolder = _DEFAULT_FOLDER,
) -> None:
    """Show what happened in one run, from the request to Meta and back, as a tree of spans."""
    spans = read_spans(data / TRACES)
    chosen = run or newest_run(spans)
    trace_ids = traces_of_run(spans, chosen) if chosen else []
    if not trace_ids:
        console.print(f"No trace of {f'run {run}' if run else 'any run'} in {data / TRACES}/.")
        raise typer.Exit(1)
    for trace_id in trace_ids:
        of_trace = [span for span in spans if span.trace_id == trace_id]
        if svg:
            write_svg(of_trace, svg, title=f"run {chosen}")
            console.print(f"Written to {svg}.")
        else:
            Console(width=None if console.is_terminal else UNFOLDED_COLUMNS).print(picture(of_trace))


def _finish(work: Callable[[], Coroutine[Any, Any, None]], *, code_when_interrupted: int) -> None:
    try:
        interrupted = run_until_interrupted(work())
    except _EXPECTED as error:
        Console(stderr=True, highlight=False, markup=False, style="red").print(str(error), soft_wrap=True)
        raise typer.Exit(1) from None
    if interrupted:
        console.print("Stopped. The data stays.")
        raise typer.Exit(code_when_interrupted)


def _print_addresses(access: Access) -> None:
    console.print("\n[bold green]Ready.[/]")
    if CONSOLE.is_dir():
        console.print(f"  Console      {console_url(access.gateway_url)}")
    console.print(f"  Gateway      {access.gateway_url}   (documentation: {access.gateway_url}/docs)")
    console.print(f"  Sandbox      {access.sandbox_url}   (ledger: {access.sandbox_url}/_sandbox/ledger)")
    console.print(f"  Demo login   {access.email}   password: {access.password}", markup=False)
    console.print("Ctrl-C, or `make down` in another terminal, stops everything.\n")

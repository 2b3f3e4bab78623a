"""`python -m ads_publisher run | provision | migrate | dead ... | jobs ... | bundle | bundle-replay`."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import httpx
import typer
from redis.asyncio import Redis
from rich.console import Console

from ads_publisher.bundle import make_bundle
from ads_publisher.bundle_replay import replay
from ads_publisher.dead_jobs import DeadJobs
from ads_publisher.jobs_commands import found_job, jobs_commands
from ads_publisher.reporting import tell_operator_acted
from ads_publisher.settings import Settings
from ads_publisher.worker import create_app
from chassis.database import Connection, Pool, across_customers, create_pool
from chassis.dead_commands import dead_commands
from chassis.dead_letters import DeadLetter, DeadLetters, DeadStreams
from chassis.migrating import migrate as migrate_schema
from chassis.provision import provision_from
from chassis.server import serve
from chassis.terminal import NothingDoneError, finish, print_table
from contracts.events import PUBLISH_STREAM

cli = typer.Typer(help="The publisher: the only process that changes anything at Meta.", no_args_is_help=True)


@cli.command()
def run() -> None:
    """Consume and publish until stopped."""
    settings = Settings.load()
    serve(create_app(settings), settings, port=settings.port)


@cli.command()
def provision() -> None:
    """Create the schema and its roles, or refresh their passwords, as the administrator."""
    provision_from(Settings.load())


@cli.command()
def migrate() -> None:
    """Bring schema `ads_publisher` up to date."""
    migrate_schema(Settings.load().migration_url, package="ads_publisher")


@asynccontextmanager
async def _database() -> AsyncIterator[Connection]:
    url = Settings.load().database_url.get_secret_value()
    async with (
        await create_pool(url, name="operator", size=2, silent_seconds=0) as pool,
        across_customers(pool) as connection,
    ):
        yield connection


@cli.command()
def bundle(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID")],
    out: Annotated[Path | None, typer.Option(help="File to write; standard output without it.")] = None,
) -> None:
    """Write all about one run into one file without secrets, with its calls to Meta as curl."""

    async def work() -> None:
        async with _database() as connection:
            job = await found_job(connection, run_id)
            text = await make_bundle(connection, job, Settings.load())
            await tell_operator_acted(
                connection, "bundle", target=str(job.run_id), customer_id=job.customer_id
            )
        if out is None:
            typer.echo(text, nl=False)
        else:
            out.write_text(text)
            typer.echo(f"Written to {out}.", err=True)

    finish(work())


@cli.command("bundle-replay")
def bundle_replay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    sandbox_url: Annotated[str, typer.Option(help="A fresh sandbox, not Meta.")],
    token: Annotated[str, typer.Option(envvar="TOKEN", show_envvar=True, help="Of a person there.")],
    account: Annotated[str | None, typer.Option(help="The ad account to use there.")] = None,
) -> None:
    """Make the calls of a bundle again on a sandbox; 0 when each ends as it did then."""

    async def work() -> None:
        document = json.loads(file.read_text())
        try:
            ends = replay(document, sandbox_url=sandbox_url, token=token, account=account)
        except httpx.HTTPError as exc:
            raise NothingDoneError(f"The sandbox did not go along: {exc}") from exc
        rows = [[end.call, end.then, end.now, "same" if end.same else "DIFFERS"] for end in ends]
        print_table(("call", "then", "now", ""), rows, console=Console())
        if not all(end.same for end in ends):
            raise NothingDoneError("Not every call ended as it did then.")

    finish(work())


@asynccontextmanager
async def _dead_letters() -> AsyncIterator[Sequence[DeadLetters]]:
    settings = Settings.load()
    async with (
        Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=5) as redis,
        await create_pool(settings.database_url.get_secret_value(), name="dead-letters", size=2) as pool,
    ):
        yield DeadStreams(redis, (PUBLISH_STREAM,), note=partial(_note, pool)), DeadJobs(pool, settings.mode)


async def _note(pool: Pool, letter: DeadLetter) -> None:
    async with across_customers(pool) as connection:
        await tell_operator_acted(
            connection,
            "dead_replay",
            target=letter.id,
            customer_id=letter.customer(),
            place=letter.place,
        )


cli.add_typer(dead_commands(_dead_letters), name="dead")
cli.add_typer(jobs_commands(_database), name="jobs")

if __name__ == "__main__":
    cli()

"""`python -m meta_auth serve | provision | migrate | rewrap | check-tokens`."""

import asyncio
from typing import Annotated

import typer

from chassis.failpoints import arm
from chassis.migrating import migrate as migrate_schema
from chassis.provision import provision_from
from chassis.server import serve as serve_app
from chassis.telemetry import setup_logs, setup_telemetry
from meta_auth import commands
from meta_auth.app import create_app
from meta_auth.settings import Settings

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def serve() -> None:
    """Serve the internal API until told to stop."""
    settings = Settings.load()
    setup_telemetry("meta-auth", settings)
    arm(settings)
    serve_app(create_app(settings), settings, port=settings.port)


@cli.command()
def provision() -> None:
    """Create the schema and its roles, or refresh their passwords, as the administrator."""
    provision_from(Settings.load())


@cli.command()
def migrate() -> None:
    """Bring the schema `meta_auth` up to date, as its owner."""
    settings = Settings.load()
    setup_logs("meta-auth", settings)
    migrate_schema(settings.migration_url, package="meta_auth")


@cli.command()
def rewrap(
    *, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the rows on old keys.")] = False
) -> None:
    """Put all tokens under TOKEN_KEY_ID, while the service works; safe to stop and to repeat."""
    settings = Settings.load()
    setup_logs("meta-auth", settings)
    raise typer.Exit(asyncio.run(commands.rewrap_tokens(settings, dry_run=dry_run)))


@cli.command("check-tokens")
def check_tokens() -> None:
    """Ask Meta about every token now, without waiting for its daily turn."""
    settings = Settings.load()
    setup_logs("meta-auth", settings)
    raise typer.Exit(asyncio.run(commands.check_all_tokens(settings)))


if __name__ == "__main__":
    cli()

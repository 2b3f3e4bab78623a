"""`python -m meta_auth serve | migrate`."""

import typer
import uvicorn

from chassis.database import migrate as migrate_schema
from chassis.failpoints import arm
from chassis.telemetry import setup_telemetry
from meta_auth.app import create_app
from meta_auth.settings import Settings

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def serve() -> None:
    """Serve the internal API until told to stop."""
    settings = Settings.load()
    setup_telemetry("meta-auth", settings)
    arm(settings)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )


@cli.command()
def migrate() -> None:
    """Bring the schema `meta_auth` up to date, as its owner."""
    settings = Settings.load()
    setup_telemetry("meta-auth", settings)
    migrate_schema(settings.migration_url, package="meta_auth")


if __name__ == "__main__":
    cli()

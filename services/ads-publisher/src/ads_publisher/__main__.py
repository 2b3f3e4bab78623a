"""`python -m ads_publisher run | migrate`."""

import typer
import uvicorn

from ads_publisher.settings import Settings
from ads_publisher.worker import create_app
from chassis.database import migrate as migrate_schema

cli = typer.Typer(help="The publisher: the only process that changes anything at Meta.", no_args_is_help=True)


@cli.command()
def run() -> None:
    """Consume and publish until stopped."""
    settings = Settings.load()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
    )


@cli.command()
def migrate() -> None:
    """Bring schema `ads_publisher` up to date."""
    migrate_schema(Settings.load().migration_url, package="ads_publisher")


if __name__ == "__main__":
    cli()

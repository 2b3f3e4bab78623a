"""`python -m gateway serve | migrate`."""

import typer
import uvicorn

from chassis.database import migrate as migrate_database
from chassis.failpoints import arm
from chassis.telemetry import setup_telemetry
from gateway.app import create_app
from gateway.settings import GatewaySettings

DRAIN_SECONDS = 5
"""Requests that are running get this long to end when the process is told to stop."""

cli = typer.Typer(help="The HTTP contract.", add_completion=False, no_args_is_help=True)


@cli.command()
def serve() -> None:
    """Serve HTTP on HOST and PORT."""
    settings = GatewaySettings.load()
    setup_telemetry("gateway", settings)
    arm(settings)
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    uvicorn.Server(config).run()


@cli.command()
def migrate() -> None:
    """Bring the schema up to date, with the owner's role."""
    settings = GatewaySettings.load()
    setup_telemetry("gateway", settings)
    migrate_database(settings.migration_url, package="gateway")


if __name__ == "__main__":
    cli()

"""`python -m gateway serve | provision | migrate | runs ... | dead ...`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import typer
from redis.asyncio import Redis

from chassis.database import migrate as migrate_database
from chassis.dead_commands import dead_commands
from chassis.dead_letters import DeadLetters, DeadStreams
from chassis.failpoints import arm
from chassis.provision import provision_from
from chassis.server import serve as serve_app
from chassis.telemetry import setup_logs, setup_telemetry
from contracts.events import CONNECTIONS_STREAM, RESULTS_STREAM
from gateway import run_commands
from gateway.app import create_app
from gateway.settings import GatewaySettings

cli = typer.Typer(help="The HTTP contract.", add_completion=False, no_args_is_help=True)


@cli.command()
def serve() -> None:
    """Serve HTTP on HOST and PORT."""
    settings = GatewaySettings.load()
    setup_telemetry("gateway", settings, keeps_failed=True)
    arm(settings)
    serve_app(create_app(settings), settings, port=settings.port, trusted_proxies=settings.trusted_proxies)


@cli.command()
def provision() -> None:
    """Create the schema and its two roles, or refresh their passwords, as the administrator."""
    provision_from(GatewaySettings.load())


@cli.command()
def migrate() -> None:
    """Bring the schema up to date, with the owner's role."""
    settings = GatewaySettings.load()
    setup_logs("gateway", settings)
    migrate_database(settings.migration_url, package="gateway")


@asynccontextmanager
async def _dead_letters() -> AsyncIterator[Sequence[DeadLetters]]:
    settings = GatewaySettings.load()
    async with Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=5) as redis:
        yield (DeadStreams(redis, (RESULTS_STREAM, CONNECTIONS_STREAM)),)


cli.add_typer(run_commands.cli, name="runs")
cli.add_typer(dead_commands(_dead_letters), name="dead")

if __name__ == "__main__":
    cli()

"""`python -m gateway serve | migrate | dead ...`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import typer
import uvicorn
from redis.asyncio import Redis

from chassis.database import migrate as migrate_database
from chassis.dead_commands import dead_commands
from chassis.dead_letters import DeadLetters, DeadStreams
from chassis.failpoints import arm
from chassis.telemetry import setup_telemetry
from contracts.events import CONNECTIONS_STREAM, RESULTS_STREAM
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


@asynccontextmanager
async def _dead_letters() -> AsyncIterator[Sequence[DeadLetters]]:
    settings = GatewaySettings.load()
    async with Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=5) as redis:
        yield (DeadStreams(redis, (RESULTS_STREAM, CONNECTIONS_STREAM)),)


cli.add_typer(dead_commands(_dead_letters), name="dead")

if __name__ == "__main__":
    cli()

"""`python -m ads_publisher run | provision | migrate | dead ...`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import typer
from redis.asyncio import Redis

from ads_publisher.dead_jobs import DeadJobs
from ads_publisher.settings import Settings
from ads_publisher.worker import create_app
from chassis.database import create_pool
from chassis.database import migrate as migrate_schema
from chassis.dead_commands import dead_commands
from chassis.dead_letters import DeadLetters, DeadStreams
from chassis.provision import provision_from
from chassis.server import serve
from contracts.events import PUBLISH_STREAM

cli = typer.Typer(help="The publisher: the only process that changes anything at Meta.", no_args_is_help=True)


@cli.command()
def run() -> None:
    """Consume and publish until stopped."""
    settings = Settings.load()
    serve(create_app(settings), settings, port=settings.port)


@cli.command()
def provision() -> None:
    """Create the schema and its two roles, or refresh their passwords, as the administrator."""
    provision_from(Settings.load())


@cli.command()
def migrate() -> None:
    """Bring schema `ads_publisher` up to date."""
    migrate_schema(Settings.load().migration_url, package="ads_publisher")


@asynccontextmanager
async def _dead_letters() -> AsyncIterator[Sequence[DeadLetters]]:
    settings = Settings.load()
    async with (
        Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=5) as redis,
        await create_pool(settings.database_url.get_secret_value(), name="dead-letters", size=2) as pool,
    ):
        yield DeadStreams(redis, (PUBLISH_STREAM,)), DeadJobs(pool, settings.mode)


cli.add_typer(dead_commands(_dead_letters), name="dead")

if __name__ == "__main__":
    cli()

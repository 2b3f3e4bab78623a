"""`python -m gateway serve | provision | migrate | runs ... | dead ... | audit ...`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import typer
from redis.asyncio import Redis

from chassis.database import Pool, across_customers, create_pool
from chassis.dead_commands import dead_commands
from chassis.dead_letters import DeadLetter, DeadLetters, DeadStreams
from chassis.failpoints import arm
from chassis.migrating import migrate as migrate_database
from chassis.provision import provision_from
from chassis.server import serve as serve_app
from chassis.telemetry import setup_logs, setup_telemetry
from contracts.events import CONNECTIONS_STREAM, RESULTS_STREAM
from gateway import audit_commands, run_commands
from gateway.app import create_app
from gateway.settings import GatewaySettings
from gateway.store.audit import add_audit_entry

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
    """Create the schema and its roles, or refresh their passwords, as the administrator."""
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
    async with (
        Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=5) as redis,
        await create_pool(settings.database_url.get_secret_value(), name="gateway-cli", size=2) as pool,
    ):
        yield (DeadStreams(redis, (RESULTS_STREAM, CONNECTIONS_STREAM), note=partial(_note, pool)),)


async def _note(pool: Pool, letter: DeadLetter) -> None:
    async with across_customers(pool) as conn:
        await add_audit_entry(
            conn,
            "operator_dead_replay",
            customer_id=letter.customer(),
            actor="operator",
            target=letter.id,
            place=letter.place,
        )


cli.add_typer(audit_commands.cli, name="audit")
cli.add_typer(run_commands.cli, name="runs")
cli.add_typer(dead_commands(_dead_letters), name="dead")

if __name__ == "__main__":
    cli()

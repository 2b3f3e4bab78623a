"""What the database needs before the services start: itself, their schemas and roles, their migrations."""

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

import asyncpg

from chassis.provision import provision
from local_stack.credentials import SERVICES, Credentials
from local_stack.process import Child, ChildFailedError
from local_stack.servers import EmbeddedPostgres
from local_stack.services import DATABASE, Service

_MIGRATION_SECONDS = 120.0


async def provision_all(postgres: EmbeddedPostgres, credentials: Credentials) -> None:
    """Create the database, and the schema and roles of every service, as far as they are missing."""
    connection = await asyncpg.connect(postgres.admin_url)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()
    for service in SERVICES:
        await provision(
            postgres.url(DATABASE),
            service=service,
            password=credentials.role_passwords[service],
            owner_password=credentials.role_passwords[f"{service}_owner"],
        )


async def migrate_all(services: Iterable[Service], *, log_path: Callable[[str], Path]) -> None:
    """Run the migrations of all services side by side.

    Raises:
        ChildFailedError: one failed or took longer than two minutes; the text shows its last lines.
    """
    migrations = [
        Child(
            f"{service.name} migrate",
            service.migrate_argv,
            log_path=log_path(f"{service.name}-migrate"),
            env=service.env,
        )
        for service in services
        if service.migrate_argv
    ]
    for migration in migrations:
        migration.spawn()
    try:
        await asyncio.gather(
            *(asyncio.to_thread(migration.ended_within, _MIGRATION_SECONDS) for migration in migrations)
        )
    finally:
        for migration in migrations:
            migration.kill()
    for migration in migrations:
        if migration.returncode != 0:
            raise ChildFailedError(f"{migration.name} {migration.ending()}.\n{migration.last_lines()}")

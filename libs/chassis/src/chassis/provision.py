"""One-time set-up of a service's room in Postgres: its schema and its roles.

`<service>_owner` owns the schema and runs migrations; `<service>` serves requests and may only read
and write rows, within a transaction those of one customer. For work that belongs to no customer it turns
into `<service>_jobs`, which nobody can log in as. No role sees another service's schema.
"""

import asyncio
from urllib.parse import unquote, urlsplit

import asyncpg

from chassis.database import JOBS_SUFFIX
from chassis.settings import ServiceSettings


def provision_from(settings: ServiceSettings) -> None:
    """Provision the room that `settings` point at: names and passwords are those of its two addresses.

    Raises:
        ValueError: an address is missing, or the two do not belong to one service; the text says which.
    """
    if settings.admin_database_url is None or settings.migration_database_url is None:
        raise ValueError("provision needs ADMIN_DATABASE_URL and MIGRATION_DATABASE_URL")
    serving = urlsplit(settings.database_url.get_secret_value())
    owner = urlsplit(settings.migration_database_url.get_secret_value())
    if not (serving.username and serving.password and owner.password):
        raise ValueError("DATABASE_URL and MIGRATION_DATABASE_URL must name a role and its password")
    if owner.username != f"{serving.username}_owner":
        raise ValueError(f"MIGRATION_DATABASE_URL must use the role {serving.username}_owner")
    asyncio.run(
        provision(
            settings.admin_database_url.get_secret_value(),
            service=serving.username,
            password=unquote(serving.password),
            owner_password=unquote(owner.password),
        )
    )


async def provision(admin_url: str, *, service: str, password: str, owner_password: str) -> None:
    """Create or refresh schema and roles of `service`. Safe to run again; passwords are set each time."""
    owner, jobs = f"{service}_owner", f"{service}{JOBS_SUFFIX}"
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction():
            # Two services may be provisioned at once; creating roles is not safe against that.
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('provision'))")
            await _login_role(connection, owner, owner_password)
            await _login_role(connection, service, password)
            await _jobs_role(connection, jobs, service)
            database = await connection.fetchval("SELECT current_database()")
            if not await _is_superuser(connection):
                # The administrator of a managed Postgres may act for a role only as its member.
                await connection.execute(f'GRANT "{owner}" TO CURRENT_USER')
            defaults = f'ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" IN SCHEMA "{service}"'
            for statement in (
                f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC',
                f'GRANT CONNECT ON DATABASE "{database}" TO "{service}", "{owner}"',
                "REVOKE ALL ON SCHEMA public FROM PUBLIC",
                f'CREATE SCHEMA IF NOT EXISTS "{service}" AUTHORIZATION "{owner}"',
                f'GRANT USAGE ON SCHEMA "{service}" TO "{service}", "{jobs}"',
                f'{defaults} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{service}", "{jobs}"',
                f'{defaults} GRANT USAGE, SELECT ON SEQUENCES TO "{service}", "{jobs}"',
                # In a schema from before there was this role.
                f'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "{service}" TO "{jobs}"',
                f'GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA "{service}" TO "{jobs}"',
                f'ALTER ROLE "{service}" SET search_path = "{service}"',
                f'ALTER ROLE "{owner}" SET search_path = "{service}"',
            ):
                await connection.execute(statement)
    finally:
        await connection.close()


async def _login_role(connection: "asyncpg.Connection[asyncpg.Record]", name: str, password: str) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f'CREATE ROLE "{name}" LOGIN')
    # ALTER ROLE takes no parameters: let Postgres itself quote the password. Only a superuser may name these
    # two attributes, even to deny them; roles that another administrator made have neither.
    denied = " NOSUPERUSER NOBYPASSRLS" if await _is_superuser(connection) else ""
    statement = await connection.fetchval(
        f"SELECT format('ALTER ROLE %I LOGIN{denied} PASSWORD %L', $1::text, $2::text)", name, password
    )
    await connection.execute(statement)


async def _jobs_role(connection: "asyncpg.Connection[asyncpg.Record]", name: str, service: str) -> None:
    """Make the role that sees all customers, and let the serving role turn into it, on purpose only.

    Policies count for whoever inherits a role. So the serving role inherits nothing: from Postgres 16 on
    that is a property of the grant, which follows from the role's own when it is made.
    """
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f'CREATE ROLE "{name}" NOLOGIN')
    await connection.execute(f'ALTER ROLE "{service}" NOINHERIT')
    await connection.execute(f'GRANT "{name}" TO "{service}"')
    if await connection.fetchval("SELECT pg_has_role($1, $2, 'USAGE')", service, name):
        raise ValueError(f"the role {service} inherits {name}: revoke that grant, then provision again")


async def _is_superuser(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    return bool(await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))

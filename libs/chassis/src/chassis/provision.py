"""One-time set-up of a service's room in Postgres: its schema and its two login roles.

`<service>_owner` owns the schema and runs migrations; `<service>` serves requests and may only read
and write rows. No role sees another service's schema.
"""

import asyncpg


async def provision(admin_url: str, *, service: str, password: str, owner_password: str) -> None:
    """Create or refresh schema and roles of `service`. Safe to run again; passwords are set each time."""
    owner = f"{service}_owner"
    connection = await asyncpg.connect(admin_url)
    try:
        async with connection.transaction():
            # Two services may be provisioned at once; creating roles is not safe against that.
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('provision'))")
            await _login_role(connection, owner, owner_password)
            await _login_role(connection, service, password)
            database = await connection.fetchval("SELECT current_database()")
            defaults = f'ALTER DEFAULT PRIVILEGES FOR ROLE "{owner}" IN SCHEMA "{service}"'
            for statement in (
                f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC',
                f'GRANT CONNECT ON DATABASE "{database}" TO "{service}", "{owner}"',
                "REVOKE ALL ON SCHEMA public FROM PUBLIC",
                f'CREATE SCHEMA IF NOT EXISTS "{service}" AUTHORIZATION "{owner}"',
                f'GRANT USAGE ON SCHEMA "{service}" TO "{service}"',
                f'{defaults} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{service}"',
                f'{defaults} GRANT USAGE, SELECT ON SEQUENCES TO "{service}"',
                f'ALTER ROLE "{service}" SET search_path = "{service}"',
                f'ALTER ROLE "{owner}" SET search_path = "{service}"',
            ):
                await connection.execute(statement)
    finally:
        await connection.close()


async def _login_role(connection: "asyncpg.Connection[asyncpg.Record]", name: str, password: str) -> None:
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
        await connection.execute(f'CREATE ROLE "{name}" LOGIN')
    # ALTER ROLE takes no parameters: let Postgres itself quote the password.
    statement = await connection.fetchval(
        "SELECT format('ALTER ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD %L', $1::text, $2::text)",
        name,
        password,
    )
    await connection.execute(statement)

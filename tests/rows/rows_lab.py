"""A database with all three schemas, and a row of two customers in each table that has any."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from alembic import command
from alembic.config import Config

from chassis.migrating import migrate
from chassis.provision import provision

PACKAGES: Final = {
    "gateway_rows": "gateway",
    "meta_auth_rows": "meta_auth",
    "ads_publisher_rows": "ads_publisher",
}
"""Schema, and with it the names of its roles, which belong to the whole server; and whose it is."""
MANAGED: Final = "managed_rows"

OWNER_COLUMN: Final = {
    "gateway_rows": {
        "customers": "id",
        "users": "customer_id",
        "sessions": "user_id",
        "password_resets": "user_id",
        "ad_settings": "customer_id",
        "ad_runs": "customer_id",
        "ad_run_steps": "run_id",
        "meta_ad_objects": "customer_id",
        "idempotency_keys": "customer_id",
        "meta_connections_view": "customer_id",
        "audit_log": "customer_id",
        "erasures": "customer_id",
    },
    "meta_auth_rows": {
        "meta_connections": "customer_id",
        "oauth_states": "customer_id",
        "meta_people": "customer_id",
    },
    "ads_publisher_rows": {
        "publish_jobs": "customer_id",
        "publish_attempts": "customer_id",
        "meta_calls": "job_id",
        "erasures": "customer_id",
    },
}
"""Every table whose rows are a customer's, and the column by which they are."""
WRITE_ONLY: Final = "the serving role adds events and reads none; whose they are is written inside of them"
UNPROTECTED: Final = {
    "gateway_rows": {
        "inbox": "ids of events, nothing of anybody",
        "audit_seals": "hashes alone; the serving role has no right to it",
        "login_attempts": "counts tries for any address, whether or not a customer has it; digests only",
        "known_addresses": "where an account's owner has logged in, for counting tries; digests only",
        "alembic_version": "Alembic's own",
    },
    "meta_auth_rows": {
        "deletion_requests": "a person asks by the code alone; no customer is noted",
        "alembic_version": "Alembic's own",
    },
    "ads_publisher_rows": {
        "account_pauses": "until when Meta must not be called; customers may share an ad account",
        "alembic_version": "Alembic's own",
    },
}
"""Every other table, and why nobody needs to be kept from it."""

_SEED: Final = {
    "gateway_rows": """
        INSERT INTO customers (id, name) VALUES (:id, 'Ada');
        INSERT INTO users (id, customer_id, email, name, password_hash) VALUES (:id, :id, :text, '', '');
        INSERT INTO sessions (token_hash, user_id, expires_at) VALUES (:text, :id, now() + interval '1 day');
        INSERT INTO password_resets (token_hash, user_id, expires_at) VALUES (:text, :id, now());
        INSERT INTO erasures (customer_id, before) VALUES (:id, now());
        INSERT INTO ad_settings (id, customer_id, geo_mode, formats, cta_type, status)
        VALUES (:id, :id, 'radius', '{}', '', 'ready');
        INSERT INTO ad_runs (id, customer_id, job_id, job_type, trigger, status, ring_at)
        VALUES (:id, :id, :id, 'publish', 'manual', 'queued', now());
        INSERT INTO ad_run_steps (run_id, version, type, message, at, data)
        VALUES (:id, 1, 'RUN_STARTED', '', now(), '{}');
        INSERT INTO meta_ad_objects (id, customer_id, status) VALUES (:id, :id, 'draft');
        INSERT INTO idempotency_keys (customer_id, key, route, fingerprint, status, response)
        VALUES (:id, 'k', 'publish', 'f', 201, '{}');
        INSERT INTO meta_connections_view (customer_id, version, status) VALUES (:id, 1, 'connected');
        INSERT INTO audit_log (customer_id, action, result, detail) VALUES (:id, 'login', 'ok', '{}');
    """,
    "meta_auth_rows": """
        INSERT INTO meta_connections (id, customer_id, version, token_version, status, is_placeholder,
                                      selected_ad_account_id)
        VALUES (:id, :id, 1, 1, 'connected', true, 'act_1');
        INSERT INTO oauth_states (state_hash, customer_id, user_id, session_hash, expires_at, outcome)
        VALUES (:text, :id, :id, '', now() + interval '1 day', 'connected');
        INSERT INTO meta_people (person_hash, customer_id) VALUES ('person', :id);
    """,
    "ads_publisher_rows": """
        INSERT INTO publish_jobs (id, run_id, customer_id, kind, lane, request)
        VALUES (:id, :id, :id, 'publish', :text, '{}');
        INSERT INTO publish_attempts (job_id, run_id, customer_id, ad_account_id, step, number, fence,
                                      proof_time, not_before, look_at, outcome, object_id)
        VALUES (:id, :id, :id, 'act_1', 'campaign', 1, 1, 0, now(), now(), 'created', '11');
        INSERT INTO meta_calls (job_id, at, method, path, params, duration_ms)
        VALUES (:id, now(), 'GET', '/', '{}', 1);
        INSERT INTO erasures (customer_id, before) VALUES (:id, now());
    """,
}
"""A row of everything; each id is the customer's, so that it shows whose a row is."""
_EVENT: Final = "INSERT INTO outbox (event_id, stream, subject, body) VALUES (:id, 's', :text, '')"


@dataclass(frozen=True, kw_only=True)
class Lab:
    """One database with the rooms of all services, provisioned by an administrator who is no superuser."""

    superuser_url: str

    def url(self, role: str, password: str | None = None) -> str:
        parts = urlsplit(self.superuser_url)
        return f"postgresql://{role}:{password or role}@{parts.hostname}:{parts.port}{parts.path}"

    async def provision(self, schema: str) -> None:
        await provision(self.url(MANAGED), service=schema, password=schema, owner_password=f"{schema}_owner")

    async def migrate(self, schema: str, revision: str = "head", *, package: str | None = None) -> None:
        """Migrate with the service's own command, or no further than some revision."""
        url, package = self.url(f"{schema}_owner"), package or PACKAGES[schema]
        if revision == "head":
            await asyncio.to_thread(migrate, url, package=package)
            return
        config = Config()
        config.set_main_option("script_location", f"{package}:migrations")
        config.attributes["url"] = url
        await asyncio.to_thread(command.upgrade, config, revision)

    async def connect(self, schema: str | None = None, **settings: str) -> Any:
        """A session of a serving role, or, without one, of the superuser."""
        if schema is None:
            return await asyncpg.connect(self.superuser_url, server_settings=settings)
        return await asyncpg.connect(self.url(schema), server_settings=settings)

    async def seed(self, schema: str, customer: Any) -> None:
        """Give a customer a row in each table that there is at this revision."""
        connection = await self.connect(search_path=schema)
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", schema)
        known = {row["tablename"] for row in tables}
        statements = [line for line in (_SEED[schema] + _EVENT).split(";") if line.strip()]
        seed = ";".join(line for line in statements if line.split()[2] in known)
        await connection.execute(seed.replace(":id", f"'{customer}'::uuid").replace(":text", f"'{customer}'"))
        await connection.close()


async def make_lab(superuser_url: str) -> Lab:
    """Let an administrator as managed Postgres has one own an empty database."""
    lab = Lab(superuser_url=superuser_url)
    admin = await lab.connect()
    if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", MANAGED):
        await admin.execute(f"CREATE ROLE {MANAGED} LOGIN CREATEROLE PASSWORD '{MANAGED}'")
    await admin.execute(f'ALTER DATABASE "{urlsplit(superuser_url).path[1:]}" OWNER TO {MANAGED}')
    await admin.close()
    return lab


async def make_lab_of_before(superuser_url: str, schema: str, *, package: str | None = None) -> Lab:
    """Make a database at the revision before row security, as the provision of that time left it."""
    lab = await make_lab(superuser_url)
    await lab.provision(schema)
    await lab.migrate(schema, "0002", package=package)
    admin = await lab.connect()
    await admin.execute(
        f"DROP OWNED BY {schema}_jobs; REVOKE {schema}_jobs FROM {schema} GRANTED BY {MANAGED};"
        f" ALTER ROLE {schema} INHERIT"
    )
    await admin.close()
    return lab

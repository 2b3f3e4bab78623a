"""Customers by the thousand: one is set up through the public interface, the others are copies of it in SQL.

Signing up hashes a password and connecting is a visit to a dialog: slow, and not what is measured.
Every customer has a session, settings and an ad account, which the sandbox knows unless told otherwise.
"""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import httpx
from pydantic import SecretStr

from local_stack.customer import DEMO_SETTINGS, Customer
from local_stack.services import DATABASE
from local_stack.stack import Stack
from meta_auth.vault import Place, SealedToken, Vault

PERSONA = "ben"


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """A customer who can press Publish now."""

    customer_id: UUID
    user_id: UUID
    session: str
    account: str

    @property
    def headers(self) -> dict[str, str]:
        """What each of their requests carries."""
        return {"cookie": f"session={self.session}", "x-customer-id": str(self.customer_id)}


async def seed(stack: Stack, count: int, *, at_sandbox: bool = True) -> list[Seeded]:
    """Make so many new customers, each with an ad account that nobody has published to.

    Where calls do not go to the sandbox it needs only the first account: it lists no more than 10,000.
    """
    async with httpx.AsyncClient(base_url=stack.sandbox_url, trust_env=False, timeout=30) as sandbox:
        path = f"/_sandbox/personas/{PERSONA}/accounts"
        accounts = (
            (await sandbox.post(path, json={"count": count if at_sandbox else 1}))
            .raise_for_status()
            .json()["data"]
        )
    async with Customer(stack.gateway_url) as original:
        await original.sign_up_or_log_in(f"bench-{uuid4().hex}@example.com", secrets.token_urlsafe(12))
        await original.connect(persona=PERSONA)
        await original.post("/meta/ad-accounts/select", {"adAccountId": accounts[0]})
        await original.post("/ads/settings", DEMO_SETTINGS)
        original_id = UUID(original.customer_id)
    accounts += [f"act_{uuid4().int % 10**15}" for _ in range(count - len(accounts))]
    seeded = [
        Seeded(customer_id=uuid4(), user_id=uuid4(), session=secrets.token_urlsafe(32), account=account)
        for account in accounts
    ]
    connection = await asyncpg.connect(stack.postgres.url(DATABASE))
    try:
        async with connection.transaction():
            await _copy_gateway(connection, original_id, seeded)
            await _copy_connection_views(connection, original_id, seeded)
            await _copy_connections(connection, original_id, seeded, _vault(stack))
    finally:
        await connection.close()
    return seeded


async def _copy_gateway(
    connection: "asyncpg.Connection[asyncpg.Record]", original: UUID, seeded: list[Seeded]
) -> None:
    password_hash = await connection.fetchval(
        "SELECT password_hash FROM gateway.users WHERE customer_id = $1", original
    )
    ids = [one.customer_id for one in seeded]
    users = [one.user_id for one in seeded]
    await connection.execute(
        "INSERT INTO gateway.customers (id, name) SELECT id, 'Bench' FROM unnest($1::uuid[]) AS id", ids
    )
    await connection.execute(
        """
        INSERT INTO gateway.users (id, customer_id, email, name, password_hash)
        SELECT id, customer, id || '@example.com', 'Bench', $3
        FROM unnest($1::uuid[], $2::uuid[]) AS copied(id, customer)
        """,
        users,
        ids,
        password_hash,
    )
    await connection.execute(
        "INSERT INTO gateway.sessions (token_hash, user_id, expires_at)"
        " SELECT hash, id, now() + interval '1 day' FROM unnest($1::text[], $2::uuid[]) AS n(hash, id)",
        [hashlib.sha256(one.session.encode()).hexdigest() for one in seeded],
        users,
    )
    await connection.execute(
        """
        INSERT INTO gateway.ad_settings (id, customer_id, geo_mode, geo_center_text, geo_radius_km, formats,
                                         cta_type, budget_override, status)
        SELECT gen_random_uuid(), copied.customer, geo_mode, geo_center_text, geo_radius_km, formats,
               cta_type, budget_override, status
        FROM gateway.ad_settings, unnest($2::uuid[]) AS copied(customer) WHERE customer_id = $1
        """,
        original,
        ids,
    )


async def _copy_connection_views(
    connection: "asyncpg.Connection[asyncpg.Record]", original: UUID, seeded: list[Seeded]
) -> None:
    """What the gateway knows of the connection: with it a run begins in the lane of its ad account."""
    await connection.execute(
        """
        INSERT INTO gateway.meta_connections_view
            (customer_id, version, status, meta_user_id, ad_account_id, currency, min_daily_budget_minor)
        SELECT copied.customer, version, status, meta_user_id, copied.account, currency,
               min_daily_budget_minor
        FROM gateway.meta_connections_view, unnest($2::uuid[], $3::text[]) AS copied(customer, account)
        WHERE customer_id = $1
        """,
        original,
        [one.customer_id for one in seeded],
        [one.account for one in seeded],
    )


async def _copy_connections(
    connection: "asyncpg.Connection[asyncpg.Record]", original: UUID, seeded: list[Seeded], vault: Vault
) -> None:
    """A sealed token opens in its own row only, so each copy is sealed anew."""
    row = await connection.fetchrow(
        "SELECT * FROM meta_auth.meta_connections WHERE customer_id = $1", original
    )
    assert row is not None
    sealed = SealedToken(key_id=row["key_id"], wrapped_key=row["wrapped_key"], ciphertext=row["sealed_token"])
    token = vault.open(sealed, Place(customer_id=original, row_id=row["id"]))
    rows = []
    for one in seeded:
        place = Place(customer_id=one.customer_id, row_id=uuid4())
        again = vault.seal(token, place)
        changes = {
            "id": place.row_id,
            "customer_id": one.customer_id,
            "selected_ad_account_id": one.account,
            "sealed_token": again.ciphertext,
            "wrapped_key": again.wrapped_key,
            "key_id": again.key_id,
        }
        rows.append(tuple({**dict(row), **changes}.values()))
    await connection.copy_records_to_table(
        "meta_connections", schema_name="meta_auth", columns=list(row.keys()), records=rows
    )


def _vault(stack: Stack) -> Vault:
    credentials = stack.credentials
    keys = {name: SecretStr(key) for name, key in credentials.token_keys.items()}
    return Vault(keys=keys, key_id=credentials.token_key_id)

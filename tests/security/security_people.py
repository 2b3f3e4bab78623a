"""Two customers with something to lose, and the bytes by which their data is recognised anywhere."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import uuid4

import asyncpg
import httpx
from e2e_driver import Advertiser, Sandbox
from e2e_system import System, database_url
from security_requests import Ask

Unharmed = Callable[[Ask, httpx.Response], Awaitable[None]]
SCHEMAS = ("gateway", "meta_auth", "ads_publisher")


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """A customer who has published once, and every byte string that belongs to them alone."""

    customer: Advertiser
    user_id: str
    run_id: str
    objects: Mapping[str, str]
    """What requests may name, by the name that it has there."""
    secrets: frozenset[str] = field(repr=False)

    @property
    def customer_id(self) -> str:
        return self.customer.customer_id

    @property
    def cookie(self) -> str:
        """The session as a header."""
        return f"session={self.customer.session}"

    def leaks_in(self, answer: bytes, *, sent: str) -> list[str]:
        """What of theirs an answer shows, beside what the request named itself."""
        text = answer.decode("latin-1")
        return sorted(secret for secret in self.secrets if secret in text and secret not in sent)


async def establish(
    customer: Advertiser, sandbox: Sandbox, *, persona: str, account: str, planted: str
) -> Tenant:
    """Sign up, connect, publish for real; `planted` is a word that is nowhere else."""
    await customer.sign_up()
    await customer.connect(persona=persona)
    await customer.select(account)
    await customer.save(geoCenterText=planted)
    await sandbox.name_owner(account)
    run = await customer.publish_to_success()
    me = await customer.get("/auth/me")
    status = await customer.status()
    objects = await customer.get("/ads/objects")
    meta = await customer.get("/meta/status")
    return Tenant(
        customer=customer,
        user_id=me["userId"],
        run_id=run["id"],
        objects={
            "run_id": run["id"],
            "before": run["id"],
            "adAccountId": account,
            **await _own_session(customer),
        },
        secrets=frozenset(
            {
                planted,
                customer.email,
                customer.customer_id,
                customer.session,
                me["userId"],
                account,
                run["id"],
                run["jobId"],
                run["traceId"],
                status["settings"]["id"],
                objects["id"],
                objects["campaignId"],
                objects["adsetId"],
                meta["metaUserId"],
            }
        ),
    )


async def _own_session(customer: Advertiser) -> dict[str, str]:
    """The id by which the customer may end the session in hand."""
    listed = await customer.request("GET", "/auth/sessions")
    return {"session_id": listed.json()["data"][0]["id"]} if listed.is_success else {}


async def rows_of(stack: System, tenant: Tenant) -> dict[str, list[str]]:
    """Every row of every table that names the customer, the user or the run; but not when they were seen."""
    connection = await asyncpg.connect(database_url(stack))
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY($1)", SCHEMAS
        )
        found: dict[str, list[str]] = {}
        names = [f"%{part}%" for part in (tenant.customer_id, tenant.user_id, tenant.run_id)]
        for schema, table in tables:
            # That somebody was refused is written beside their own name, not into what is the customer's.
            apart = "AND t.action <> 'access'" if table == "audit_log" else ""
            rows = await connection.fetch(
                f'SELECT (to_jsonb(t) - $2)::text AS line FROM "{schema}"."{table}" AS t'
                f" WHERE t::text LIKE ANY($1) {apart} ORDER BY line",
                names,
                "last_seen_at",
            )
            found[f"{schema}.{table}"] = [row["line"] for row in rows]
        return found
    finally:
        await connection.close()


async def expire(stack: System, session_hash: str) -> None:
    """Let the time of a session be over, as its absolute limit does."""
    connection = await asyncpg.connect(database_url(stack))
    try:
        done = await connection.execute(
            "UPDATE gateway.sessions SET expires_at = now() - interval '1 second' WHERE token_hash = $1",
            session_hash,
        )
        assert done == "UPDATE 1"
    finally:
        await connection.close()


def unknown_like(value: str) -> str:
    """An identifier of the same kind that nobody has."""
    return "act_109999999999999" if value.startswith("act_") else str(uuid4())

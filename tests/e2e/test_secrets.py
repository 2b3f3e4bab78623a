"""A token, a password, a session and the app secret are planted, and looked for wherever we write."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest_asyncio
from e2e_collector import Collector
from e2e_driver import PASSWORD, Advertiser, Sandbox, eventually
from e2e_system import System, database_url
from redis.asyncio import Redis

from chassis.service_tokens import TokenSigner
from contracts.internal import Grant
from local_stack.services import ADS_PUBLISHER


@pytest_asyncio.fixture
async def planted(
    stack: System,
    collector: Collector,
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: Callable[[], str],
) -> AsyncIterator[dict[str, str]]:
    """Secrets of a customer who has published well, then badly, and whose token was refused in the end."""
    account = new_account()
    await advertiser.set_up(account)
    await advertiser.publish()
    await sandbox.name_owner(account)
    await advertiser.publish_to_success()
    token = await token_of(stack, advertiser.customer_id)
    await advertiser.get("/meta/debug/smoke")
    await sandbox.arm(
        "error",
        at="before_commit",
        step="adset",
        account=account,
        code=100,
        message=f"Malformed access token {token}",
    )
    await sandbox.delete((await advertiser.get("/ads/objects"))["adsetId"], persona="ben")
    assert (await advertiser.publish())["status"] == "failed"
    await sandbox.arm("revoke_token", at="before_commit", step="adset", account=account)
    assert (await advertiser.publish())["status"] == "failed"
    yield {
        "token for Meta": token,
        "session": advertiser.session,
        "password": PASSWORD,
        "app secret": stack.credentials.app_secret,
        "service key": stack.credentials.service_keys[ADS_PUBLISHER].private,
    }


async def token_of(stack: System, customer_id: str) -> str:
    """The customer's token, asked for as the publisher asks."""
    key = stack.credentials.service_keys[ADS_PUBLISHER].private
    bearer = TokenSigner(service=ADS_PUBLISHER, private_key=key).token(
        audience="meta-auth", customer_id=UUID(customer_id), purpose="grant"
    )
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{stack.meta_auth_url}/internal/connections/{customer_id}/grant",
            headers={"authorization": f"Bearer {bearer}"},
            json={"runId": str(uuid4())},
        )
    token = Grant.model_validate_json(answer.content).access_token
    assert token is not None
    return token.get_secret_value()


def sinks_of_logs(stack: System) -> dict[str, str]:
    logs = stack.logs()
    assert len(logs["gateway"]) > 1000
    assert len(logs["ads-publisher"]) > 1000
    assert len(logs["meta-auth"]) > 100
    return {f"log of {name}": text for name, text in logs.items()}


async def sinks_of_redis(stack: System) -> dict[str, str]:
    async with Redis.from_url(stack.valkey.url) as redis:
        streams = [name async for name in redis.scan_iter(_type="stream")]
        assert b"ads.publish" in streams
        found = {name.decode(): repr(await redis.xrange(name)) for name in streams}
    appended = stack.redis_files()
    assert b"ads.results" in appended
    return {**found, "append only file": appended.decode("latin-1")}


async def sinks_of_postgres(stack: System) -> dict[str, str]:
    """Every row of every table as text, with bytes both as hexadecimal and as they are."""
    connection = await asyncpg.connect(database_url(stack))
    tables = await connection.fetch(
        "SELECT schemaname, tablename FROM pg_tables"
        " WHERE schemaname IN ('gateway', 'meta_auth', 'ads_publisher')"
    )
    assert len(tables) > 15
    found = {}
    for schema, table in tables:
        rows = await connection.fetch(f'SELECT t::text AS line FROM "{schema}"."{table}" AS t')
        found[f"{schema}.{table}"] = "\n".join(row["line"] for row in rows)
    await connection.close()
    return found


async def sinks_of_spans(collector: Collector) -> dict[str, str]:
    """All spans, once those of the last calls to Meta have come."""

    async def exported() -> str:
        return collector.everything().decode("latin-1")

    return {"spans": await eventually(exported, lambda text: "{ad_account}/adsets" in text)}


async def test_no_secret_is_in_a_log_a_stream_a_table_or_a_span(
    planted: dict[str, str], stack: System, collector: Collector
) -> None:
    sinks = {
        **sinks_of_logs(stack),
        **await sinks_of_redis(stack),
        **await sinks_of_postgres(stack),
        **await sinks_of_spans(collector),
    }
    found = [
        f"{secret} in {place}"
        for secret, value in planted.items()
        for place, content in sinks.items()
        if value in content or value.encode().hex() in content
    ]
    assert found == []


async def test_no_answer_of_the_gateway_holds_a_secret(
    planted: dict[str, str], advertiser: Advertiser
) -> None:
    paths = ("/meta/status", "/ads/status", "/ads/runs", "/ads/objects", "/auth/me", "/meta/ad-accounts")
    for path in paths:
        body = (await advertiser.request("GET", path)).text
        assert not [name for name, value in planted.items() if value in body]
    refused = await advertiser.request(
        "POST", "/auth/login", json={"email": 7, "password": planted["password"]}
    )
    assert refused.status_code == 400
    assert planted["password"] not in refused.text

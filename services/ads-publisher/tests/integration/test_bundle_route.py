"""Who is given a bundle by the publisher, and whose."""

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from uuid import UUID, uuid4

import httpx
import pytest_asyncio
from starlette.applications import Starlette

from ads_publisher import store
from ads_publisher.bundle_route import bundle_route
from ads_publisher.settings import Settings
from chassis.database import Pool, transaction
from chassis.service_tokens import TokenSigner, new_key_pair

KEYS = {name: new_key_pair() for name in ("gateway", "meta-auth")}


def bearer(
    customer_id: UUID,
    *,
    service: str = "gateway",
    audience: str = "ads-publisher",
    purpose: str = "bundle",
) -> dict[str, str]:
    signer = TokenSigner(service=service, private_key=KEYS[service][0])
    token = signer.token(audience=audience, customer_id=customer_id, purpose=purpose)
    return {"authorization": f"Bearer {token}"}


@pytest_asyncio.fixture
async def publisher(pool: Pool) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(service_public_keys={name: public for name, (_, public) in KEYS.items()})
    app = Starlette(routes=[bundle_route(settings)])
    app.state.worker = SimpleNamespace(pool=pool)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://publisher") as client:
        yield client


async def a_run(pool: Pool, customer_id: UUID) -> UUID:
    run_id = uuid4()
    async with transaction(pool, customer=customer_id) as connection:
        await store.insert_jobs(
            connection,
            [
                store.NewJob(
                    id=uuid4(),
                    run_id=run_id,
                    customer_id=customer_id,
                    kind="publish",
                    lane="act_1",
                    request={"runId": str(run_id)},
                    traceparent=None,
                )
            ],
        )
    return run_id


async def test_the_gateway_gets_the_bundle_of_its_customer(pool: Pool, publisher: httpx.AsyncClient) -> None:
    customer = uuid4()
    run_id = await a_run(pool, customer)
    answer = await publisher.get(f"/internal/runs/{run_id}/bundle", headers=bearer(customer))
    assert answer.status_code == 200
    assert json.loads(answer.text)["run"]["run_id"] == str(run_id)
    assert str(customer) not in answer.text


async def test_a_foreign_run_looks_like_none(pool: Pool, publisher: httpx.AsyncClient) -> None:
    run_id = await a_run(pool, uuid4())
    answers = [
        await publisher.get(f"/internal/runs/{wanted}/bundle", headers=bearer(uuid4()))
        for wanted in (run_id, uuid4())
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


async def test_a_job_id_is_no_run_id(pool: Pool, publisher: httpx.AsyncClient) -> None:
    customer = uuid4()
    run_id = await a_run(pool, customer)
    async with transaction(pool, customer=customer) as connection:
        job_id = await connection.fetchval("SELECT id FROM publish_jobs WHERE run_id = $1", run_id)
    answer = await publisher.get(f"/internal/runs/{job_id}/bundle", headers=bearer(customer))
    assert answer.status_code == 404


async def test_nobody_but_the_gateway_is_answered(pool: Pool, publisher: httpx.AsyncClient) -> None:
    customer = uuid4()
    path = f"/internal/runs/{await a_run(pool, customer)}/bundle"
    refused = {
        "no token": {},
        "no scheme": {"authorization": bearer(customer)["authorization"].removeprefix("Bearer ")},
        "another service": bearer(customer, service="meta-auth"),
        "another audience": bearer(customer, audience="meta-auth"),
        "another purpose": bearer(customer, purpose="grant"),
        "changed": {"authorization": bearer(customer)["authorization"] + "A"},
    }
    statuses = {
        name: (await publisher.get(path, headers=headers)).status_code for name, headers in refused.items()
    }
    assert statuses == {
        "no token": 401,
        "no scheme": 401,
        "another service": 403,
        "another audience": 401,
        "another purpose": 403,
        "changed": 401,
    }

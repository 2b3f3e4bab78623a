"""Composition root: builds every object of the service, and nothing else does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI
from redis.asyncio import Redis

from chassis.database import Pool, create_pool
from chassis.http import install
from chassis.metrics import MEASURE_SECONDS
from chassis.outbox import Relay
from chassis.periodic import run_forever
from chassis.service_tokens import TokenVerifier
from meta_auth.ad_accounts import AdAccounts
from meta_auth.connecting import Connecting
from meta_auth.connections import Connections
from meta_auth.context import Context
from meta_auth.meta import Meta
from meta_auth.metrics import build_gauges
from meta_auth.platform_duties import ERASE_SECONDS, PlatformDuties
from meta_auth.routes import health, internal
from meta_auth.settings import Settings
from meta_auth.token_checks import ROUND_SECONDS, TokenChecks
from meta_auth.vault import Vault


def create_app(settings: Settings) -> FastAPI:
    """Build the service.

    Raises:
        ValueError: a key in the settings cannot be used.
    """
    vault = Vault(keys=settings.token_keys, key_id=settings.token_key_id)
    verifier = TokenVerifier(audience="meta-auth", public_keys=settings.service_public_keys)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        url = settings.database_url.get_secret_value()
        pool = await create_pool(url, name="meta-auth", size=settings.database_pool_size)
        redis = Redis.from_url(settings.redis_url.get_secret_value())
        meta = Meta(settings)
        app.state.context = _context(
            settings, pool=pool, redis=redis, vault=vault, verifier=verifier, meta=meta
        )
        relay = Relay(database_url=url, redis=redis)
        gauges = build_gauges(pool=pool, relay=relay)
        context: Context = app.state.context
        checks = TokenChecks(pool=pool, connections=context.connections, meta=meta, settings=settings)
        round_seconds = min(ROUND_SECONDS, settings.token_check_interval_seconds)
        jobs = (
            asyncio.create_task(relay.run()),
            asyncio.create_task(run_forever("gauges", gauges.measure, every_seconds=MEASURE_SECONDS)),
            asyncio.create_task(run_forever("checks", checks.check_due, every_seconds=round_seconds)),
            asyncio.create_task(run_forever("erase", context.duties.erase_due, every_seconds=ERASE_SECONDS)),
        )
        try:
            yield
        finally:
            for job in jobs:
                _ = job.cancel()
                with suppress(asyncio.CancelledError):
                    await job
            await meta.aclose()
            await redis.aclose()
            await pool.close()

    # Internal: no documentation pages. The gateway's are the public ones.
    app = FastAPI(
        title="meta-auth",
        lifespan=lifespan,
        openapi_url=None,
        # The chassis makes the one server span; FastAPI's own would double it.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    install(app, body_for=lambda _, error: error.flat_body())
    app.include_router(health)
    app.include_router(internal)
    return app


def _context(
    settings: Settings, *, pool: Pool, redis: Redis, vault: Vault, verifier: TokenVerifier, meta: Meta
) -> Context:
    connections = Connections(pool=pool, vault=vault, meta=meta, settings=settings)
    return Context(
        pool=pool,
        redis=redis,
        verifier=verifier,
        connections=connections,
        connecting=Connecting(pool=pool, vault=vault, meta=meta, connections=connections, settings=settings),
        ad_accounts=AdAccounts(pool=pool, connections=connections, meta=meta),
        duties=PlatformDuties(pool=pool, settings=settings),
    )

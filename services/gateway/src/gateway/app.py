"""Composition root: builds everything that the gateway consists of, and runs its background jobs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.middleware.cors import CORSMiddleware

from chassis.database import Pool, across_customers, create_pool
from chassis.errors import AppError, Internal, MethodNotAllowed, NotFound
from chassis.http import install
from chassis.internal_calls import internal_client
from chassis.metrics import MEASURE_SECONDS
from chassis.outbox import Relay
from chassis.periodic import run_forever
from chassis.security_headers import SecurityHeaders
from chassis.service_tokens import TokenSigner
from contracts.events import RESULTS_STREAM
from gateway import audit_chain, rering
from gateway.accounts import Accounts
from gateway.bundles import Bundles
from gateway.connections import Connections
from gateway.console import console_routes
from gateway.consumers import build_consumers
from gateway.context import Context, Schema
from gateway.doorbell import Doorbell
from gateway.fixed_paths import FixedPaths
from gateway.guard import CUSTOMER_HEADER, GUARD_ERRORS, NotLoggedIn, OriginCheck, not_logged_in_answer
from gateway.mail import mail_from
from gateway.metrics import build_gauges
from gateway.openapi import TITLE, describe
from gateway.overview import StatusPage
from gateway.password_changes import PasswordChanges
from gateway.passwords import Passwords
from gateway.presence import REFRESH_SECONDS, PresenceReader
from gateway.progress import Places
from gateway.publishing import Publishing
from gateway.reset_links import ResetLinks
from gateway.results import Results
from gateway.routes import ads, auth, docs, health, meta, placeholders, platform
from gateway.settings import GatewaySettings
from gateway.store.housekeeping import remove_old_rows
from gateway.throttle import Throttle

VERSION: Final = "0.1.0"
FLAT_FAMILIES: Final = ("/meta/", "/ads/")
NESTED_ERRORS: Final = (*GUARD_ERRORS, MethodNotAllowed, Internal)
RESTART_SECONDS: Final = 1.0
"""A background job that ended unexpectedly begins again after this."""
HOUSEKEEPING_SECONDS: Final = 3600.0
BUNDLE_SECONDS: Final = 10.0
"""A bundle is read from Postgres; it never waits for Meta."""


def create_app(settings: GatewaySettings) -> FastAPI:
    """The gateway as an ASGI application; it connects to Postgres and Redis when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _running(settings) as context:
            app.state.context = context
            yield

    public = settings.environment != "production"
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        lifespan=lifespan,
        redirect_slashes=False,
        openapi_url="/openapi.json" if public else None,
        docs_url=None,  # docs.py has the page, with a policy that lets it load its scripts
        redoc_url=None,
        # The chassis makes the one server span; FastAPI's own would double it, with the query of the OAuth
        # callback (its code) as an attribute.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.openapi = partial(describe, app)  # type: ignore[method-assign]  # FastAPI's own way to replace it
    families = (health, auth, meta, platform, ads, placeholders, *((docs,) if public else ()))
    # As they are: a router that is included compares a request with its routes twice.
    served = [route for family in families for route in family.router.routes]
    app.router.routes.extend([FixedPaths(served), *served])
    if settings.console_dir:
        app.router.routes.extend(console_routes(settings.console_dir))
    install(app, body_for=body_for, form_paths=platform.FORM_PATHS)
    app.add_exception_handler(NotLoggedIn, _on_not_logged_in)
    # Outside of the body limits: what a foreign page sends is refused unread.
    app.add_middleware(
        OriginCheck,
        allowed=frozenset({*settings.allowed_origins, settings.own_origin}),
        open_paths=platform.FORM_PATHS,
    )
    # Outside of all that answers: a browser shows an error answer without these headers as a network error.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.allowed_origins),
        allow_credentials=True,
        allow_methods=["GET", "POST"],
        allow_headers=["content-type", CUSTOMER_HEADER, "idempotency-key", "last-event-id"],
        expose_headers=["x-request-id", "retry-after", "idempotency-replayed"],
    )
    app.add_middleware(SecurityHeaders, https=settings.secure_cookie)
    return app


def body_for(path: str, error: AppError) -> BaseModel:
    """The error body that a path answers with: the frontend reads two shapes."""
    # A plain NotFound is a route that does not exist; what a handler does not find has its own class.
    is_nested = isinstance(error, NESTED_ERRORS) or type(error) is NotFound
    if is_nested or not (path.startswith(FLAT_FAMILIES) or path == "/runs"):
        return error.nested_body()
    return error.flat_body()


async def _on_not_logged_in(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, NotLoggedIn)  # noqa: S101 - what the handler is registered for
    return not_logged_in_answer(request, error)


@asynccontextmanager
async def _running(settings: GatewaySettings) -> AsyncIterator[Context]:
    database_url = settings.database_url.get_secret_value()
    redis_url = settings.redis_url.get_secret_value()
    async with AsyncExitStack() as stack:
        pool = await create_pool(database_url, name="gateway", size=settings.database_pool_size)
        stack.push_async_callback(_close, pool)
        redis = Redis.from_url(redis_url, socket_connect_timeout=1.0)
        stack.push_async_callback(redis.aclose)
        client = internal_client(settings.meta_auth_url, timeout_seconds=settings.meta_auth_timeout_seconds)
        stack.push_async_callback(client.aclose)
        publisher = internal_client(settings.ads_publisher_url, timeout_seconds=BUNDLE_SECONDS)
        stack.push_async_callback(publisher.aclose)
        results = Results(pool=pool, ring_seconds=settings.rering_after_seconds)
        presence = PresenceReader(redis=redis)
        signer = TokenSigner(service="gateway", private_key=settings.service_private_key.get_secret_value())
        accounts, password_changes = _accounts(settings, pool)
        stack.push_async_callback(password_changes.close)
        context = Context(
            settings=settings,
            pool=pool,
            redis=redis,
            relay=Relay(database_url=database_url, redis=redis),
            consumers=build_consumers(redis_url=redis_url, redis=redis, pool=pool, results=results),
            accounts=accounts,
            password_changes=password_changes,
            connections=Connections(client=client, signer=signer, pool=pool),
            publishing=Publishing(pool=pool, settings=settings),
            bundles=Bundles(client=publisher, signer=signer),
            presence=presence,
            status_page=StatusPage(
                pool=pool, presence=presence, standard_budget=settings.default_monthly_budget
            ),
            doorbell=Doorbell(database_url=database_url),
            places=Places(in_all=settings.event_streams, per_customer=settings.event_streams_per_customer),
            schema=Schema.of_this_code(),
        )
        await presence.refresh()
        jobs = _start_jobs(context)
        stack.push_async_callback(_stop_jobs, jobs)
        yield context


def _accounts(settings: GatewaySettings, pool: Pool) -> tuple[Accounts, PasswordChanges]:
    passwords = Passwords()
    throttle = Throttle(pool=pool, settings=settings)
    accounts = Accounts(pool=pool, passwords=passwords, throttle=throttle, settings=settings)
    password_changes = PasswordChanges(
        pool=pool,
        accounts=accounts,
        passwords=passwords,
        throttle=throttle,
        links=ResetLinks(
            app_url=settings.app_url, private_key=settings.service_private_key.get_secret_value()
        ),
        mail=mail_from(settings),
    )
    return accounts, password_changes


def _start_jobs(context: Context) -> list[asyncio.Task[None]]:
    settings = context.settings

    async def ring() -> None:
        # What seems to be missing may only be unread: sent once more, it would be read even later.
        with suppress(RedisError):
            if await context.consumers.is_behind(RESULTS_STREAM):
                return
        _ = await rering.ring_again(
            context.pool,
            first_seconds=settings.rering_after_seconds,
            at_most_seconds=settings.rering_at_most_seconds,
        )

    gauges = build_gauges(
        pool=context.pool, relay=context.relay, consumers=context.consumers, presence=context.presence
    )

    async def clean() -> None:
        async with across_customers(context.pool) as conn:
            await remove_old_rows(conn)

    async def seal() -> None:
        _ = await audit_chain.seal_entries(context.pool)

    jobs = {
        "relay": (context.relay.run, RESTART_SECONDS),
        "consumers": (context.consumers.run, RESTART_SECONDS),
        "doorbell": (context.doorbell.listen, RESTART_SECONDS),
        "presence": (context.presence.refresh, REFRESH_SECONDS),
        "gauges": (gauges.measure, MEASURE_SECONDS),
        "rering": (ring, min(rering.EVERY_SECONDS, settings.rering_after_seconds)),
        "audit": (seal, audit_chain.EVERY_SECONDS),
        "housekeeping": (clean, HOUSEKEEPING_SECONDS),
    }
    return [
        asyncio.create_task(run_forever(name, job, every_seconds=seconds), name=name)
        for name, (job, seconds) in jobs.items()
    ]


async def _stop_jobs(jobs: list[asyncio.Task[None]]) -> None:
    for job in jobs:
        _ = job.cancel()
    with suppress(asyncio.CancelledError):
        _ = await asyncio.gather(*jobs, return_exceptions=True)


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(3.0):
            await pool.close()
    except TimeoutError:
        pool.terminate()

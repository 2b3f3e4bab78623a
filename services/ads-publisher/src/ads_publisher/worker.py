"""Composition root of the publisher process: consumer, executor, relay, presence and a health endpoint."""

import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from ads_publisher import call_store, erasing, metrics, sweep
from ads_publisher.bundle_route import bundle_route
from ads_publisher.consumers import Ingest
from ads_publisher.endings import CRASHED, fail
from ads_publisher.erasing import Erasing
from ads_publisher.executor import Executor
from ads_publisher.gauges import build_gauges
from ads_publisher.grants import Grants
from ads_publisher.graph import GraphClient
from ads_publisher.journals import Journals
from ads_publisher.meta_errors import KNOWN_CODES
from ads_publisher.presence import EVERY_SECONDS, Presence
from ads_publisher.publish import publish
from ads_publisher.reporting import Reports
from ads_publisher.run import Run
from ads_publisher.settings import Settings
from ads_publisher.store import Job
from ads_publisher.sweep import Sweeper
from ads_publisher.sync import sync
from ads_publisher.versions import version_warning
from chassis.database import Pool, across_customers, create_pool, is_alive
from chassis.failpoints import arm
from chassis.internal_calls import internal_client
from chassis.metrics import MEASURE_SECONDS
from chassis.outbox import Relay
from chassis.periodic import background, run_forever
from chassis.server import is_stopping
from chassis.service_tokens import TokenSigner
from chassis.streams import Consumers
from chassis.telemetry import get_logger, setup_telemetry
from contracts.events import CONNECTIONS_STREAM, PUBLISH_STREAM, AdsCommand, ConnectionChanged

SERVICE = "ads-publisher"
HOUSEKEEPING_SECONDS = 3600.0
LATELY_SECONDS = 15.0
"""Longer without a word from Postgres or Redis, and this process could not consume."""

_log = get_logger(__name__)


class Worker:
    """Everything that one publisher process is made of."""

    def __init__(self, settings: Settings, pool: Pool, redis: Redis, grants: Grants) -> None:
        self._settings = settings
        self.pool = pool
        self._journals = Journals(pool=pool)
        self._reports = Reports(pool=pool)
        self._grants = grants
        self._clients: list[GraphClient] = []
        self.sweeper = Sweeper(pool=pool, settings=settings, grants=grants, graph=self._new_client())
        self.redis = redis
        self.executor = Executor(
            pool=pool,
            tasks=settings.executor_tasks,
            lease_seconds=settings.lease_seconds,
            work=self._work,
            give_up=self._give_up,
        )
        self.consumers = Consumers(
            redis_url=settings.redis_url.get_secret_value(), redis=redis, group=SERVICE
        )
        self.erasing = Erasing(pool=pool)
        self.consumers.subscribe(PUBLISH_STREAM, AdsCommand, Ingest(pool=pool, wake=self.executor.wake))
        self.consumers.subscribe(CONNECTIONS_STREAM, ConnectionChanged, self.erasing)

    async def _work(self, job: Job) -> None:
        # A client is used by one run at a time and then by the next: its connection stays warm.
        graph = self._clients.pop() if self._clients else self._new_client()
        try:
            run = Run(
                pool=self.pool,
                journals=self._journals,
                reports=self._reports,
                settings=self._settings,
                grants=self._grants,
                graph=graph,
                job=job,
            )
            await (publish(run) if job.kind == "publish" else sync(run))
        finally:
            self._clients.append(graph)

    async def _give_up(self, job: Job) -> None:
        await fail(self._reports, job, CRASHED, self._settings.mode)

    def _new_client(self) -> GraphClient:
        return GraphClient(
            base_url=self._settings.meta_graph_base_url,
            version=self._settings.meta_graph_version,
            app_secret=self._settings.meta_app_secret.get_secret_value(),
            timeout_seconds=self._settings.meta_call_timeout_seconds,
        )

    async def close(self) -> None:
        for client in (self.sweeper.graph, *self._clients):
            await client.close()

    async def tidy(self) -> None:
        """Remove what nobody asks for any more.

        Raises:
            Unavailable: the database does not answer.
        """
        async with across_customers(self.pool) as acquired:
            await call_store.remove_old_calls(acquired)

    async def problems(self) -> dict[str, str]:
        """Why this process could not take a run now; empty when it could."""
        found: dict[str, str] = {}
        if not await is_alive(self.pool):
            found["database"] = "Postgres does not answer."
        now = time.monotonic()
        if now - (self.executor.claimed_at or 0) > LATELY_SECONDS and not self.executor.busy:
            found["executor"] = f"No claim of runs has been answered for {LATELY_SECONDS:.0f} s."
        if now - (self.consumers.healthy_at or 0) > LATELY_SECONDS:
            found["streams"] = f"Redis has not been read for {LATELY_SECONDS:.0f} s."
        return found


def create_app(settings: Settings) -> Starlette:
    """Build the process; its work begins with the server's start and ends, drained, with its stop."""
    setup_telemetry(SERVICE, settings, keeps_failed=True)
    metrics.begin_counting(KNOWN_CODES)
    arm(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.worker = await _start(stack, settings)
            yield

    async def live(_: Request) -> JSONResponse:
        return JSONResponse({"ok": True})

    async def ready(request: Request) -> JSONResponse:
        problems = await request.app.state.worker.problems()
        if is_stopping(request.app):
            problems["process"] = "This process is stopping."
        body = {"ok": not problems, "mode": settings.mode, "problems": problems}
        return JSONResponse(body, status_code=503 if problems else 200)

    routes = [Route("/health", live), Route("/health/ready", ready), bundle_route(settings)]
    return Starlette(routes=routes, lifespan=lifespan)


async def _start(stack: AsyncExitStack, settings: Settings) -> Worker:
    if warning := version_warning(settings.meta_graph_version, datetime.now(UTC).date()):
        _log.warning("graph_version_expired", hint=warning)
    pool = await create_pool(
        settings.database_url.get_secret_value(), name=SERVICE, size=settings.database_pool_size
    )
    stack.push_async_callback(pool.close)
    redis = Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=5)
    stack.push_async_callback(redis.aclose)
    grants = Grants(
        new_client=partial(internal_client, settings.meta_auth_url, timeout_seconds=10),
        signer=TokenSigner(service=SERVICE, private_key=settings.service_private_key.get_secret_value()),
    )
    stack.push_async_callback(grants.close)
    worker = Worker(settings, pool, redis, grants)
    stack.push_async_callback(worker.close)
    presence = Presence(redis=redis, settings=settings, instance=f"{socket.gethostname()}-{os.getpid()}")
    relay = Relay(database_url=settings.database_url.get_secret_value(), redis=redis)
    gauges = build_gauges(pool=pool, relay=relay, consumers=worker.consumers, executor=worker.executor)
    worker.consumers.begin_at_zero()
    # Undone in reverse: the executor drains while relay and lease renewal still run.
    for name, job in (
        ("relay", relay.run()),
        ("renew", worker.executor.renew()),
        ("sweeper", run_forever("sweeper", worker.sweeper.sweep_due, every_seconds=sweep.EVERY_SECONDS)),
        ("housekeeping", run_forever("housekeeping", worker.tidy, every_seconds=HOUSEKEEPING_SECONDS)),
        ("erasing", run_forever("erasing", worker.erasing.erase_due, every_seconds=erasing.EVERY_SECONDS)),
        ("presence", run_forever("presence", presence.beat, every_seconds=EVERY_SECONDS)),
        ("gauges", run_forever("gauges", gauges.measure, every_seconds=MEASURE_SECONDS)),
        ("executor", worker.executor.run()),
        ("streams", worker.consumers.run()),
    ):
        await stack.enter_async_context(background(name, job))
    stack.push_async_callback(presence.leave)
    stack.push_async_callback(worker.executor.drain)
    _log.info("publisher_started", mode=settings.mode, graph_version=settings.meta_graph_version)
    return worker

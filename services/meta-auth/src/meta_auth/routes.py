"""The internal HTTP API, and health. Parse, call one use case, shape the answer."""

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chassis.database import is_alive
from chassis.errors import Forbidden, Unavailable
from chassis.server import is_stopping
from contracts.internal import (
    AdAccountList,
    CallbackResult,
    ConnectionStatus,
    ConnectUrl,
    DeletionQuestion,
    DeletionReceipt,
    DeletionState,
    DevConnect,
    DevConnected,
    Done,
    Grant,
    GrantRequest,
    OAuthCallback,
    SelectAdAccount,
    SessionRef,
    SignedRequest,
    SmokeReport,
    TokenTrouble,
)
from meta_auth.callers import ForGateway, ForPublisher, context_of
from meta_auth.context import Context

NOBODY = UUID(int=0)
"""The customer of what Meta sends: only the state, or the signed request, says who is meant."""

Ctx = Annotated[Context, Depends(context_of)]

health = APIRouter()
internal = APIRouter(prefix="/internal/connections/{customer_id}")


@health.get("/health")
async def alive() -> dict[str, bool]:
    return {"ok": True}


@health.get("/health/ready")
async def ready(request: Request, context: Ctx, response: Response) -> dict[str, bool | list[str]]:
    # Without Redis everything still works, events wait in the outbox: it is shown, not required.
    database, redis = await asyncio.gather(is_alive(context.pool), _answers(context.redis))
    stopping = is_stopping(request.app)
    response.status_code = 200 if database and not stopping else Unavailable.status
    problems = {
        "The database does not answer": not database,
        "Redis does not answer; events wait in the outbox": not redis,
        "This process is stopping": stopping,
    }
    return {
        "ok": database and not stopping,
        "problems": [text for text, is_so in problems.items() if is_so],
        "db": database,
        "redis": redis,
        "stopping": stopping,
    }


@internal.get("")
async def status(customer: ForGateway, context: Ctx) -> ConnectionStatus:
    return await context.connections.status(customer)


@internal.post("/connect-url")
async def connect_url(customer: ForGateway, body: SessionRef, context: Ctx) -> ConnectUrl:
    if body.customer_id != customer:
        raise Forbidden("The session belongs to another customer")
    return await context.connecting.connect_url(body)


@internal.post("/callback")
async def callback(customer: ForGateway, body: OAuthCallback, context: Ctx) -> CallbackResult:
    _for_nobody(customer)
    return await context.connecting.finish(body)


@internal.post("/deauthorize")
async def deauthorize(customer: ForGateway, body: SignedRequest, context: Ctx) -> Done:
    _for_nobody(customer)
    await context.duties.deauthorize(body.signed_request)
    return Done()


@internal.post("/data-deletion")
async def data_deletion(customer: ForGateway, body: SignedRequest, context: Ctx) -> DeletionReceipt:
    _for_nobody(customer)
    return await context.duties.request_deletion(body.signed_request)


@internal.post("/deletion-state")
async def deletion_state(customer: ForGateway, body: DeletionQuestion, context: Ctx) -> DeletionState:
    _for_nobody(customer)
    return await context.duties.deletion_state(body.confirmation_code)


@internal.get("/ad-accounts", response_model_exclude_none=True)
async def ad_accounts(customer: ForGateway, context: Ctx) -> AdAccountList:
    return await context.ad_accounts.list_all(customer)


@internal.post("/select")
async def select(customer: ForGateway, body: SelectAdAccount, context: Ctx) -> ConnectionStatus:
    return await context.ad_accounts.select(customer, body.ad_account_id)


@internal.post("/dev-connect")
async def dev_connect(customer: ForGateway, body: DevConnect, context: Ctx) -> DevConnected:
    return await context.connections.dev_connect(customer, body)


@internal.post("/disconnect")
async def disconnect(customer: ForGateway, context: Ctx) -> ConnectionStatus:
    return await context.connections.disconnect(customer)


@internal.get("/smoke", response_model_exclude_none=True)
async def smoke(customer: ForGateway, context: Ctx) -> SmokeReport:
    return await context.ad_accounts.smoke(customer)


@internal.post("/grant")
async def grant(customer: ForPublisher, body: GrantRequest, context: Ctx) -> Grant:
    return await context.connections.grant(customer, body)


@internal.post("/token-trouble")
async def token_trouble(customer: ForPublisher, body: TokenTrouble, context: Ctx) -> ConnectionStatus:
    return await context.connections.report_trouble(customer, body)


def _for_nobody(customer: UUID) -> None:
    if customer != NOBODY:
        raise Forbidden("This is called for no customer")


async def _answers(redis: Redis) -> bool:
    try:
        async with asyncio.timeout(1.0):
            await redis.ping()
    except (RedisError, OSError, TimeoutError):
        return False
    return True

"""`/meta/*`: the connection with Meta, passed on to the service that holds the tokens."""

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from chassis.errors import (
    AppError,
    ConfigProblem,
    FeatureDisabled,
    MetaApiError,
    MissingPrerequisite,
    ValidationFailed,
)
from chassis.telemetry import get_logger
from contracts.internal import AdAccountList, ConnectUrl, DevConnect, OAuthCallback, SessionRef, SmokeReport
from gateway.bodies.meta import DevConnectBody, DevConnection, Disconnected, MetaStatus, SelectAdAccountBody
from gateway.context import Context, ContextDep
from gateway.guard import CookieValue, CustomerDep
from gateway.openapi import customer_get, customer_post, leads_to, operation_id

MAX_PARAMETER: Final = 4096
"""No state, code or error of Meta's is longer; whatever is, is none of them."""
LOGIN_OUTCOMES: Final = frozenset({"session_expired", "session_mismatch"})

META_ERROR: Final = MetaApiError(
    "190 (sub 460): Error validating access token", hint="Reconnect Meta in Settings."
)
NOT_CONNECTED: Final = (
    MissingPrerequisite("No Meta connection found", hint="Connect your Meta account in Settings first."),
    MissingPrerequisite(
        'Meta connection status is "error", expected "connected"', hint="Reconnect Meta in Settings."
    ),
    MissingPrerequisite(
        "Meta access token is missing", hint="Reconnect Meta in Settings to refresh your token."
    ),
)

router = APIRouter(prefix="/meta", tags=["meta"], generate_unique_id_function=operation_id)
_log = get_logger(__name__)


class CallbackQuery(BaseModel):
    """What Meta adds to the redirect address."""

    state: str | None = None
    code: str | None = None
    error: str | None = None
    error_reason: str | None = None
    error_description: str | None = None


@router.get("/status", responses=customer_get(), summary="The connection now")
async def status(session: CustomerDep, context: ContextDep) -> MetaStatus:
    return MetaStatus.of(await context.connections.status(session.customer_id))


@router.get(
    "/oauth/connect-url",
    responses=customer_get(
        ConfigProblem(
            "Meta OAuth not configured",
            hint="Set META_APP_ID and META_REDIRECT_URL environment variables",
        )
    ),
    summary="Where to send the browser for consent",
)
async def connect_url(session: CustomerDep, context: ContextDep) -> ConnectUrl:
    return ConnectUrl(url=await context.connections.connect_url(session))


@router.get(
    "/oauth/callback",
    status_code=302,
    response_class=RedirectResponse,
    summary="Where Meta sends the browser back to",
    description="Always redirects to the frontend: `/settings?meta=connected`, `/settings?meta=error&error=…`"
    " or `/login?error=…`.",
)
async def callback(
    context: ContextDep,
    cookie: CookieValue,
    visit: Annotated[CallbackQuery, Query()],
) -> RedirectResponse:
    if not visit.state:
        return _to_frontend(context, _failure("missing_state"))
    return _to_frontend(context, await _outcome(context, visit, cookie))


@router.post(
    "/dev-connect",
    status_code=201,
    responses={
        200: {"model": DevConnection, "description": "There was a connection before."},
        **customer_post(FeatureDisabled("Dev Meta connect is disabled. Set ALLOW_DEV_META=true to enable.")),
    },
    summary="Pretend to be connected",
)
async def dev_connect(
    body: DevConnectBody, session: CustomerDep, context: ContextDep, response: Response
) -> DevConnection:
    answer = await context.connections.dev_connect(session, DevConnect(**body.model_dump()))
    if not answer.created:
        response.status_code = 200
    return DevConnection.of(answer.status)


@router.post(
    "/disconnect",
    responses=customer_post(ConfigProblem("No Meta connection found to disconnect")),
    summary="Give the grant back",
)
async def disconnect(
    _: Annotated[dict[str, Any], Body(examples=[{}])], session: CustomerDep, context: ContextDep
) -> Disconnected:
    _status = await context.connections.disconnect(session)
    return Disconnected()


@router.get(
    "/ad-accounts",
    response_model_exclude_none=True,
    responses={
        **leads_to(200, meta_select={"body": {"adAccountId": "$response.body#/data/0/id"}}),
        **customer_get(*NOT_CONNECTED, META_ERROR),
    },
    summary="All ad accounts",
)
async def ad_accounts(session: CustomerDep, context: ContextDep) -> AdAccountList:
    return await context.connections.ad_accounts(session.customer_id)


@router.post(
    "/ad-accounts/select",
    responses=customer_post(
        ValidationFailed("adAccountId is required"),
        ValidationFailed("adAccountId cannot be empty"),
        ValidationFailed(
            'Ad account "act_1" not found in your Meta account',
            hint="Select an ad account from the list of available accounts.",
        ),
        *NOT_CONNECTED,
        META_ERROR,
    ),
    summary="Choose the ad account to publish to",
)
async def select(body: SelectAdAccountBody, session: CustomerDep, context: ContextDep) -> MetaStatus:
    return MetaStatus.of(await context.connections.select(session, body.adAccountId))


@router.get(
    "/debug/smoke",
    response_model_exclude_none=True,
    responses=customer_get(*NOT_CONNECTED, META_ERROR),
    summary="A read-only check of the token",
)
async def smoke(session: CustomerDep, context: ContextDep) -> SmokeReport:
    return await context.connections.smoke(session.customer_id)


async def _outcome(context: Context, visit: CallbackQuery, cookie: str | None) -> str:
    """The frontend's page for this visit. A person is at the other end: every failure is a page."""
    try:
        session = await context.accounts.session(cookie)
        who = (
            SessionRef(
                user_id=session.user_id, customer_id=session.customer_id, session_hash=session.token_hash
            )
            if session
            else None
        )
        result = await context.connections.callback(
            OAuthCallback(session=who, **{name: _usable(value) for name, value in visit})
        )
    except AppError as exc:
        _log.warning("oauth_callback_failed", error_code=exc.code, reason=exc.message)
        return _failure("internal_error")
    _log.info("oauth_callback", outcome=result.outcome)
    if result.outcome == "connected":
        return "/settings?meta=connected"
    if result.outcome in LOGIN_OUTCOMES:
        return f"/login?error={result.outcome}"
    if result.outcome == "declined":
        return _failure(result.detail or "access_denied")
    return _failure(result.outcome)


def _usable(value: str | None) -> str | None:
    # What cannot be Meta's is still handed on, so that it is refused in the order of the contract.
    return value.replace("\x00", "?")[:MAX_PARAMETER] if value else None


def _failure(error: str) -> str:
    return f"/settings?meta=error&error={quote(error, safe='')}"


def _to_frontend(context: Context, page: str) -> RedirectResponse:
    return RedirectResponse(f"{context.settings.app_url}{page}", status_code=302)

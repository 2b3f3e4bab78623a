"""Who may call: the session cookie, the customer header, and the page that a browser calls from."""

import re
from typing import Annotated, Final
from uuid import UUID, uuid4

import structlog
from fastapi import Depends, Query, Request, Response, Security
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyCookie, APIKeyHeader
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from chassis.errors import Forbidden, Unauthorized
from chassis.http import error_response
from chassis.telemetry import annotate, customer_hash, get_logger
from gateway.accounts import Session
from gateway.context import context_of
from gateway.settings import COOKIE_MAX_AGE_SECONDS, GatewaySettings
from gateway.throttle import Caller, counted_address

MAX_USER_AGENT: Final = 120
CUSTOMER_HEADER: Final = "x-customer-id"
OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site for a page of ours, and for what its user did without any page."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

_log = get_logger(__name__)


class SessionCookie(APIKeyCookie):
    """Gives the value of the session cookie, under the name that it has here."""

    async def __call__(self, request: HTTPConnection) -> str | None:
        return request.cookies.get(context_of(request).settings.session_cookie)


_cookie = SessionCookie(
    name="session",
    scheme_name=APIKeyCookie.__name__,
    auto_error=False,
    description="Set by POST /signup and POST /auth/login.",
)
_header = APIKeyHeader(
    name=CUSTOMER_HEADER, auto_error=False, description="The `customerId` of GET /auth/me."
)


class NotLoggedIn(Unauthorized):
    """No session. `clears_cookie` when the browser should forget the one that it showed."""

    def __init__(self, message: str, *, hint: str, clears_cookie: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.clears_cookie = clears_cookie


class NoCustomer(Unauthorized):
    """The header that names the customer is missing or no UUID."""

    def __init__(self) -> None:
        super().__init__(
            "Missing or invalid x-customer-id header (UUID required)",
            hint="Send the customerId of GET /auth/me.",
        )


class ForeignCustomer(Forbidden):
    """Not the customer of this session, whether or not it exists."""

    def __init__(self) -> None:
        super().__init__("Session customerId does not match x-customer-id header")


GUARD_ERRORS: Final = (NotLoggedIn, NoCustomer, ForeignCustomer)


async def caller_of(request: Request) -> Caller:
    """Where a request comes from; a proxy that is trusted has been believed already."""
    agent = request.headers.get("user-agent", "")
    shown = "".join(char for char in agent if char.isprintable())[:MAX_USER_AGENT]
    return Caller(
        address=counted_address(request.client.host if request.client else None), user_agent=shown or None
    )


CookieValue = Annotated[str | None, Security(_cookie)]
CallerDep = Annotated[Caller, Depends(caller_of)]
MISSING_COOKIE: Final = ("Missing session cookie", "Log in to continue.")
SESSION_OVER: Final = ("Session expired or invalid", "Log in again to continue.")


async def require_session(request: Request, cookie: CookieValue) -> Session:
    """Who is logged in.

    Raises:
        NotLoggedIn: no cookie, or one that is no open session.
    """
    if not cookie:
        raise NotLoggedIn(MISSING_COOKIE[0], hint=MISSING_COOKIE[1])
    session = await context_of(request).accounts.session(cookie)
    if session is None:
        raise NotLoggedIn(SESSION_OVER[0], hint=SESSION_OVER[1], clears_cookie=True)
    _ = structlog.contextvars.bind_contextvars(customer_id=str(session.customer_id))
    annotate(customer_hash=customer_hash(session.customer_id))
    return session


SessionDep = Annotated[Session, Depends(require_session)]
CustomerHeader = Annotated[str | None, Security(_header)]
CustomerParameter = Annotated[
    str | None,
    Query(alias="customerId", description="Instead of `x-customer-id`, which an EventSource cannot send."),
]


async def require_customer(request: Request, session: SessionDep, header: CustomerHeader) -> Session:
    """Who is logged in, for the customer that the header names.

    Raises:
        NoCustomer: no header, or no UUID.
        ForeignCustomer: not the customer of this session.
    """
    if not header or not _UUID.fullmatch(header):
        raise NoCustomer
    if (wanted := UUID(header)) != session.customer_id:
        await context_of(request).accounts.note_refusal(session, wanted)
        raise ForeignCustomer
    return session


async def accept_customer(request: Request, session: SessionDep, header: CustomerHeader) -> Session:
    """Like `require_customer`, for routes where the header may be missing."""
    return await require_customer(request, session, header) if header else session


async def require_customer_by_query(
    request: Request, session: SessionDep, header: CustomerHeader, parameter: CustomerParameter = None
) -> Session:
    """Like `require_customer`, by the header or the query, for what only an EventSource calls.

    Of two that differ one is foreign, so both are checked.
    """
    given = [value for value in (header, parameter) if value is not None]
    if not given:
        raise NoCustomer
    for value in given:
        _ = await require_customer(request, session, value)
    return session


CustomerDep = Annotated[Session, Depends(require_customer)]
CustomerByQueryDep = Annotated[Session, Depends(require_customer_by_query)]
OptionalCustomerDep = Annotated[Session, Depends(accept_customer)]


def set_cookie(response: Response, token: str, settings: GatewaySettings) -> None:
    _cookie_header(response, token, settings, max_age=COOKIE_MAX_AGE_SECONDS)


def clear_cookie(response: Response, settings: GatewaySettings) -> None:
    _cookie_header(response, "", settings, max_age=0)


def _cookie_header(response: Response, value: str, settings: GatewaySettings, *, max_age: int) -> None:
    # Written out: the spelling and order are part of the contract.
    partitioned = settings.session_same_site == "none"
    site = "None" if partitioned else "Lax"
    secure = f"{'; Secure' if settings.secure_cookie else ''}{'; Partitioned' if partitioned else ''}"
    attributes = f"HttpOnly; SameSite={site}; Path=/; Max-Age={max_age}{secure}"
    response.headers.append("set-cookie", f"{settings.session_cookie}={value}; {attributes}")


def not_logged_in_answer(request: Request, error: NotLoggedIn) -> JSONResponse:
    """The answer to a guard error, which may also clear the cookie."""
    response = error_response(error, error.nested_body())
    if error.clears_cookie:
        clear_cookie(response, context_of(request).settings)
    return response


class OriginCheck:
    """Refuses what a page outside the list makes a browser send, before any of it is read.

    This is what stops a foreign page from logging its visitor in or out: those calls need no header. On
    `open_paths` a signature says who sends, and no cookie counts.
    """

    def __init__(
        self, app: ASGIApp, *, allowed: frozenset[str], open_paths: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._allowed = allowed
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exempt = scope["type"] != "http" or scope["path"] in self._open_paths
        if exempt or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        if self._is_allowed(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        _log.warning("origin_refused", path=scope["path"])
        error = Forbidden("This origin may not call this API", hint="Add it to CORS_ORIGINS if it is yours.")
        response = error_response(error, error.nested_body())
        response.headers["x-request-id"] = str(uuid4())
        await response(scope, receive, send)

    def _is_allowed(self, headers: Headers) -> bool:
        origins = headers.getlist("origin")
        if origins:
            return all(origin in self._allowed for origin in origins)
        # Without an Origin: a script, which sends no Fetch Metadata either, or a page that a browser vouches
        # for. Everything else is a page that made its browser leave the Origin out.
        return headers.get("sec-fetch-site", "none") in OWN_SITES

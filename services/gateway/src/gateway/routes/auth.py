"""`/signup` and `/auth/*`."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Response

from chassis.errors import RateLimited, Unauthorized, ValidationFailed
from gateway.accounts import TOO_MANY_SIGNUPS, UnknownSession
from gateway.bodies.accounts import (
    AskForReset,
    ChangePassword,
    ConfirmReset,
    LoggedOut,
    LoggedOutEverywhere,
    LogIn,
    Me,
    PasswordChanged,
    ResetAsked,
    SessionEnded,
    SessionList,
    SessionView,
    SignedUp,
    SignUp,
)
from gateway.common_passwords import CommonPassword
from gateway.context import ContextDep
from gateway.guard import CallerDep, CookieValue, NotLoggedIn, SessionDep, clear_cookie, set_cookie
from gateway.openapi import (
    THROTTLED,
    UNAVAILABLE,
    leads_to,
    nested,
    operation_id,
    public_post,
    session_get,
    session_post,
)
from gateway.password_changes import TOO_MANY_LINKS, TOO_MANY_TRIES, DeadLink, WrongPassword
from gateway.throttle import WAIT_HINT

AGAIN = "Log in again to continue."
NoFields = Annotated[dict[str, Any], Body(examples=[{}])]

router = APIRouter(tags=["accounts"], generate_unique_id_function=operation_id)


def _throttled(message: str) -> RateLimited:
    return RateLimited(message, hint=WAIT_HINT)


async def _session_in_path(session_id: str) -> UUID:
    try:
        return UUID(session_id)
    except ValueError as exc:
        raise UnknownSession from exc


@router.post(
    "/signup",
    status_code=201,
    responses={
        **leads_to(
            201,
            accounts_log_in={
                "body": {"email": "$request.body#/email", "password": "$request.body#/password"}
            },
        ),
        **public_post(
            ValidationFailed("Email already registered", hint="Log in, or use another address."),
            _throttled(TOO_MANY_SIGNUPS),
        ),
    },
    summary="Create a customer and log in",
)
async def sign_up(
    body: SignUp, old_token: CookieValue, response: Response, context: ContextDep, caller: CallerDep
) -> SignedUp:
    done = await context.accounts.sign_up(
        email=body.email, name=body.name, password=body.password, caller=caller, old_token=old_token
    )
    set_cookie(response, done.token, context.settings)
    return SignedUp.model_validate(done.identity, from_attributes=True)


@router.post(
    "/auth/login",
    responses=public_post(
        Unauthorized("Invalid email or password", hint="Check both, or sign up."), THROTTLED
    ),
    summary="Log in",
)
async def log_in(
    body: LogIn, old_token: CookieValue, response: Response, context: ContextDep, caller: CallerDep
) -> Me:
    done = await context.accounts.log_in(
        email=body.email, password=body.password, caller=caller, old_token=old_token
    )
    set_cookie(response, done.token, context.settings)
    return Me.model_validate(done.identity, from_attributes=True)


@router.post("/auth/logout", responses=public_post(), summary="End the session")
async def log_out(_: NoFields, value: CookieValue, response: Response, context: ContextDep) -> LoggedOut:
    await context.accounts.log_out(value)
    clear_cookie(response, context.settings)
    return LoggedOut()


@router.get(
    "/auth/me",
    responses=nested(
        Unauthorized("Not logged in", hint="Log in to continue."),
        Unauthorized("Session expired", hint=AGAIN),
        Unauthorized("User not found", hint=AGAIN),
        UNAVAILABLE,
    ),
    summary="Who is logged in",
)
async def me(value: CookieValue, context: ContextDep) -> Me:
    if not value:
        raise NotLoggedIn("Not logged in", hint="Log in to continue.")
    found = await context.accounts.find_session(value)
    if found is None:
        raise NotLoggedIn("Session expired", hint=AGAIN, clears_cookie=True)
    if found.user_id is None:
        raise NotLoggedIn("User not found", hint=AGAIN, clears_cookie=True)
    return Me.model_validate(found, from_attributes=True)


@router.get("/auth/sessions", responses=session_get(), summary="Where you are logged in")
async def sessions(session: SessionDep, context: ContextDep) -> SessionList:
    found = await context.accounts.sessions(session)
    return SessionList(data=[SessionView.model_validate(one, from_attributes=True) for one in found])


@router.post(
    "/auth/sessions/{session_id}/end",
    responses=session_post(UnknownSession()),
    summary="End one of your sessions",
)
async def end_session(
    _: NoFields,
    session_id: Annotated[UUID, Depends(_session_in_path)],
    session: SessionDep,
    context: ContextDep,
    response: Response,
) -> SessionEnded:
    if await context.accounts.end_session(session, session_id):
        clear_cookie(response, context.settings)
    return SessionEnded()


@router.post("/auth/logout-everywhere", responses=session_post(), summary="End all your sessions")
async def log_out_everywhere(
    _: NoFields, session: SessionDep, context: ContextDep, response: Response
) -> LoggedOutEverywhere:
    ended = await context.accounts.log_out_everywhere(session)
    clear_cookie(response, context.settings)
    return LoggedOutEverywhere(ended=ended)


@router.post(
    "/auth/password",
    responses=session_post(WrongPassword(), CommonPassword(), THROTTLED),
    summary="Change the password; all other sessions end",
)
async def change_password(
    body: ChangePassword, session: SessionDep, context: ContextDep, caller: CallerDep, response: Response
) -> PasswordChanged:
    done = await context.password_changes.change(
        session, current=body.current_password, new=body.new_password, caller=caller
    )
    set_cookie(response, done.token, context.settings)
    return PasswordChanged()


@router.post(
    "/auth/password-reset",
    responses=public_post(_throttled(TOO_MANY_LINKS)),
    summary="Mail a link that resets the password",
)
async def ask_for_reset(body: AskForReset, context: ContextDep, caller: CallerDep) -> ResetAsked:
    await context.password_changes.request_reset(body.email, caller)
    return ResetAsked()


@router.post(
    "/auth/password-reset/confirm",
    responses=public_post(DeadLink(), CommonPassword(), _throttled(TOO_MANY_TRIES)),
    summary="Set a new password by a link; all sessions end",
)
async def confirm_reset(
    body: ConfirmReset, context: ContextDep, caller: CallerDep, response: Response
) -> PasswordChanged:
    await context.password_changes.confirm_reset(body.token, new=body.new_password, caller=caller)
    clear_cookie(response, context.settings)
    return PasswordChanged()

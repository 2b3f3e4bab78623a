"""`/signup` and `/auth/*`."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response, Security

from chassis.errors import Unauthorized, ValidationFailed
from gateway.bodies.accounts import LoggedOut, LogIn, Me, SignedUp, SignUp
from gateway.context import ContextDep
from gateway.guard import COOKIE, NotLoggedIn, clear_cookie, set_cookie
from gateway.guard import cookie_scheme as cookie
from gateway.openapi import THROTTLED, UNAVAILABLE, leads_to, nested, public_post

AGAIN = "Log in again to continue."

router = APIRouter(tags=["accounts"])
CookieValue = Annotated[str | None, Security(cookie)]


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
        **public_post(ValidationFailed("Email already registered", hint="Log in, or use another address.")),
    },
    summary="Create a customer and log in",
)
async def sign_up(body: SignUp, context: ContextDep, response: Response) -> SignedUp:
    done = await context.accounts.sign_up(email=body.email, name=body.name, password=body.password)
    set_cookie(response, done.token, secure=context.settings.secure_cookie)
    return SignedUp.model_validate(done.identity, from_attributes=True)


@router.post(
    "/auth/login",
    responses=public_post(
        Unauthorized("Invalid email or password", hint="Check both, or sign up."), THROTTLED
    ),
    summary="Log in",
)
async def log_in(body: LogIn, request: Request, response: Response, context: ContextDep) -> Me:
    done = await context.accounts.log_in(
        email=body.email,
        password=body.password,
        address=request.client.host if request.client else "",
        old_token=request.cookies.get(COOKIE),
    )
    set_cookie(response, done.token, secure=context.settings.secure_cookie)
    return Me.model_validate(done.identity, from_attributes=True)


@router.post("/auth/logout", responses=public_post(), summary="End the session")
async def log_out(
    _: Annotated[dict[str, Any], Body(examples=[{}])],
    value: CookieValue,
    response: Response,
    context: ContextDep,
) -> LoggedOut:
    await context.accounts.log_out(value)
    clear_cookie(response, secure=context.settings.secure_cookie)
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

"""Bodies of `/signup` and `/auth/*`."""

from typing import Annotated, Final
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints

from contracts.wire import UtcTime, WireModel
from gateway.bodies.wire import RequestBody, example

_IDENTITY: Final = {
    "userId": "0b6f2d3e-8a43-4c58-9a0e-3f1c2f6f6a11",
    "customerId": "7f1a2c9d-5b1e-4f57-8a6c-9d2e4b1c0a22",
    "email": "ada@example.com",
}
_SESSION: Final = {
    "id": "3c0d1f1e-6a55-4a0e-9a5c-1c1f0b1f3b33",
    "createdAt": "2026-11-22T14:15:35.956Z",
    "lastSeenAt": "2026-11-22T14:27:40.563Z",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "current": True,
}


def _address(value: str) -> str:
    try:
        # The domain is not looked up: that would make sign-up depend on someone else's name server.
        _ = validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError as exc:
        raise ValueError("Enter a valid email address") from exc
    return value


NewPassword = Annotated[str, Field(min_length=8, max_length=128)]
OldPassword = Annotated[str, Field(max_length=1024)]


class SignUp(RequestBody):
    email: Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_address)]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    password: NewPassword

    model_config = example({"email": "ada@example.com", "name": "Ada", "password": "a long sentence"})


class LogIn(RequestBody):
    email: str = Field(max_length=320)
    password: OldPassword

    model_config = example({"email": "ada@example.com", "password": "a long sentence"})


class SignedUp(WireModel):
    """Answer of `/signup`."""

    customer_id: UUID
    user_id: UUID
    email: str

    model_config = example(_IDENTITY)


class Me(WireModel):
    """Who is logged in."""

    user_id: UUID
    customer_id: UUID
    email: str

    model_config = example(_IDENTITY)


class LoggedOut(WireModel):
    message: str = "Logged out"

    model_config = example({"message": "Logged out"})


class LoggedOutEverywhere(WireModel):
    message: str = "Logged out everywhere"
    ended: int
    """How many sessions there were."""

    model_config = example({"message": "Logged out everywhere", "ended": 3})


class SessionView(WireModel):
    """An open session. `id` names it and cannot be used to log in."""

    id: UUID
    created_at: UtcTime
    last_seen_at: UtcTime
    user_agent: str | None
    current: bool

    model_config = example(_SESSION)


class SessionList(WireModel):
    data: list[SessionView]

    model_config = example({"data": [_SESSION]})


class SessionEnded(WireModel):
    message: str = "Session ended"

    model_config = example({"message": "Session ended"})


class ChangePassword(RequestBody):
    current_password: OldPassword
    new_password: NewPassword

    model_config = example({"currentPassword": "a long sentence", "newPassword": "another long sentence"})


class PasswordChanged(WireModel):
    message: str = "Password changed"

    model_config = example({"message": "Password changed"})


class AskForReset(RequestBody):
    email: str = Field(max_length=320)

    model_config = example({"email": "ada@example.com"})


class ResetAsked(WireModel):
    """The same whether or not there is such an account."""

    message: str = "If this address has an account, a link is on its way"

    model_config = example({"message": "If this address has an account, a link is on its way"})


class ConfirmReset(RequestBody):
    token: str = Field(max_length=200)
    new_password: NewPassword

    model_config = example(
        {"token": "1hQ…dY.1767225600.9fA…kE", "newPassword": "another long sentence"},
    )

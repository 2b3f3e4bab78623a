"""Bodies of `/signup` and `/auth/*`."""

from typing import Annotated, Final
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints

from contracts.wire import WireModel
from gateway.bodies.wire import RequestBody, example

_IDENTITY: Final = {
    "userId": "0b6f2d3e-8a43-4c58-9a0e-3f1c2f6f6a11",
    "customerId": "7f1a2c9d-5b1e-4f57-8a6c-9d2e4b1c0a22",
    "email": "ada@example.com",
}


def _address(value: str) -> str:
    try:
        # The domain is not looked up: that would make sign-up depend on someone else's name server.
        _ = validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError as exc:
        raise ValueError("Enter a valid email address") from exc
    return value


class SignUp(RequestBody):
    email: Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_address)]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    password: str = Field(min_length=8, max_length=128)

    model_config = example({"email": "ada@example.com", "name": "Ada", "password": "a long sentence"})


class LogIn(RequestBody):
    email: str = Field(max_length=320)
    password: str = Field(max_length=1024)

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

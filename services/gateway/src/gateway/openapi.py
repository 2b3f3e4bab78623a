"""The API documentation: what is said about the whole, and every error with its body and its real text."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel

from chassis.errors import (
    AppError,
    Forbidden,
    Internal,
    PayloadTooLarge,
    RateLimited,
    Unauthorized,
    Unavailable,
    ValidationFailed,
)
from contracts.errors import AuthErrorBody, ErrorBody
from gateway.guard import MISSING_COOKIE, SESSION_OVER, ForeignCustomer, NoCustomer

TITLE: Final = "Project Auto Ads"
DESCRIPTION: Final = """
Create **PAUSED** campaigns and ad sets in a customer's Meta ad account, exactly once.

1. `POST /signup` or `POST /auth/login` sets the cookie `session`.
2. Send `x-customer-id` (the `customerId` of those answers) with every call to `/meta/*` and `/ads/*`.
3. Connect: open the address of `GET /meta/oauth/connect-url` in the browser, then
   `POST /meta/ad-accounts/select`.
4. `POST /ads/settings`, `POST /ads/publish`, and follow the run with `GET /ads/runs/{id}`.

Every POST takes JSON (`{}` when there is nothing to say). Times are UTC with milliseconds, budgets are per
month in major units, ids are UUIDs, Meta's own ids are strings.

Errors have one of two shapes: `/auth/*`, `/signup`, the session check and unknown routes answer
`{"error":{"code","message"},"message","hint"?}`; everything else
`{"error":"CODE","message","hint"?,"issues"?}`. Branch on the code, show `message` and `hint`.
A `Retry-After` header says when a 429 or 503 is worth another try.
"""
TAGS: Final = [
    {"name": "health", "description": "For scripts and orchestrators."},
    {"name": "accounts", "description": "Sign up, log in, log out, sessions, passwords."},
    {"name": "meta", "description": "The connection with Meta and the ad account."},
    {"name": "ads", "description": "Settings, publishing, runs and what was created."},
    {"name": "later steps", "description": "Fixed answers, so that a frontend renders."},
]

Responses = dict[int | str, dict[str, Any]]

UNAVAILABLE: Final = Unavailable("The database does not answer. Try again in a moment.")
INTERNAL: Final = Internal("Internal error", hint="Try again in a moment.")
NO_SESSION: Final = (
    Unauthorized(MISSING_COOKIE[0], hint=MISSING_COOKIE[1]),
    Unauthorized(SESSION_OVER[0], hint=SESSION_OVER[1]),
)
FOREIGN_PAGE: Final = Forbidden(
    "This origin may not call this API", hint="Add it to CORS_ORIGINS if it is yours."
)
BAD_BODY: Final = (
    ValidationFailed("The body is not valid JSON", hint="Check quotes, commas and UTF-8."),
    PayloadTooLarge("The body is larger than 64 kB"),
)
THROTTLED: Final = RateLimited(
    "Too many failed logins", hint="Wait before you try again, or check the address."
)


def nested(*errors: AppError) -> Responses:
    """Document errors in the shape with the nested part."""
    return _documented((*errors, INTERNAL), AuthErrorBody, AppError.nested_body)


def flat(*errors: AppError) -> Responses:
    """Document errors in the flat shape."""
    return _documented(errors, ErrorBody, AppError.flat_body)


def public_post(*errors: AppError) -> Responses:
    """What a route without a guard that takes a body may answer."""
    return nested(*BAD_BODY, FOREIGN_PAGE, UNAVAILABLE, *errors)


def meta_callback(*errors: AppError) -> Responses:
    """What a route that Meta calls may answer."""
    too_large = PayloadTooLarge("The body is larger than 8 kB")
    return _merged(nested(), flat(too_large, UNAVAILABLE, *errors))


def session_get(*errors: AppError) -> Responses:
    """What a route that needs a session may answer."""
    return nested(*NO_SESSION, UNAVAILABLE, *errors)


def session_post(*errors: AppError) -> Responses:
    """The same for a route that takes a body."""
    return public_post(*NO_SESSION, *errors)


def customer_get(*errors: AppError) -> Responses:
    """What a route that needs a session and its customer may answer."""
    guard = nested(*NO_SESSION, NoCustomer(), ForeignCustomer())
    return _merged(guard, flat(UNAVAILABLE, *errors))


def customer_post(*errors: AppError) -> Responses:
    """The same for a route that takes a body."""
    return _merged(nested(FOREIGN_PAGE), customer_get(*BAD_BODY, *errors))


def event_stream(**models: type[BaseModel]) -> dict[str, Any]:
    """Document a stream of events: name by name, the model whose JSON is their data."""
    shown = "".join(
        f"event: {name}\ndata: {model.model_validate(_example_of(model)).model_dump_json(by_alias=True)}\n\n"
        for name, model in models.items()
    )
    told = ", ".join(f"`{name}` with a `{model.__name__}`" for name, model in models.items())
    # Before OpenAPI 3.2 the schema of a stream stands for each of its events.
    event = {
        "type": "object",
        "properties": {
            "event": {"type": "string", "enum": list(models)},
            "id": {"type": "string"},
            "data": {"type": "string", "contentMediaType": "application/json"},
        },
        "required": ["event", "data"],
    }
    content = {"schema": event, "examples": {"events": {"value": shown}}}
    return {"description": f"Events: {told}, as JSON.", "content": {"text/event-stream": content}}


def leads_to(status: int, **links: dict[str, Any]) -> Responses:
    """Document which operations an answer leads to: for each operation id the values to call it with.

    A link is `{"parameter": "$response.body#/field"}`; `body` in it stands for the fields of a body.
    """
    return {status: {"links": {name: _link(name, values) for name, values in links.items()}}}


def _link(operation: str, values: dict[str, Any]) -> dict[str, Any]:
    parameters = {name: value for name, value in values.items() if name != "body"}
    link: dict[str, Any] = {"operationId": operation, "parameters": parameters}
    return {**link, "requestBody": values["body"]} if "body" in values else link


def _example_of(model: type[BaseModel]) -> Any:
    return model.model_json_schema()["examples"][0]


def _documented(
    errors: tuple[AppError, ...], model: type[BaseModel], body: Callable[[AppError], BaseModel]
) -> Responses:
    by_status: dict[int, list[AppError]] = defaultdict(list)
    for error in errors:
        by_status[error.status].append(error)
    return {
        status: _response(
            model,
            {group[0].code},
            {
                error.message: {"value": body(error).model_dump(exclude_none=True, mode="json")}
                for error in group
            },
        )
        for status, group in by_status.items()
    }


def _response(model: Any, codes: set[str], examples: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": model,
        "description": ", ".join(sorted(f"`{code}`" for code in codes)),
        "content": {"application/json": {"examples": examples}},
    }


def _merged(one: Responses, other: Responses) -> Responses:
    merged = {**one, **other}
    for status in one.keys() & other.keys():
        first, second = one[status], other[status]
        examples = {
            name: value
            for part in (first, second)
            for name, value in part["content"]["application/json"]["examples"].items()
        }
        codes = {*first["description"].split(", "), *second["description"].split(", ")}
        merged[status] = _response(
            first["model"] | second["model"], {code.strip("`") for code in codes}, examples
        )
    return merged


def operation_id(route: APIRoute) -> str:
    """Short names for generated clients: the family and the handler."""
    return f"{route.tags[0]}_{route.name}".replace(" ", "_")


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document. Bodies that do not fit are answered with 400, so FastAPI's 422 is taken out."""
    document = get_openapi(
        title=TITLE,
        version=app.version,
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
    )
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            # FastAPI lists cookie and header as alternatives; a call needs both.
            if schemes := operation.get("security"):
                operation["security"] = [{name: [] for scheme in schemes for name in scheme}]
    for unused in ("HTTPValidationError", "ValidationError"):
        document.get("components", {}).get("schemas", {}).pop(unused, None)
    return document

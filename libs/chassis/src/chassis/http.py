"""What every HTTP service does alike: request ids, body limits, strict JSON, error bodies, access log."""

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from opentelemetry.trace import Span, SpanKind
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis.errors import (
    AppError,
    Internal,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Rejected,
    RequestTimeout,
    Retryable,
    ValidationFailed,
)
from chassis.metrics import FAST_SECONDS, labelled, meter
from chassis.security_headers import SECURITY_HEADERS, add_missing
from chassis.slow_clients import BODY_SECONDS
from chassis.telemetry import get_logger, mark_failed, span, without_ids
from contracts.errors import Issue

MAX_BODY_BYTES: Final = 65_536
MAX_JSON_DEPTH: Final = 32
CLIENT_ERROR: Final = 400
SERVER_ERROR: Final = 500
MAX_REQUEST_ID: Final = 64

_WHOLE: Final = "must be a whole number"
_NUMBER: Final = "must be a number"
_BOOLEAN: Final = "must be true or false"
_OBJECT: Final = "must be an object"
_ONE_OF: Final = "must be one of {expected}"
_SHORT: Final = frozenset({"string_too_short", "too_short"})
_RULES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be greater than {gt}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "literal_error": _ONE_OF,
    "enum": _ONE_OF,
    "string_type": "must be text",
    "list_type": "must be a list",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": "is too large",
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
    "uuid_type": "must be a UUID",
    "uuid_parsing": "must be a UUID",
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
}
"""What follows a field's name, by pydantic's code of the fault."""

BodyFor = Callable[[str, AppError], BaseModel]
"""Chooses the error body for a path."""

_log = get_logger(__name__)
_UNKNOWN_ROUTE: Final = "none"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
"""Others are told as `_OTHER`: a metric must not take a label from anyone."""
_request_seconds = meter.create_histogram(
    "http.server.request.duration",
    unit="s",
    description="Time of one request",
    explicit_bucket_boundaries_advisory=FAST_SECONDS,
)
_NO_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS", "DELETE", "TRACE"})


def install(app: FastAPI, *, body_for: BodyFor, form_paths: frozenset[str] = frozenset()) -> None:
    """Give a service its error answers, request ids, body limits and access log.

    `form_paths` take other bodies than JSON. Add middleware that must also see error answers (CORS)
    after this call, so that it lies outside.
    """

    async def on_app_error(request: Request, exc: Exception) -> JSONResponse:
        assert isinstance(exc, AppError)  # noqa: S101 - what the handler is registered for
        return error_response(exc, body_for(request.url.path, exc))

    async def on_http_error(request: Request, exc: Exception) -> JSONResponse:
        assert isinstance(exc, HTTPException)  # noqa: S101 - what the handler is registered for
        error = _from_http_exception(request, exc)
        return error_response(error, body_for(request.url.path, error), headers=exc.headers)

    async def on_invalid(request: Request, exc: Exception) -> JSONResponse:
        assert isinstance(exc, RequestValidationError)  # noqa: S101 - what the handler is registered for
        error = from_validation_error(exc)
        return error_response(error, body_for(request.url.path, error))

    app.add_exception_handler(AppError, on_app_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_middleware(RequestMiddleware, body_for=body_for, form_paths=form_paths)


def error_response(
    error: AppError, body: BaseModel, *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    extra = dict(headers or {})
    if isinstance(error, Retryable):
        extra["Retry-After"] = str(max(1, math.ceil(error.retry_after_seconds)))
    return JSONResponse(
        body.model_dump(exclude_none=True, mode="json"), status_code=error.status, headers=extra or None
    )


def from_validation_error(exc: RequestValidationError) -> ValidationFailed:
    """Say what is wrong with a request, without repeating what was sent: it may hold a password."""
    issues = [_issue(error) for error in exc.errors()]
    return ValidationFailed(issues[0].message if issues else "Invalid request", issues=issues)


def _issue(error: Mapping[str, Any]) -> Issue:
    path, code = list(error["loc"][1:]), str(error["type"])
    # Messages of our own validators are whole sentences already.
    message = (
        str(error["msg"]).removeprefix("Value error, ")
        if code == "value_error"
        else _sentence(path, code, error.get("ctx", {}))
    )
    return Issue(path=path, message=message, code=code)


def _sentence(path: list[str | int], code: str, context: Mapping[str, Any]) -> str:
    """What pydantic's code means, in words for a user; its own texts speak to programmers."""
    if not path:
        return "The body must be a JSON object"
    name = ".".join(map(str, path))
    if code == "extra_forbidden":
        return f"Unknown field {name}"
    if code in _SHORT and context.get("min_length") == 1:
        return f"{name} must not be empty"
    facts = {key: _plain(value) for key, value in context.items()}
    return f"{name} {_RULES.get(code, 'is not valid').format_map(facts)}"


def _plain(value: object) -> str:
    # Python's own spelling of a large Decimal or float has an exponent.
    if isinstance(value, Decimal | float):
        return f"{Decimal(str(value)):f}".removesuffix(".0")
    # Pydantic lists a choice as 'one', 'two' or 'three'.
    return str(value).replace("'", "").replace(" or ", ", ")


def _from_http_exception(request: Request, exc: HTTPException) -> AppError:
    if exc.status_code == NotFound.status:
        return NotFound(f"No route {request.method} {request.url.path}", hint="See the API documentation.")
    if exc.status_code == MethodNotAllowed.status:
        return MethodNotAllowed(f"{request.method} is not supported for {request.url.path}")
    return ValidationFailed(str(exc.detail)) if exc.status_code < SERVER_ERROR else Internal("Internal error")


class RequestMiddleware:
    """Reads the body within its limits before anything else runs, and turns every escape into an answer."""

    def __init__(self, app: ASGIApp, *, body_for: BodyFor, form_paths: frozenset[str]) -> None:
        self._app = app
        self._body_for = body_for
        self._form_paths = form_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        request_id = _request_id(headers.get("x-request-id", ""))
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            span(
                method,
                kind=SpanKind.SERVER,
                traceparent=headers.get("traceparent"),
                attributes={"http.request.method": method, "url.scheme": scope.get("scheme", "http")},
            ) as current,
        ):
            started = time.perf_counter()
            status = await self._serve(scope, headers, request_id, receive, send)
            seconds = time.perf_counter() - started
            _tell(current, scope, method, status, seconds)
            _log_access(scope, status, seconds)

    async def _serve(
        self, scope: Scope, headers: Mapping[str, str], request_id: str, receive: Receive, send: Send
    ) -> int:
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                add_missing(message, {b"x-request-id": request_id.encode(), **SECURITY_HEADERS})
            await send(message)

        path = scope["path"]
        try:
            receive = await self._checked_body(headers, scope["method"], path, receive)
            await self._app(scope, receive, send_with_headers)
        except Exception as exc:  # noqa: BLE001 - the last line of defence answers everything
            error = (
                exc
                if isinstance(exc, AppError)
                else Internal("Internal error", hint="Try again in a moment.")
            )
            if not isinstance(exc, AppError):
                _log.exception("unhandled_error", path=path)
            if not status:
                response = error_response(error, self._body_for(path, error))
                await response(scope, _nothing_more, send_with_headers)
        return status

    async def _checked_body(
        self, headers: Mapping[str, str], method: str, path: str, receive: Receive
    ) -> Receive:
        if method in _NO_BODY:
            return receive
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(headers, receive)
        except TimeoutError as exc:
            raise RequestTimeout(f"The body took longer than {BODY_SECONDS:.0f} s") from exc
        if path not in self._form_paths:
            check_json(headers.get("content-type", ""), body)
        delivered = False

        async def replay() -> Message:
            nonlocal delivered
            if delivered:
                return await receive()
            delivered = True
            return {"type": "http.request", "body": body, "more_body": False}

        return replay


def _request_id(proposed: str) -> str:
    # A caller's own id is kept when it is harmless in a log line and a header.
    plain = proposed.isascii() and proposed.replace("-", "").isalnum() and len(proposed) <= MAX_REQUEST_ID
    return proposed if plain else str(uuid4())


def _tell(current: Span, scope: Scope, method: str, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", None)
    current.set_attribute("http.response.status_code", status)
    if route:
        current.update_name(f"{method} {route}")
        current.set_attribute("http.route", route)
        current.set_attribute("url.path", without_ids(scope["path"]))
    error = str(status) if status >= SERVER_ERROR or not status else None
    if error:
        mark_failed(current, error)
    _request_seconds.record(
        seconds,
        labelled(
            **{
                "http.request.method": method,
                "http.route": route or _UNKNOWN_ROUTE,
                "http.response.status_code": status,
                "error.type": error,
            }
        ),
    )


def _log_access(scope: Scope, status: int, seconds: float) -> None:
    is_look = scope["method"] in {"GET", "HEAD"}
    if scope["path"].startswith("/health") and status < SERVER_ERROR:
        return
    # Pages poll: a look that went well is nothing that happened.
    quiet = _log.debug if is_look and status < CLIENT_ERROR else _log.info
    log = _log.error if status >= SERVER_ERROR else quiet
    log(
        "http_request",
        method=scope["method"],
        path=scope["path"],
        status=status,
        ms=round(seconds * 1000, 1),
    )


async def _nothing_more() -> Message:
    return {"type": "http.disconnect"}


async def _read_body(headers: Mapping[str, str], receive: Receive) -> bytes:
    length = headers.get("content-length", "0")
    too_large = PayloadTooLarge(f"The body is larger than {MAX_BODY_BYTES // 1024} kB")
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise too_large
    chunks: list[bytes] = []
    total = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Rejected("The client closed the connection before the body was complete")
        chunks.append(message.get("body", b""))
        total += len(chunks[-1])
        if total > MAX_BODY_BYTES:
            raise too_large
        if not message.get("more_body", False):
            return b"".join(chunks)


def check_json(content_type: str, body: bytes) -> None:
    """Refuse what a lenient JSON reader would let through to fail later.

    Raises:
        ValidationFailed: wrong media type, empty, malformed, a field twice, NaN or Infinity, NUL, lone
            surrogates, too deep.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ValidationFailed(
            "The body must be JSON", hint="Send the header content-type: application/json."
        )
    if not body.strip():
        raise ValidationFailed("The body is empty", hint="Send {} when there is nothing to say.")
    try:
        text = body.decode()
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError) as exc:
        raise ValidationFailed("The body is not valid JSON", hint="Check quotes, commas and UTF-8.") from exc
    _check_value(value, depth=0)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Readers differ in which of two values counts: what was checked before us may not be what we read.
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValidationFailed("The body names a field twice")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _check_value(value: Any, *, depth: int) -> None:
    if depth > MAX_JSON_DEPTH:
        raise ValidationFailed(f"The body is nested deeper than {MAX_JSON_DEPTH} levels")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValidationFailed("The body holds a number that is too large")
    elif isinstance(value, dict):
        for item in (*value.keys(), *value.values()):
            _check_value(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_value(item, depth=depth + 1)


def _check_text(text: str) -> None:
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValidationFailed(
            "The body holds a character that cannot be stored (NUL or half a surrogate pair)"
        )

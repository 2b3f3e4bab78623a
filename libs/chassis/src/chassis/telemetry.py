"""Logs, spans and metrics, set up in one call; the spans' way out is `chassis.tracing`."""

import atexit
import hashlib
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import structlog
from opentelemetry import trace
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from chassis import metrics, tracing
from chassis.settings import ServiceSettings
from chassis.tracing import CLOSE_SECONDS, SCOPE, chosen_span_id

Attributes = Mapping[str, str | int | float | bool]

_tracer = trace.get_tracer(SCOPE)
"""Asked for once: the SDK looks each up in a table, which costs as much as the rest of a span's begin."""
_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SECRET_NAME = re.compile(
    r"(access_?token|token$|password|secret|private_key|authorization|cookie|proof|^code$)", re.IGNORECASE
)
_NAMES = (
    r"(?:access_?token|fb_exchange_token|input_token|client_secret|app_?secret|appsecret_proof|password"
    r"|(?<![a-z_])code)"
)
_SECRET_VALUE = re.compile(
    # As in a query or a form, in JSON or a Python dict, in a header, in an address, and Meta's own form.
    rf"(?i)({_NAMES}=)[^&\s\"']+"
    rf"|([\"']{_NAMES}[\"']\s*:\s*[\"'])[^\"']+"
    r"|(bearer\s+)[\w.\-|]+"
    r"|(://[^/\s:@]*:)[^/\s@]+(?=@)"
    r"|\bEAA\w{20,}"
)
_MAY_HOLD_SECRET = re.compile(r"(?i)[=\"'\s]|://|EAA")
"""Each form above has one of these in it: most values have none, and are found harmless ten times as fast."""


@lru_cache(maxsize=1024)
def _names_secret(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def redact(value: Any) -> Any:
    """Remove what looks like a credential from a value that is about to be logged."""
    if isinstance(value, str):
        if not _MAY_HOLD_SECRET.search(value):
            return value
        return _SECRET_VALUE.sub(lambda hit: "".join(filter(None, hit.groups())) + "[redacted]", value)
    if isinstance(value, Mapping):
        return {key: "[redacted]" if _names_secret(str(key)) else redact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value


def _redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: "[redacted]" if _names_secret(key) else redact(item) for key, item in event.items()}


def _drop_noise(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # uvicorn's own rendering of the same line.
    event.pop("color_message", None)
    return event


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
    return event


def setup_telemetry(service: str, settings: ServiceSettings, *, keeps_failed: bool = False) -> None:
    """Begin to tell: logs to stdout, spans and metrics to wherever the settings say.

    With `keeps_failed`, spans that sampling leaves out are held back for `chassis.tracing.keep_trace`.
    """
    setup_logs(service, settings)
    tracing.setup_tracing(service, settings, keeps_failed=keeps_failed)
    metrics.setup_metrics(service, settings)
    _ = atexit.register(close_telemetry)


def close_telemetry() -> None:
    """Tell what is left and stop; a collector that does not answer costs no more than `CLOSE_SECONDS`."""
    atexit.unregister(close_telemetry)
    until = time.monotonic() + CLOSE_SECONDS
    numbers = threading.Thread(target=metrics.close_metrics, daemon=True)
    # An interpreter that is ending already starts no thread; then the last numbers are not pushed.
    with suppress(RuntimeError):
        numbers.start()
    tracing.close_tracing(until=until)
    if numbers.is_alive():
        numbers.join(max(0.0, until - time.monotonic()))


def setup_logs(service: str, settings: ServiceSettings) -> None:
    """Send the logs of this process to stdout; enough for a command that soon ends."""
    console = settings.log_format == "console"
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if console else "iso", utc=not console),
        _add_trace,
        _drop_noise,
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    structlog.contextvars.bind_contextvars(service=service)
    # Access lines are written by chassis.http with the ids that matter; httpx logs URLs, which we never want.
    for noisy in ("uvicorn.access", "httpx", "httpcore", "httpx2", "httpcore2", "faststream"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    for own in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(own).handlers = []
        logging.getLogger(own).propagate = True


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    traceparent: str | None = None,
    links: Sequence[str] = (),
    span_id: int | None = None,
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """Run a block in a span, below the current one or below a `traceparent` that was kept somewhere.

    `links` are traceparents of spans that did the same work before. `span_id` is for a span that others must
    be able to name without being told. An exception marks the span and goes on; its text stays out, since it
    may hold anything.
    """
    current = begin_span(
        name, kind=kind, traceparent=traceparent, links=links, span_id=span_id, attributes=attributes
    )
    with trace.use_span(current, record_exception=False, set_status_on_exception=False):
        try:
            yield current
        except BaseException as exc:
            mark_failed(current, type(exc).__name__)
            raise
        finally:
            current.end()


def begin_span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    traceparent: str | None = None,
    links: Sequence[str] = (),
    span_id: int | None = None,
    attributes: Attributes | None = None,
) -> Span:
    """Begin a span, as `span` does, that does not become the current one. Whoever begins it ends it."""
    context = _span_context(traceparent)
    token = chosen_span_id.set(span_id) if span_id else None
    try:
        return _tracer.start_span(
            name,
            context=set_span_in_context(NonRecordingSpan(context)) if context else None,
            kind=kind,
            attributes=attributes,
            links=[Link(linked) for text in links if (linked := _span_context(text))],
        )
    finally:
        if token:
            chosen_span_id.reset(token)


def mark_failed(current: Span, error_type: str) -> None:
    """Mark a span as failed, with a word for what went wrong."""
    current.set_status(StatusCode.ERROR)
    current.set_attribute("error.type", error_type)


def annotate(**attributes: str | float | bool | None) -> None:
    """Add attributes to the current span; `run_id` is written as `run.id`. What is None is left out."""
    trace.get_current_span().set_attributes(
        {name.replace("_", ".", 1): value for name, value in attributes.items() if value is not None}
    )


def customer_hash(customer_id: UUID | str) -> str:
    """How spans name a customer: the same customer has the same name, and the name leads to nobody."""
    return hashlib.sha256(str(customer_id).encode()).hexdigest()[:16]


def without_ids(path: str) -> str:
    """A path as spans show it: ids would name customers, and make each name another one."""
    return _ID.sub("{id}", path)


def current_traceparent() -> str | None:
    """The W3C `traceparent` of the current span, to be kept in an outbox row or sent in a header."""
    return traceparent_of(trace.get_current_span())


def traceparent_of(current: Span) -> str | None:
    """The W3C `traceparent` of a span; None for one that is not real."""
    context = current.get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & 0xFF:02x}"


def with_span_id(traceparent: str, span_id: int) -> str:
    """The `traceparent` of another span of the same trace."""
    version, trace_id, _, flags = traceparent.split("-")
    return f"{version}-{trace_id}-{span_id:016x}-{flags}"


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id inside a `traceparent`, as the run shows it."""
    context = _span_context(traceparent)
    return format(context.trace_id, "032x") if context else None


def _span_context(traceparent: str | None) -> SpanContext | None:
    found = _TRACEPARENT.fullmatch(traceparent or "")
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return context if context.is_valid else None

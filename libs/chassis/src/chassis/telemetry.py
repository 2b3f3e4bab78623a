"""Logs and traces, set up in one call. Spans are exported only when an OTLP endpoint is configured."""

import logging
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from chassis.settings import ServiceSettings

_PROPAGATOR = TraceContextTextMapPropagator()
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


def redact(value: Any) -> Any:
    """Remove what looks like a credential from a value that is about to be logged."""
    if isinstance(value, str):
        return _SECRET_VALUE.sub(lambda hit: "".join(filter(None, hit.groups())) + "[redacted]", value)
    if isinstance(value, Mapping):
        return {
            key: "[redacted]" if _SECRET_NAME.search(str(key)) else redact(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value


def _redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: "[redacted]" if _SECRET_NAME.search(key) else redact(item) for key, item in event.items()}


def _drop_noise(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    # uvicorn's own rendering of the same line.
    event.pop("color_message", None)
    return event


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format(context.trace_id, "032x")
    return event


def setup_telemetry(service: str, settings: ServiceSettings) -> None:
    """Send the logs of this process to stdout and, with an endpoint, its spans to the collector."""
    _setup_logs(service, settings)
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    if settings.otlp_endpoint:
        # The exporter reads the standard OTEL_* variables itself; a slow collector only fills its own queue.
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def _setup_logs(service: str, settings: ServiceSettings) -> None:
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
    attributes: Mapping[str, str | int | bool] | None = None,
) -> Iterator[Span]:
    """Run a block in a span, below the current one or below a `traceparent` that was kept somewhere."""
    context = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
    tracer = trace.get_tracer("project-auto")
    with tracer.start_as_current_span(name, context=context, kind=kind, attributes=attributes) as current:
        yield current


def current_traceparent() -> str | None:
    """The W3C `traceparent` of the current span, to be kept in an outbox row or sent in a header."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id inside a `traceparent`, as the run shows it."""
    parts = traceparent.split("-") if traceparent else []
    return parts[1] if len(parts) == 4 else None  # noqa: PLR2004 - version, trace id, span id, flags

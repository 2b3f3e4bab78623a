"""Finished spans as lines of a local file, in OTLP's JSON encoding, as the collector's file exporter does it.

For tests and the local stack. A span is written when it ends, not later: a process that is killed then has
nothing in hand that is lost.
Source: https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanKind, StatusCode

MAX_BYTES: Final = 50_000_000
"""A fuller file is set aside as `<name>.1`; the one before that goes."""
_KINDS: Final = {
    SpanKind.INTERNAL: 1,
    SpanKind.SERVER: 2,
    SpanKind.CLIENT: 3,
    SpanKind.PRODUCER: 4,
    SpanKind.CONSUMER: 5,
}
_STATUSES: Final = {StatusCode.UNSET: 0, StatusCode.OK: 1, StatusCode.ERROR: 2}


class SpanFile(SpanExporter):
    """Appends one line for each batch. Processes may share a file: a line is one write."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        path.parent.mkdir(parents=True, exist_ok=True)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write the spans. A full disk loses them and nothing else."""
        line = json.dumps(request_of(spans), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        try:
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, line)
                full = os.fstat(file).st_size > self._max_bytes
            finally:
                os.close(file)
        except OSError:
            return SpanExportResult.FAILURE
        if full:
            with suppress(OSError):  # another process was quicker
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        return SpanExportResult.SUCCESS


def request_of(spans: Sequence[ReadableSpan]) -> dict[str, Any]:
    """An ExportTraceServiceRequest. All spans are of one process and one scope."""
    scope = spans[0].instrumentation_scope
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _attributes(spans[0].resource.attributes)},
                "scopeSpans": [
                    {"scope": {"name": scope.name if scope else ""}, "spans": [_span(s) for s in spans]}
                ],
            }
        ]
    }


def _span(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context()
    assert context is not None  # noqa: S101 - a span that has ended had a context
    written: dict[str, Any] = {
        "traceId": format(context.trace_id, "032x"),
        "spanId": format(context.span_id, "016x"),
        "name": span.name,
        "kind": _KINDS[span.kind],
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "attributes": _attributes(span.attributes or {}),
        "status": {"code": _STATUSES[span.status.status_code]},
    }
    if span.parent:
        written["parentSpanId"] = format(span.parent.span_id, "016x")
    if span.status.description:
        written["status"]["message"] = span.status.description
    if span.links:
        written["links"] = [_link(link) for link in span.links]
    return written


def _link(link: Link) -> dict[str, Any]:
    return {
        "traceId": format(link.context.trace_id, "032x"),
        "spanId": format(link.context.span_id, "016x"),
        "attributes": _attributes(link.attributes or {}),
    }


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}  # 64 bits are text in Protobuf's JSON
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list | tuple):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": str(value)}

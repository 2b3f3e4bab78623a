"""Reads the spans that the services of this stack wrote to `traces/<service>.jsonl`, old files included.

A line is one exported batch, an ExportTraceServiceRequest as OTLP/JSON: ids in hex, times as text.
Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

TRACES: Final = "traces"
RUN_ID: Final = "run.id"
"""The attribute by which a span says to which run it belongs."""
_ERROR: Final = (2, "STATUS_CODE_ERROR")
_PLAIN_VALUES: Final = ("stringValue", "boolValue", "doubleValue")


@dataclass(frozen=True, kw_only=True)
class Span:
    """One span; times in nanoseconds. `problem` is set when it failed, and may be empty."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    links: tuple[tuple[str, str], ...] = ()
    """Trace and span ids."""
    problem: str | None = None


def read_spans(folder: Path) -> list[Span]:
    """All spans of a stack, each once, the earliest first."""
    found: dict[tuple[str, str], Span] = {}
    for path in sorted(folder.glob("*.jsonl*")):
        with path.open() as lines:
            for line in lines:
                for span in _spans_of(line):
                    found[span.trace_id, span.span_id] = span
    return sorted(found.values(), key=lambda span: span.start_ns)


def traces_of_run(spans: Iterable[Span], run_id: str) -> list[str]:
    """Ids of the traces that speak of this run; one, if all is well. The beginning of an id is enough.

    The id of a trace does as well, as the gateway shows it on the run.
    """
    speaking = {
        span.trace_id: None
        for span in spans
        if span.trace_id.startswith(run_id) or str(span.attributes.get(RUN_ID, "")).startswith(run_id)
    }
    return list(speaking)


def newest_run(spans: Iterable[Span]) -> str | None:
    """The run that was heard of first most lately."""
    first_seen: dict[str, int] = {}
    for span in spans:
        if RUN_ID in span.attributes:
            first_seen.setdefault(str(span.attributes[RUN_ID]), span.start_ns)
    return max(first_seen, key=lambda run_id: first_seen[run_id], default=None)


def _spans_of(line: str) -> Iterator[Span]:
    try:
        batch = json.loads(line)
    except ValueError:
        return  # the line that is being written now
    for resource in batch.get("resourceSpans", ()):
        about = _attributes(resource.get("resource", {}).get("attributes", ()))
        for scope in resource.get("scopeSpans", ()):
            for span in scope.get("spans", ()):
                yield _span(str(about.get("service.name", "?")), span)


def _span(service: str, raw: Mapping[str, Any]) -> Span:
    return Span(
        service=service,
        name=raw["name"],
        trace_id=raw["traceId"],
        span_id=raw["spanId"],
        parent_id=raw.get("parentSpanId", ""),
        start_ns=int(raw["startTimeUnixNano"]),
        end_ns=int(raw["endTimeUnixNano"]),
        attributes=_attributes(raw.get("attributes", ())),
        links=tuple((link["traceId"], link["spanId"]) for link in raw.get("links", ())),
        problem=_problem(raw),
    )


def _problem(raw: Mapping[str, Any]) -> str | None:
    status = raw.get("status", {})
    if status.get("code") not in _ERROR:
        return None
    return str(status.get("message", ""))


def _attributes(pairs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {pair["key"]: _value(pair.get("value", {})) for pair in pairs}


def _value(value: Mapping[str, Any]) -> Any:
    if "intValue" in value:
        return int(value["intValue"])
    if "arrayValue" in value:
        return [_value(item) for item in value["arrayValue"].get("values", ())]
    return next((value[kind] for kind in _PLAIN_VALUES if kind in value), None)

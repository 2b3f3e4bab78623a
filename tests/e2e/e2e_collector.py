"""A collector that keeps all that it is told, by OTLP over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

TRACES = "/v1/traces"


@dataclass(frozen=True, kw_only=True)
class Told:
    """One span as it was told; ids are hexadecimal, `parent` is empty for a root."""

    service: str
    trace: str
    id: str
    parent: str
    name: str
    links: tuple[str, ...]
    """Trace and span id of each."""
    attributes: Mapping[str, Any]


class Collector(ThreadingHTTPServer):
    """Listens on all addresses, since containers come from another one."""

    def __init__(self) -> None:
        super().__init__(("", 0), _Keep)
        self.bodies: list[tuple[str, bytes]] = []

    def everything(self) -> bytes:
        """All bytes that came."""
        return b"".join(body for _, body in self.bodies)

    def spans(self) -> list[Told]:
        """All spans that came; one that was told twice is in it once."""
        told: dict[str, Told] = {}
        for path, body in tuple(self.bodies):
            if path == TRACES:
                told |= {span.id: span for span in _read(body)}
        return list(told.values())

    def trace(self, trace_id: str) -> list[Told]:
        """The spans of one trace."""
        return [span for span in self.spans() if span.trace == trace_id]


class _Keep(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        self.server.bodies.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _read(body: bytes) -> list[Told]:
    return [
        Told(
            service=_plain(resource.resource.attributes)["service.name"],
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            name=span.name,
            links=tuple(f"{link.trace_id.hex()}/{link.span_id.hex()}" for link in span.links),
            attributes=_plain(span.attributes),
        )
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: _value(one) for one in attributes}


def _value(attribute: KeyValue) -> Any:
    kind = attribute.value.WhichOneof("value")
    return getattr(attribute.value, kind) if kind else None

"""Calls from one of our services to another: one trace, one span and one measured time each."""

import time
from typing import Any, Final

import httpx
from opentelemetry.trace import SpanKind

from chassis.metrics import FAST_SECONDS, meter
from chassis.telemetry import current_traceparent, mark_failed, span, without_ids
from chassis.tls import tls_context

REFUSED: Final = 400
"""HTTP status from which an answer is an error."""
_call_seconds = meter.create_histogram(
    "http.client.request.duration",
    unit="s",
    description="Time of one call to another service of ours",
    explicit_bucket_boundaries_advisory=FAST_SECONDS,
)


class TracedTransport(httpx.AsyncBaseTransport):
    """Calls another service of ours: one span each, which that service continues."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport(trust_env=False, verify=tls_context())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        labels: dict[str, Any] = {
            "http.request.method": request.method,
            "server.address": request.url.host,
        }
        template = without_ids(request.url.path)
        started = time.perf_counter()
        try:
            with span(
                f"{request.method} {template}",
                kind=SpanKind.CLIENT,
                attributes={**labels, "url.template": template, "server.port": request.url.port or 80},
            ) as current:
                if traceparent := current_traceparent():
                    request.headers["traceparent"] = traceparent
                response = await self._inner.handle_async_request(request)
                labels["http.response.status_code"] = response.status_code
                current.set_attribute("http.response.status_code", response.status_code)
                if response.status_code >= REFUSED:
                    labels["error.type"] = str(response.status_code)
                    mark_failed(current, labels["error.type"])
                return response
        except httpx.HTTPError as exc:
            labels["error.type"] = type(exc).__name__
            raise
        finally:
            _call_seconds.record(time.perf_counter() - started, labels)

    async def aclose(self) -> None:
        await self._inner.aclose()


def internal_client(base_url: str, *, timeout_seconds: float) -> httpx.AsyncClient:
    """A client for another service of ours: no proxy from the environment, no redirects, trace sent along."""
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=timeout_seconds,
        trust_env=False,
        follow_redirects=False,
        transport=TracedTransport(),
    )

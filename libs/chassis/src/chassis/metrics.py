"""Metrics: a page in Prometheus' format on a port of its own, and OTLP when there is a collector.

Instruments may be made at import: they begin to count when `setup_metrics` has run. Counters that have not
counted yet are set to 0 by `begin_at_zero`, so that a rate can be told from the first event on.
"""

import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from wsgiref.simple_server import WSGIServer

import structlog
from opentelemetry import metrics
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Counter, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, start_http_server

from chassis.settings import ServiceSettings
from chassis.tracing import EXPORT_SECONDS, SCOPE

MEASURE_SECONDS: Final = 5.0
STALE_SECONDS: Final = 20.0
"""A gauge that was not measured for this long is left out: nobody knows its value."""
COUNT_LIMIT: Final = 10_000
"""Rows that a gauge counts at most: measuring a backlog must not add to it."""
FAST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Buckets for calls and requests."""
LONG_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0)
"""Buckets for runs, which may wait for Meta."""
_TIMEOUTS: Final = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT")

Labels = Mapping[str, str | int]
Reading = tuple[float | None, Labels]
Source = Callable[[], Awaitable[Mapping[str, Sequence[Reading]]]]
"""Measures some gauges, by name. A value of None is left out."""

meter = metrics.get_meter(SCOPE)
_closing: list[Callable[[], object]] = []


def setup_metrics(service: str, settings: ServiceSettings) -> None:
    """Begin to count, when there is a page or a collector to tell; else counting costs nothing."""
    readers: list[MetricReader] = []
    if settings.otlp_endpoint or settings.otlp_metrics_endpoint:
        readers.append(PeriodicExportingMetricReader(_otlp_exporter()))
    if settings.prometheus_port:
        registry = CollectorRegistry()
        readers.append(PrometheusMetricReader(scope_info_enabled=False, registry=registry))
        _open_page(settings.prometheus_host, settings.prometheus_port, registry)
    if readers:
        resource = Resource.create({"service.name": service})
        provider = MeterProvider(metric_readers=readers, resource=resource, shutdown_on_exit=False)
        _closing.append(provider.shutdown)
        metrics.set_meter_provider(provider)


def _otlp_exporter() -> MetricExporter:
    # Here, since without a collector nothing needs it: 3 MB, with Protobuf.
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415

    stated = any(os.environ.get(name) for name in _TIMEOUTS)
    return OTLPMetricExporter(timeout=None if stated else EXPORT_SECONDS)


def _open_page(host: str, port: int, registry: CollectorRegistry) -> None:
    try:
        server, thread = start_http_server(port, host, registry)
    except OSError as exc:
        # Who scrapes sees that this process is missing; that is no reason for it not to work.
        structlog.get_logger(__name__).error("metrics_page_missing", port=port, reason=str(exc))
        return
    _closing.append(lambda: _close_page(server, thread))


def close_metrics() -> None:
    """Push the last numbers and close the page. May wait for the collector."""
    while _closing:
        _ = _closing.pop()()


def begin_at_zero(counter: Counter, *labels: Labels) -> None:
    """Show a counter from the start, with these sets of labels; with none given, without labels."""
    for one in labels or ({},):
        counter.add(0, one)


@dataclass(kw_only=True)
class Gauges:
    """Gauges that are measured from time to time and told whenever someone asks.

    `described` has a unit and a sentence for each name.
    """

    described: Mapping[str, tuple[str, str]]
    sources: Sequence[Source]
    stale_seconds: float = STALE_SECONDS
    _measured: dict[Source, tuple[float, Mapping[str, Sequence[Reading]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, (unit, description) in self.described.items():
            _ = meter.create_observable_gauge(
                name, callbacks=[self._teller(name)], unit=unit, description=description
            )

    async def measure(self) -> None:
        """One round. What a source could not tell is forgotten.

        Raises:
            Exception: what the last source raised that failed; the others were measured all the same.
        """
        failure: Exception | None = None
        for source in self.sources:
            try:
                self._measured[source] = (time.monotonic(), await source())
            except Exception as exc:  # noqa: BLE001 - one source must not silence the others
                _ = self._measured.pop(source, None)
                failure = exc
        if failure:
            raise failure

    def _teller(self, name: str) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def tell(_: CallbackOptions) -> list[Observation]:
            oldest = time.monotonic() - self.stale_seconds
            return [
                Observation(value, labels)
                for at, readings in tuple(self._measured.values())
                if at > oldest
                for value, labels in readings.get(name, ())
                if value is not None
            ]

        return tell


def _close_page(server: WSGIServer, thread: threading.Thread) -> None:
    server.shutdown()
    server.server_close()
    thread.join()


def labelled(**labels: Any) -> dict[str, Any]:
    """Labels without those that are None."""
    return {name: value for name, value in labels.items() if value is not None}

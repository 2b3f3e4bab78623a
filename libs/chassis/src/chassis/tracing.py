"""Where spans go: to a collector, to a local file, past sampling if their run failed, and through a kill."""

import os
import time
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from chassis.kept_traces import KeptTraces, RecordAll, as_sampled
from chassis.open_spans import OpenSpans, lost_spans
from chassis.settings import ServiceSettings
from chassis.span_file import SpanFile

SCOPE: Final = "project-auto"
EXPORT_SECONDS: Final = 3.0
"""For one try to reach the collector, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise."""
CLOSE_SECONDS: Final = 2.0
"""So long an ending process waits for the collector to take what is left."""
_TIMEOUTS: Final = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")

chosen_span_id: ContextVar[int | None] = ContextVar("chosen_span_id", default=None)
"""The id of the next span, when someone else has to be able to name it."""
_pipeline: "Pipeline | None" = None


class _Ids(RandomIdGenerator):
    def generate_span_id(self) -> int:
        return chosen_span_id.get() or super().generate_span_id()


class _Forgetting(SpanExporter):
    """Lets go of the note about an open span once the collector has it, or has refused it."""

    def __init__(self, inner: SpanExporter, notes: OpenSpans) -> None:
        self._inner = inner
        self._notes = notes

    def export(self, spans: "list[ReadableSpan] | tuple[ReadableSpan, ...]") -> SpanExportResult:  # type: ignore[override]
        result = self._inner.export(spans)
        for span in spans:
            if context := span.get_span_context():
                self._notes.forget(context.span_id)
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()


class Pipeline(SpanProcessor):
    """Takes each span from its begin to everyone who is to be told of it."""

    def __init__(
        self,
        *,
        file: SpanFile | None,
        exporter: SpanExporter | None,
        notes: OpenSpans | None,
        kept: KeptTraces | None,
    ) -> None:
        self._file = file
        self._notes = notes
        self._kept = kept
        if exporter and notes:
            exporter = _Forgetting(exporter, notes)
        self._batch = BatchSpanProcessor(exporter) if exporter else None

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        del parent_context
        if self._notes and span.get_span_context().trace_flags.sampled:
            self._notes.opened(span)

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        assert context is not None  # noqa: S101 - a span that has ended had a context
        if context.trace_flags.sampled:
            self._tell(span, context.span_id)
        elif self._kept and not self._kept.hold(context.trace_id, span):
            self._tell(as_sampled(span), context.span_id)

    def keep(self, trace_id: int) -> None:
        """Export a trace that sampling has left out, as far as it is here."""
        for span in self._kept.keep(trace_id) if self._kept else ():
            self._tell(as_sampled(span), 0)

    def end_lost(self, span: ReadableSpan, *, told: bool) -> None:
        """Export what a dead process had in hand; `told` when it is in the local file already."""
        if self._file and not told:
            self._file.export([span])
        if self._batch:
            self._batch.on_end(span)

    def close(self, *, until: float) -> None:
        """Tell what is left; not later than `until`, on the monotonic clock."""
        if self._batch:
            # The processor's own shutdown would wait for up to 30 s.
            inner = self._batch._batch_processor  # noqa: SLF001
            inner.shutdown(timeout_millis=round(max(0.0, until - time.monotonic()) * 1000))
        if self._notes:
            self._notes.close()

    def _tell(self, span: ReadableSpan, span_id: int) -> None:
        if self._file:
            self._file.export([span])
        if self._batch:
            if self._notes and self._file:
                self._notes.told(span_id)
            self._batch.on_end(span)
        elif self._notes:
            self._notes.forget(span_id)


def setup_tracing(service: str, settings: ServiceSettings, *, keeps_failed: bool) -> None:
    """Begin to export spans to wherever the settings say; without any they only have ids."""
    global _pipeline  # noqa: PLW0603 - OpenTelemetry's own provider is one for the process, too
    resource = Resource.create({"service.name": service})
    provider = TracerProvider(resource=resource, id_generator=_Ids(), shutdown_on_exit=False)
    exporter = _otlp_exporter() if settings.otlp_endpoint or settings.otlp_traces_endpoint else None
    file = SpanFile(Path(settings.spans_file)) if settings.spans_file else None
    if exporter or file:
        folder = _folder_of_notes(settings)
        notes = OpenSpans(folder, service) if folder else None
        kept = KeptTraces() if keeps_failed else None
        if kept:
            provider.sampler = RecordAll(provider.sampler)
        _pipeline = Pipeline(file=file, exporter=exporter, notes=notes, kept=kept)
        provider.add_span_processor(_pipeline)
        if folder:
            scope = InstrumentationScope(SCOPE)
            for lost in lost_spans(folder, service, resource=resource, scope=scope):
                _pipeline.end_lost(lost.span, told=lost.told)
    trace.set_tracer_provider(provider)


def keep_trace(trace_id: str | None) -> None:
    """Export this trace although sampling left it out, as far as this process has it: its run has failed."""
    if _pipeline and trace_id:
        _pipeline.keep(int(trace_id, 16))


def close_tracing(*, until: float) -> None:
    """Export what is left; not later than `until`, on the monotonic clock."""
    global _pipeline
    pipeline, _pipeline = _pipeline, None
    if pipeline:
        pipeline.close(until=until)


def _otlp_exporter() -> SpanExporter:
    # Here, since without a collector nothing needs it: 3 MB, with Protobuf.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    # It reads the standard OTEL_* variables itself.
    stated = any(os.environ.get(name) for name in _TIMEOUTS)
    return OTLPSpanExporter(timeout=None if stated else EXPORT_SECONDS)


def _folder_of_notes(settings: ServiceSettings) -> Path | None:
    if settings.open_spans_dir:
        return Path(settings.open_spans_dir)
    return Path(settings.spans_file).parent if settings.spans_file else None

"""Sampling that keeps what failed: spans that sampling leaves out are held back until their run has an end.

A collector's tail sampling does the same for a whole installation; this is for those without one.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanContext, TraceFlags

MAX_TRACES: Final = 1000
MAX_SPANS: Final = 300
"""Of one trace; of a longer one the newest are held."""
HOLD_SECONDS: Final = 900.0
"""A trace is let go after this; a run is over in less, unless it waits long for Meta."""


class RecordAll(Sampler):
    """Decides as another sampler does, but has spans recorded that are not to be exported."""

    def __init__(self, inner: Sampler) -> None:
        self._inner = inner

    def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
        result = self._inner.should_sample(*args, **kwargs)
        if result.decision is not Decision.DROP:
            return result
        return SamplingResult(Decision.RECORD_ONLY, dict(result.attributes or {}), result.trace_state)

    def get_description(self) -> str:
        return f"RecordAll({self._inner.get_description()})"


class KeptTraces:
    """Holds back the spans of traces that are not sampled, bounded in number and time."""

    def __init__(
        self,
        *,
        max_traces: int = MAX_TRACES,
        max_spans: int = MAX_SPANS,
        hold_seconds: float = HOLD_SECONDS,
    ) -> None:
        self._max_traces = max_traces
        self._max_spans = max_spans
        self._hold_seconds = hold_seconds
        self._held: OrderedDict[int, tuple[float, deque[ReadableSpan]]] = OrderedDict()
        self._kept: OrderedDict[int, None] = OrderedDict()

    def hold(self, trace_id: int, span: ReadableSpan) -> bool:
        """Hold a span back; False when its trace is kept already, so that it is to be exported now."""
        if trace_id in self._kept:
            return False
        now = time.monotonic()
        if trace_id not in self._held:
            self._make_room(now)
            self._held[trace_id] = (now, deque(maxlen=self._max_spans))
        self._held[trace_id][1].append(span)
        return True

    def keep(self, trace_id: int) -> Sequence[ReadableSpan]:
        """The run has failed: what was held is to be exported, and all that comes."""
        self._kept[trace_id] = None
        while len(self._kept) > self._max_traces:
            self._kept.popitem(last=False)
        _, spans = self._held.pop(trace_id, (0.0, ()))
        return tuple(spans)

    def _make_room(self, now: float) -> None:
        while self._held:
            begun, _ = next(iter(self._held.values()))
            if len(self._held) < self._max_traces and now - begun < self._hold_seconds:
                return
            self._held.popitem(last=False)


def as_sampled(span: ReadableSpan) -> ReadableSpan:
    """The same span, to be exported: exporters pass over what is not marked as sampled."""
    context = span.get_span_context()
    assert context is not None  # noqa: S101 - a span that has ended had a context
    sampled = SpanContext(
        context.trace_id,
        context.span_id,
        is_remote=False,
        trace_flags=TraceFlags(context.trace_flags | TraceFlags.SAMPLED),
        trace_state=context.trace_state,
    )
    return ReadableSpan(
        name=span.name,
        context=sampled,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )

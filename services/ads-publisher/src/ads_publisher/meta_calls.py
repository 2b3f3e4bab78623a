"""What is told about one call to Meta: its span, its time, and the class of its outcome."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Literal

from opentelemetry.trace import Span, SpanKind

from ads_publisher.outcomes import Created, MetaError, NotSent, Outcome, Refused, Unknown, plain_text
from chassis.metrics import FAST_SECONDS, meter
from chassis.telemetry import mark_failed, span

OutcomeClass = Literal["ok", "refused", "unknown", "not_sent"]
TRACE_HEADER: Final = "x-fb-trace-id"
_CLASSES: Final[Mapping[type[Outcome], OutcomeClass]] = {
    Created: "ok",
    Refused: "refused",
    Unknown: "unknown",
    NotSent: "not_sent",
}
_meta_seconds = meter.create_histogram(
    "autoads.meta.call",
    unit="s",
    description="Time of one call to Meta",
    explicit_bucket_boundaries_advisory=FAST_SECONDS,
)
_about: ContextVar[Mapping[str, str | int] | None] = ContextVar("about", default=None)


@contextmanager
def about(step: str, *, attempt: int | None = None) -> Iterator[None]:
    """Let the calls of a block tell for which step of the run they are made, and for which attempt."""
    facts: dict[str, str | int] = {"run.step": step}
    if attempt is not None:
        facts["run.attempt"] = attempt
    token = _about.set(facts)
    try:
        yield
    finally:
        _about.reset(token)


class MetaCall:
    """One call. Until it is told otherwise, nobody knows what became of it."""

    def __init__(self, current: Span) -> None:
        self._current = current
        self.outcome: OutcomeClass = "unknown"

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer came, whatever it says."""
        self._current.set_attribute("http.response.status_code", status)
        if trace_id := plain_text(headers.get(TRACE_HEADER)):
            self._current.set_attribute("meta.fbtrace_id", trace_id)

    def became(self, outcome: Outcome) -> None:
        """What the answer, or its absence, means."""
        self.outcome = _CLASSES[type(outcome)]
        match outcome:
            case Refused(error=error):
                self.refused(error)
            case Unknown(reason=reason) | NotSent(reason=reason):
                mark_failed(self._current, reason)
            case _:
                pass

    def refused(self, error: MetaError) -> None:
        """Meta said no."""
        self.outcome = "refused"
        facts = {"meta.code": error.code, "meta.subcode": error.subcode, "meta.fbtrace_id": error.fbtrace_id}
        self._current.set_attributes({name: value for name, value in facts.items() if value is not None})
        mark_failed(self._current, f"meta_{error.code}")

    def end(self) -> None:
        self._current.set_attribute("meta.outcome", self.outcome)


@contextmanager
def meta_call(call: str, method: str, template: str, *, host: str) -> Iterator[MetaCall]:
    """Make one call to Meta in this block. `template` is the path without ids."""
    started = time.perf_counter()
    with span(
        f"{method} {template}",
        kind=SpanKind.CLIENT,
        attributes={
            "http.request.method": method,
            "url.template": template,
            "server.address": host,
            **(_about.get() or {}),
        },
    ) as current:
        made = MetaCall(current)
        try:
            yield made
        finally:
            made.end()
            _meta_seconds.record(time.perf_counter() - started, {"call": call, "outcome": made.outcome})

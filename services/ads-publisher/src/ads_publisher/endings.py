"""The ways out of a run: each is one transaction that ends the job, or gives it back until a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from opentelemetry import trace

from ads_publisher import metrics
from ads_publisher.calls import CallLog
from ads_publisher.meta_errors import Advice, describe
from ads_publisher.outcomes import MetaError
from ads_publisher.reporting import Report, Reports, report
from ads_publisher.store import DeadReason, Job
from chassis.telemetry import annotate, get_logger, mark_failed, trace_id_of
from chassis.tracing import keep_trace
from contracts.events import FixedBy, PublishMode, RunFailedBody, RunWaitingBody, StepName

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a run failed: `text` is what the run says, with the fact before the first comma.

    `dead_reason` is set when an operator may try the run again.
    """

    text: str
    code: str
    hint: str | None = None
    fixed_by: FixedBy | None = None
    step: StepName | None = None
    meta: MetaError | None = None
    dead_reason: DeadReason | None = None


CRASHED: Final = Failure(
    text="Something went wrong on our side. Nothing more is tried; an operator has been told.",
    code="INTERNAL",
    fixed_by="operator",
    dead_reason="crashed",
)
"""The end of a run that met the same bug too often."""


def prerequisite(text: str, step: StepName) -> Failure:
    """Something that the user has to set up first."""
    return Failure(text=text, code="MISSING_PREREQUISITE", fixed_by="user", step=step)


def refused_by_meta(error: MetaError, advice: Advice, step: StepName) -> Failure:
    return Failure(
        text=describe(error, advice),
        code=f"META_{error.code}",
        hint=advice.hint,
        fixed_by=advice.fixed_by,
        step=step,
        meta=error,
    )


async def fail(
    reports: Reports,
    job: Job,
    failure: Failure,
    mode: PublishMode,
    *,
    log: CallLog | None = None,
    untold: Iterable[tuple[type[Any], dict[str, Any]]] = (),
    **ids: str | None,
) -> None:
    """End the run as failed, after what is still untold.

    `ids` are the objects that exist all the same, `log` what was asked of Meta.
    """
    meta = failure.meta
    facts: dict[str, Any] = {}
    if meta is not None:
        facts = {
            "meta_code": meta.code,
            "meta_subcode": meta.subcode,
            "blame_fields": meta.blame_fields,
            "fbtrace_id": meta.fbtrace_id,
        }
    async with report(reports, job, log=log, step=failure.step) as news:
        news.draft.mode = mode
        for body, fields in untold:
            news.tell(body, **fields)
        news.tell(
            RunFailedBody,
            message=failure.text,
            mode=mode,
            error_code=failure.code,
            hint=failure.hint,
            fixed_by=failure.fixed_by,
            step=failure.step,
            **facts,
            **ids,
        )
        news.end("failed", dead_reason=failure.dead_reason)
        news.after_commit(partial(tell_end, job, error_code=failure.code))
    keep_trace(trace_id_of(job.traceparent))
    if failure.dead_reason:
        _log.error("run_dead", job_id=str(job.id), dead_reason=failure.dead_reason)


def tell_end(job: Job, *, error_code: str | None = None) -> None:
    """Count the end of a run, and mark the span in which it came."""
    metrics.run_ended(job, error_code=error_code)
    annotate(run_outcome=error_code or "success")
    if error_code:
        # By its status, a collector keeps the trace of every failed run.
        mark_failed(trace.get_current_span(), error_code)


def wait(news: Report, *, step: StepName, message: str, seconds: float) -> None:
    """Give the job back for some seconds and say so on the run."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    news.tell(RunWaitingBody, message=message.format(until=clock(until)), step=step, until=until)
    news.wait(seconds)


def clock(moment: datetime) -> str:
    """A time as a run says it."""
    return moment.astimezone(UTC).strftime("%H:%M:%S UTC")

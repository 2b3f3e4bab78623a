"""What the publisher counts; docs/observability.md has the list."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, get_args

from ads_publisher.saga import AttemptOutcome, Step
from ads_publisher.store import Job
from chassis.metrics import LONG_SECONDS, begin_at_zero, meter

ended = meter.create_counter("autoads.runs.ended", unit="{run}", description="Runs that came to an end")
queue_seconds = meter.create_histogram(
    "autoads.run.queue",
    unit="s",
    description="From taking a run in to its first claim",
    explicit_bucket_boundaries_advisory=LONG_SECONDS,
)
run_seconds = meter.create_histogram(
    "autoads.run.duration",
    unit="s",
    description="From taking a run in to its end, waits included",
    explicit_bucket_boundaries_advisory=LONG_SECONDS,
)
crashes = meter.create_counter(
    "autoads.run.crashes", unit="{exception}", description="Unexpected exceptions while a run was worked"
)
lease_lost = meter.create_counter(
    "autoads.lease.lost", unit="{run}", description="Runs that another process took over from this one"
)
step_outcomes = meter.create_counter(
    "autoads.step.outcomes", unit="{attempt}", description="Journaled outcomes of creates"
)
adopted = meter.create_counter(
    "autoads.objects.adopted", unit="{object}", description="Objects whose answer was lost, found and used"
)
throttle_waits = meter.create_counter(
    "autoads.throttle.waits", unit="{wait}", description="Waits because Meta limits calls"
)
throttle_seconds = meter.create_counter(
    "autoads.throttle.wait", unit="s", description="Seconds of waits because Meta limits calls, as planned"
)
sweeps = meter.create_counter(
    "autoads.sweeps", unit="{sweep}", description="Looks for extra objects after a lost answer"
)
findings = meter.create_counter(
    "autoads.sweeper.findings", unit="{object}", description="Extra objects, and what was done with them"
)
SCOPES: Final = ("account", "app", "known")
JOURNALED: Final = tuple(outcome for outcome in get_args(AttemptOutcome) if outcome != "gone")


def begin_counting(error_codes: Iterable[str]) -> None:
    """Show every counter before it counts, also failures with these codes: an alert must see the first."""
    for job_type in ("publish", "sync"):
        begin_at_zero(
            ended,
            {"job_type": job_type, "outcome": "success", "error_code": ""},
            *({"job_type": job_type, "outcome": "failed", "error_code": code} for code in error_codes),
        )
    for counter in (crashes, lease_lost):
        begin_at_zero(counter)
    for step in get_args(Step):
        begin_at_zero(step_outcomes, *({"step": step, "outcome": outcome} for outcome in JOURNALED))
        begin_at_zero(adopted, {"step": step})
        begin_at_zero(findings, *({"step": step, "action": action} for action in ("deleted", "left")))
    for counter in (throttle_waits, throttle_seconds):
        begin_at_zero(counter, *({"scope": scope} for scope in SCOPES))
    begin_at_zero(sweeps, *({"result": result} for result in ("clean", "extra", "delayed")))


def claimed(job: Job) -> None:
    """A run was claimed; its first claim ends its wait in the queue."""
    if job.fence == 1:
        queue_seconds.record(_age_seconds(job), {"job_type": job.kind})


def run_ended(job: Job, *, error_code: str | None) -> None:
    """A run has ended, for good or until an operator opens it again."""
    outcome = "failed" if error_code else "success"
    ended.add(1, {"job_type": job.kind, "outcome": outcome, "error_code": error_code or ""})
    run_seconds.record(_age_seconds(job), {"job_type": job.kind, "outcome": outcome})


def journaled(step: str, outcome: AttemptOutcome) -> None:
    """An attempt has got its outcome."""
    step_outcomes.add(1, {"step": step, "outcome": outcome})
    if outcome == "adopted":
        adopted.add(1, {"step": step})


def throttled(scope: str, seconds: float) -> None:
    """A run waits because Meta limits calls."""
    throttle_waits.add(1, {"scope": scope})
    throttle_seconds.add(seconds, {"scope": scope})


def _age_seconds(job: Job) -> float:
    return max(0.0, (datetime.now(UTC) - job.created_at).total_seconds())

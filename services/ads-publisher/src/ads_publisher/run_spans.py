"""The span of one claim of a run, named so that the next claim can link to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from opentelemetry.trace import Span

from ads_publisher.store import Job
from chassis.telemetry import customer_hash, span, with_span_id


@contextmanager
def claim_span(job: Job) -> Iterator[Span]:
    """Work in the trace of the click, below what brought the job, linked to the claim before.

    The id follows from the job and its fence: no column has to remember it.
    """
    before = (with_span_id(job.traceparent, _id(job, job.fence - 1)),) if job.traceparent else ()
    with span(
        f"run {job.kind}",
        traceparent=job.traceparent,
        span_id=_id(job, job.fence),
        links=before if job.fence > 1 else (),
        attributes={
            "run.id": str(job.run_id),
            "run.fence": job.fence,
            "run.replays": job.replays,
            "customer.hash": customer_hash(job.customer_id),
        },
    ) as current:
        yield current


def _id(job: Job, fence: int) -> int:
    return int.from_bytes(sha256(f"{job.id} {fence}".encode()).digest()[:8], "big") or 1

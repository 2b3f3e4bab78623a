"""`ads.publish` → the job table. Quick and repeatable: the work itself is the executor's."""

from collections.abc import Callable, Sequence

from ads_publisher import store
from ads_publisher.store import NewJob
from chassis.batches import Batches
from chassis.database import Pool, across_customers, transaction_of
from chassis.failpoints import failpoint
from chassis.outbox import send_again
from chassis.telemetry import annotate, customer_hash, get_logger
from contracts.events import AdsCommand, AdsPublish

_log = get_logger(__name__)


class Ingest:
    """Takes commands in; called for every entry at least once.

    Those that came together are one transaction.
    """

    def __init__(self, *, pool: Pool, wake: Callable[[], None]) -> None:
        self._pool = pool
        self._wake = wake
        self._batches = Batches(self._insert, at_once=1)

    async def __call__(self, event: AdsCommand) -> None:
        """Insert the job, or, when it is known, send the run's news again: the gateway seems to miss some."""
        job = _job(event)
        annotate(run_id=event.subject, customer_hash=customer_hash(event.customerid))
        await failpoint("publisher.ingest.before_insert")
        is_new = await self._batches.write(job)
        if not is_new:
            async with across_customers(self._pool) as connection:
                await send_again(connection, job.run_id)
        _log.info(
            "job_ingested" if is_new else "job_known",
            run_id=event.subject,
            customer_id=str(event.customerid),
            kind=job.kind,
        )
        self._wake()
        await failpoint("publisher.ingest.before_ack")

    async def _insert(self, jobs: Sequence[NewJob]) -> list[bool]:
        async with transaction_of(self._pool, (job.customer_id for job in jobs)) as connection:
            new = await store.insert_jobs(connection, jobs)
        return [job.id in new for job in jobs]


def _job(event: AdsCommand) -> NewJob:
    return NewJob(
        id=event.id,
        run_id=event.data.run_id,
        customer_id=event.customerid,
        kind="publish" if isinstance(event, AdsPublish) else "sync",
        lane=event.data.ad_account_id or f"customer:{event.customerid}",
        request=event.data.model_dump(mode="json", by_alias=True),
        traceparent=event.traceparent,
    )

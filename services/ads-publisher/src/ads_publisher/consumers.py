"""`ads.publish` → the job table. Quick and repeatable: the work itself is the executor's."""

from collections.abc import Callable
from typing import Any

from ads_publisher import store
from chassis.database import Pool, across_customers, transaction
from chassis.failpoints import failpoint
from chassis.outbox import send_again
from chassis.telemetry import annotate, customer_hash, get_logger
from contracts.events import AdsCommand, AdsPublish

_log = get_logger(__name__)


class Ingest:
    """Takes commands in; called for every entry at least once."""

    def __init__(self, *, pool: Pool, wake: Callable[[], None]) -> None:
        self._pool = pool
        self._wake = wake

    async def __call__(self, event: AdsCommand) -> None:
        """Insert the job, or, when it is known, send the run's news again: the gateway seems to miss some."""
        kind = "publish" if isinstance(event, AdsPublish) else "sync"
        annotate(run_id=event.subject, customer_hash=customer_hash(event.customerid))
        await failpoint("publisher.ingest.before_insert")
        async with transaction(self._pool, customer=event.customerid) as connection:
            is_new = await store.insert_job(
                connection,
                job_id=event.id,
                run_id=event.data.run_id,
                customer_id=event.customerid,
                kind=kind,
                lane=event.data.ad_account_id or f"customer:{event.customerid}",
                request=_request(event),
                traceparent=event.traceparent,
            )
        if not is_new:
            async with across_customers(self._pool) as connection:
                await send_again(connection, event.data.run_id)
        _log.info(
            "job_ingested" if is_new else "job_known",
            run_id=event.subject,
            customer_id=str(event.customerid),
            kind=kind,
        )
        self._wake()
        await failpoint("publisher.ingest.before_ack")


def _request(event: AdsCommand) -> dict[str, Any]:
    return event.data.model_dump(mode="json", by_alias=True)

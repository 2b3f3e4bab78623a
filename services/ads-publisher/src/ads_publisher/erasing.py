"""`meta.connections` → deletion of what came from Meta, when a person has asked Meta for it."""

from typing import Final

from ads_publisher import erasure_store
from chassis.database import Pool, across_customers, transaction
from chassis.telemetry import annotate, customer_hash, get_logger
from contracts.events import ConnectionChanged

EVERY_SECONDS: Final = 30.0
"""How often jobs that were open at the time of the request are looked at again; few rows, if any."""

_log = get_logger(__name__)


class Erasing:
    """Takes requests in and carries them out. The bare facts of jobs stay: when, how long, how they ended."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool

    async def __call__(self, event: ConnectionChanged) -> None:
        """Note a request and begin with it; other news about connections is the gateway's."""
        if event.data.erase_before is None:
            return
        annotate(customer_hash=customer_hash(event.customerid))
        async with transaction(self._pool, customer=event.customerid) as acquired:
            await erasure_store.begin_erasure(acquired, event.customerid, before=event.data.erase_before)
        await self.erase_due()

    async def erase_due(self) -> None:
        """Erase what is over; a job that is open, or whose news is not sent, comes later.

        Raises:
            Unavailable: the database does not answer.
        """
        async with across_customers(self._pool) as acquired:
            customers = await erasure_store.customers_to_erase(acquired)
        for customer_id in customers:
            async with across_customers(self._pool) as acquired:
                jobs = await erasure_store.erase_what_is_over(acquired, customer_id)
            if jobs:
                _log.info("meta_data_erased", customer_id=str(customer_id), jobs=jobs)

"""Reads the journals of the runs in hand: by one statement those that are asked for at the same moment."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from ads_publisher import store
from ads_publisher.store import Journal
from chassis.batches import Batches
from chassis.database import Pool, transaction_of

READS_AT_ONCE: Final = 2


class Journals:
    """The journals of all customers, for this process."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self._batches = Batches(self._load, at_once=READS_AT_ONCE)

    async def load(self, customer_id: UUID, ad_account_id: str) -> Journal:
        """The journal of a customer in an ad account.

        Raises:
            Unavailable: the database does not answer.
        """
        return await self._batches.write((customer_id, ad_account_id))

    async def _load(self, accounts: Sequence[tuple[UUID, str]]) -> list[Journal]:
        async with transaction_of(self._pool, (customer_id for customer_id, _ in accounts)) as connection:
            return await store.load_journals(connection, accounts)

"""Use case: put the data keys of all tokens under the current key, while the service works.

Only the wrapping of a data key is replaced; no token is opened. It can be stopped at any time and
begun again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from chassis.database import Pool, across_customers
from chassis.telemetry import get_logger
from meta_auth import check_store
from meta_auth.store import MetaConnection
from meta_auth.vault import CannotOpenError, Vault

BATCH: Final = 100
_BEFORE_ALL: Final = UUID(int=0)

_log = get_logger(__name__)


@dataclass(kw_only=True)
class Count:
    """What became of the rows; `left` counts by key id those that are still under another key."""

    rewrapped: int = 0
    changed_meanwhile: int = 0
    unreadable: int = 0
    left: dict[str, int] = field(default_factory=dict)


async def rewrap(pool: Pool, vault: Vault, *, tell: Callable[[str], None]) -> Count:
    """Go once through all rows under other keys, in the order of their ids."""
    count, after = Count(), _BEFORE_ALL
    while True:
        async with across_customers(pool) as acquired:
            rows = await check_store.find_on_other_keys(acquired, vault.key_id, after=after, limit=BATCH)
        if not rows:
            break
        for row in rows:
            await _rewrap_one(pool, vault, row, count)
        after = rows[-1].id
        tell(f"{count.rewrapped} rows re-wrapped so far")
    async with across_customers(pool) as acquired:
        count.left = await check_store.count_on_other_keys(acquired, vault.key_id)
    return count


async def _rewrap_one(pool: Pool, vault: Vault, row: MetaConnection, count: Count) -> None:
    assert row.sealed is not None  # noqa: S101 - such a row has a key id
    try:
        new = vault.rewrap(row.sealed, row.place)
    except CannotOpenError as exc:
        count.unreadable += 1
        _log.error("sealed_bytes_unreadable", customer_id=str(row.customer_id), reason=str(exc))
        return
    async with across_customers(pool) as acquired:
        if await check_store.replace_wrapping(acquired, row, new):
            count.rewrapped += 1
        else:
            count.changed_meanwhile += 1

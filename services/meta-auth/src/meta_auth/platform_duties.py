"""Use cases that Meta asks for: somebody has removed the app, or wants their data deleted.

One person may be connected to several customers: all of them are meant. What Meta hears never depends on
whether the person is known here.
"""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from chassis.database import Connection, Pool, across_customers, connection
from chassis.errors import ConfigProblem
from chassis.failpoints import failpoint
from chassis.telemetry import get_logger
from contracts.internal import DeletionReceipt, DeletionState
from meta_auth import deletion_store, store
from meta_auth.connections import announce
from meta_auth.deletion_store import DeletionRequest
from meta_auth.settings import Settings
from meta_auth.signed_requests import MetaRequest, person_hash, read_signed_request
from meta_auth.store import MetaConnection

CODE_BYTES: Final = 16
SKEW: Final = timedelta(seconds=60)
"""How far Meta's clock may be behind ours: a grant that looks a little younger than the request is meant."""
ERASE_SECONDS: Final = 5.0
"""How often open requests are looked for; an index holds those only."""

_log = get_logger(__name__)


class PlatformDuties:
    """What the platform's terms oblige an app to do."""

    def __init__(self, *, pool: Pool, settings: Settings) -> None:
        self._pool = pool
        self._settings = settings

    async def deauthorize(self, signed_request: str) -> None:
        """Forget the tokens of a person who has removed the app. Repeating it changes nothing.

        Raises:
            ValidationFailed: not signed by Meta.
            ConfigProblem: there is no app whose secret could check it.
        """
        asked = self._read(signed_request)
        async with across_customers(self._pool) as acquired:
            rows = await deletion_store.lock_connections_of(
                acquired, asked.user_id, granted_before=asked.asked_at + SKEW
            )
            for row in rows:
                await _empty(acquired, row)
        _log.info("meta_deauthorized", connections=len(rows))

    async def request_deletion(self, signed_request: str) -> DeletionReceipt:
        """Put a request for deletion into the journal. It is carried out soon, whatever happens to us.

        Raises:
            ValidationFailed: not signed by Meta.
            ConfigProblem: there is no app whose secret could check it.
        """
        asked = self._read(signed_request)
        async with connection(self._pool) as acquired:
            code = await deletion_store.add_request(
                acquired,
                code=secrets.token_hex(CODE_BYTES),
                request_hash=asked.request_hash,
                person_hash=person_hash(asked.user_id),
                asked_at=asked.asked_at,
            )
        _log.info("meta_deletion_requested", confirmation_code=code)
        return DeletionReceipt(confirmation_code=code)

    async def deletion_state(self, code: str) -> DeletionState:
        """Where a request stands, for whoever has its code."""
        async with connection(self._pool) as acquired:
            found = await deletion_store.find_request(acquired, code)
        if found is None:
            return DeletionState()
        return DeletionState(requested_at=found[0], completed_at=found[1])

    async def erase_due(self) -> None:
        """Carry out what is in the journal, one request in one transaction."""
        while await self._erase_one():
            pass

    async def _erase_one(self) -> bool:
        async with across_customers(self._pool) as acquired:
            request = await deletion_store.claim_open_request(acquired)
            if request is None:
                return False
            customers = await deletion_store.customers_of(acquired, request.person_hash)
            for customer_id in customers:
                await _erase(acquired, customer_id, request)
            await deletion_store.complete_request(acquired, request.confirmation_code)
            await failpoint("meta_auth.erase.before_commit")
        _log.info("meta_data_erased", confirmation_code=request.confirmation_code, customers=len(customers))
        return True

    def _read(self, signed_request: str) -> MetaRequest:
        app = self._settings.meta_app
        if app is None:
            raise ConfigProblem("Meta OAuth not configured")
        return read_signed_request(signed_request, app.app_secret, now=datetime.now(UTC))


async def _empty(acquired: Connection, row: MetaConnection) -> None:
    emptied = await store.empty_connection(acquired, row.customer_id)
    if emptied is not None:
        await announce(acquired, emptied, reason="deauthorized")


async def _erase(acquired: Connection, customer_id: UUID, request: DeletionRequest) -> None:
    """Erase here, and tell the others to. A grant that is younger than the request, or another's, stays."""
    row = await store.lock_connection(acquired, customer_id)
    is_theirs = row.meta_user_id is not None and person_hash(row.meta_user_id) == request.person_hash
    is_younger = row.granted_at is not None and row.granted_at > request.asked_at + SKEW
    stays = row.status != "disconnected" and (is_younger or not is_theirs)
    erase_before = row.granted_at if stays and row.granted_at else datetime.now(UTC)
    if not stays:
        row = await store.empty_connection(acquired, customer_id) or row
    if not (stays and is_theirs):
        await deletion_store.forget_person(acquired, request.person_hash, customer_id)
    await deletion_store.forget_news(acquired, customer_id)
    await announce(acquired, row, reason="data_deletion", erase_before=erase_before)

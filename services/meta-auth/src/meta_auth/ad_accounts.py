"""Use cases that read Meta for a user: list the ad accounts, select one, check that Meta answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from chassis.database import Pool, transaction
from chassis.errors import AppError, Conflict, ValidationFailed
from chassis.telemetry import get_logger
from contracts.internal import AdAccount, AdAccountList, ConnectionStatus, MetaUser, SmokeReport
from meta_auth import store
from meta_auth.connections import DEV_ACCOUNT, DEV_USER, Connections, Usable, announce
from meta_auth.describe import listed, placeholder_account, refusal_of, selected_from
from meta_auth.graph import GraphAccount
from meta_auth.graph_errors import MetaRefused
from meta_auth.meta import Meta
from meta_auth.transport import conversation_end, until

PLACEHOLDER_HINT: Final = "Dev mode: using placeholder data. Use real OAuth for actual API testing."
NO_ACCOUNTS_HINT: Final = "User data retrieved, but ad accounts fetch failed. Check permissions."

_log = get_logger(__name__)


class AdAccounts:
    """What a connected person may advertise with."""

    def __init__(self, *, pool: Pool, connections: Connections, meta: Meta) -> None:
        self._pool = pool
        self._connections = connections
        self._meta = meta

    async def list_all(self, customer_id: UUID) -> AdAccountList:
        """Every ad account of the person, with the reason where one cannot be selected.

        Raises:
            MissingPrerequisite: no usable connection.
            MetaApiError: Meta refused.
            Unavailable: Meta did not answer in time.
        """
        usable = await self._connections.usable(customer_id)
        async with self._conversation(usable):
            return AdAccountList(data=[listed(account) for account in await self._fetch(usable)])

    async def select(self, customer_id: UUID, ad_account_id: str) -> ConnectionStatus:
        """Choose the account that campaigns go to, and keep what the publisher needs to know of it.

        Raises:
            ValidationFailed: not in the person's list, or no campaign can be made in it.
            Conflict: the person reconnected while Meta was asked.
        """
        if not ad_account_id.strip():
            raise ValidationFailed("adAccountId cannot be empty")
        usable = await self._connections.usable(customer_id)
        async with self._conversation(usable):
            account = _pick(await self._fetch(usable), ad_account_id)
        async with transaction(self._pool, customer=customer_id) as acquired:
            row = await store.select_account(
                acquired, customer_id, usable.row.token_version, selected_from(account)
            )
            if row is None:
                raise Conflict("The Meta connection was changed at the same moment", hint="Try again.")
            await announce(acquired, row)
        _log.info("ad_account_selected", customer_id=str(customer_id), ad_account_id=account.id)
        return self._connections.describe(row)

    async def smoke(self, customer_id: UUID) -> SmokeReport:
        """Ask Meta who the person is and what they advertise with. Changes nothing.

        Raises:
            MissingPrerequisite: no usable connection.
            MetaApiError: Meta does not even say who the person is.
        """
        usable = await self._connections.usable(customer_id)
        if usable.token is None:
            row = usable.row
            return SmokeReport(
                me=MetaUser(id=row.meta_user_id or DEV_USER, name=row.meta_user_name or "Dev User"),
                ad_accounts=[_plain(account) for account in await self._fetch(usable)],
                hint=PLACEHOLDER_HINT,
            )
        async with self._conversation(usable):
            me = await self._meta.graph.me(usable.token)
            try:
                accounts = await self._fetch(usable)
            except AppError as exc:
                _log.warning("ad_accounts_failed", customer_id=str(customer_id), reason=exc.message)
                return SmokeReport(me=me, ad_accounts=[], hint=NO_ACCOUNTS_HINT)
        return SmokeReport(me=me, ad_accounts=[_plain(account) for account in accounts])

    async def _fetch(self, usable: Usable) -> list[GraphAccount]:
        if usable.token is None:
            return [placeholder_account(usable.row.placeholder_account_id or DEV_ACCOUNT)]
        return await self._meta.graph.ad_accounts(usable.token)

    @asynccontextmanager
    async def _conversation(self, usable: Usable) -> AsyncIterator[None]:
        """Bound the time, and mark the connection when Meta says that its token is dead."""
        try:
            async with until(conversation_end()):
                yield
        except MetaRefused as refused:
            if refused.ends_token:
                await self._connections.turn_to_error(
                    usable.row, refused.hint or refused.message, reason="token_revoked"
                )
            raise


def _pick(accounts: list[GraphAccount], wanted: str) -> GraphAccount:
    for account in accounts:
        if account.id == wanted:
            refusal = refusal_of(account)
            if refusal is not None:
                raise ValidationFailed(refusal[0], hint=refusal[1])
            return account
    raise ValidationFailed(
        f'Ad account "{wanted}" not found in your Meta account',
        hint="Select an ad account from the list of available accounts.",
    )


def _plain(account: GraphAccount) -> AdAccount:
    return AdAccount(
        id=account.id, name=account.name, account_status=account.status, currency=account.currency
    )

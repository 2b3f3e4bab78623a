"""Use cases around a customer's one connection: read it, lend its token, end it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from pydantic import SecretStr

from chassis.database import Connection, Pool, connection, transaction
from chassis.errors import AppError, ConfigProblem, FeatureDisabled, MissingPrerequisite
from chassis.outbox import add_event
from chassis.telemetry import annotate, current_traceparent, get_logger
from contracts.events import (
    CONNECTIONS_STREAM,
    ConnectionChanged,
    ConnectionChangedBody,
    ConnectionReason,
)
from contracts.internal import ConnectionStatus, DevConnect, DevConnected, Grant, GrantRequest, TokenTrouble
from meta_auth import metrics, store
from meta_auth.describe import EXPIRED, placeholder_account, selected_from, status_of
from meta_auth.graph_errors import ends_token, hint_for
from meta_auth.meta import Meta
from meta_auth.settings import Settings
from meta_auth.store import MetaConnection
from meta_auth.transport import conversation_end, until
from meta_auth.vault import CannotOpenError, Vault

DEV_USER: Final = "dev-user-123"
DEV_ACCOUNT: Final = "dev-account-123"
DEV_SCOPES: Final = ("ads_management", "business_management")
DEV_DAYS: Final = 90

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Usable:
    """A connection that Meta may be asked with; without a token it is a development placeholder."""

    row: MetaConnection
    token: SecretStr | None


class Connections:
    """Everything about a connection that does not need the dialog."""

    def __init__(self, *, pool: Pool, vault: Vault, meta: Meta, settings: Settings) -> None:
        self._pool = pool
        self._vault = vault
        self._meta = meta
        self._settings = settings

    async def status(self, customer_id: UUID) -> ConnectionStatus:
        """What the user may know of the connection now."""
        return self.describe(await self.current(customer_id))

    def describe(self, row: MetaConnection | None) -> ConnectionStatus:
        return status_of(row, asked=self._settings.meta_scopes, now=datetime.now(UTC))

    async def current(self, customer_id: UUID) -> MetaConnection | None:
        """The stored connection; one whose token has run out is turned to `error` on the way."""
        async with connection(self._pool) as acquired:
            row = await store.read_connection(acquired, customer_id)
        if row and row.status == "connected" and row.expires_at and row.expires_at <= datetime.now(UTC):
            return await self.turn_to_error(row, EXPIRED, reason="token_expired")
        return row

    async def usable(self, customer_id: UUID) -> Usable:
        """The connection, if Meta may be asked with it.

        Raises:
            MissingPrerequisite: there is none, it is broken, or its token cannot be read.
        """
        row = await self.current(customer_id)
        if row is None or row.status == "disconnected":
            raise MissingPrerequisite(
                "No Meta connection found", hint="Connect your Meta account in Settings first."
            )
        if row.status != "connected":
            raise MissingPrerequisite(
                f'Meta connection status is "{row.status}", expected "connected"',
                hint="Reconnect Meta in Settings.",
            )
        token = self.open_token(row)
        if token is None and not row.is_placeholder:
            raise MissingPrerequisite(
                "Meta access token is missing", hint="Reconnect Meta in Settings to refresh your token."
            )
        return Usable(row=row, token=token)

    async def grant(self, customer_id: UUID, request: GrantRequest) -> Grant:
        """Lend the publisher the token for one run. A placeholder is never lent."""
        row = await self.current(customer_id)
        if row is None:
            return Grant(status="disconnected")
        token = self.open_token(row) if row.status == "connected" else None
        annotate(run_id=str(request.run_id))
        _log.info(
            "grant_given", customer_id=str(customer_id), run_id=str(request.run_id), usable=token is not None
        )
        selected = row.selected
        return Grant(
            status=row.status,
            version=row.token_version,
            ad_account_id=selected.id if selected else None,
            access_token=token,
            scopes=row.scopes or [],
            token_expires_at=row.expires_at,
            currency=selected.currency if selected else None,
            min_daily_budget_minor=selected.min_daily_budget_minor if selected else None,
            dsa_beneficiary=selected.dsa_beneficiary if selected else None,
            dsa_payor=selected.dsa_payor if selected else None,
        )

    async def report_trouble(self, customer_id: UUID, trouble: TokenTrouble) -> ConnectionStatus:
        """Take note that Meta refused a token; only the current one can break the connection."""
        row = await self.current(customer_id)
        dead = ends_token(trouble.code, trouble.subcode)
        if row is not None and dead and row.token_version == trouble.version:
            hint = hint_for(trouble.code, trouble.subcode)
            row = await self.turn_to_error(row, hint, reason="token_revoked")
        _log.warning(
            "token_trouble",
            customer_id=str(customer_id),
            meta_code=trouble.code,
            subcode=trouble.subcode,
            status=row.status if row else "disconnected",
        )
        return self.describe(row)

    async def turn_to_error(
        self, row: MetaConnection, trouble: str, *, reason: ConnectionReason
    ) -> MetaConnection | None:
        """Mark the connection as broken, unless its token was replaced meanwhile."""
        async with transaction(self._pool, customer=row.customer_id) as acquired:
            broken = await store.turn_to_error(acquired, row.customer_id, row.token_version, trouble)
            if broken is None:
                return await store.find_connection(acquired, row.customer_id)
            await announce(acquired, broken, reason=reason)
        metrics.broken.add(1)
        _log.warning("meta_connection_broken", customer_id=str(row.customer_id), trouble=trouble)
        return broken

    async def dev_connect(self, customer_id: UUID, body: DevConnect) -> DevConnected:
        """Store a placeholder connection, for development without a Meta app.

        Raises:
            FeatureDisabled: `ALLOW_DEV_META` is not `true`.
        """
        if not self._settings.allow_dev_meta:
            raise FeatureDisabled("Dev Meta connect is disabled. Set ALLOW_DEV_META=true to enable.")
        grant = store.NewGrant(
            meta_user_id=body.meta_user_id or DEV_USER,
            meta_user_name="Dev User",
            sealed=None,
            scopes=list(DEV_SCOPES) if body.scopes is None else body.scopes,
            expires_at=datetime.now(UTC) + timedelta(days=DEV_DAYS),
            placeholder_account_id=body.ad_account_id or DEV_ACCOUNT,
        )
        account = selected_from(placeholder_account(body.ad_account_id or DEV_ACCOUNT))
        async with transaction(self._pool, customer=customer_id) as acquired:
            before = await store.lock_connection(acquired, customer_id)
            kept = account if before.selected and before.selected.id == account.id else None
            row = await store.replace_grant(acquired, customer_id, grant, kept)
            await announce(acquired, row)
        _log.info("meta_connected", customer_id=str(customer_id), placeholder=True)
        return DevConnected(created=before.status == "disconnected", status=self.describe(row))

    async def disconnect(self, customer_id: UUID) -> ConnectionStatus:
        """Take the grant back at Meta and forget it here.

        Raises:
            ConfigProblem: there is nothing to disconnect.
        """
        row = await self.current(customer_id)
        if row is None or row.status == "disconnected":
            raise ConfigProblem("No Meta connection found to disconnect")
        await self._revoke(row)
        async with transaction(self._pool, customer=customer_id) as acquired:
            emptied = await store.empty_connection(acquired, customer_id)
            if emptied is not None:
                await announce(acquired, emptied)
        _log.info("meta_disconnected", customer_id=str(customer_id))
        return self.describe(emptied)

    async def _revoke(self, row: MetaConnection) -> None:
        """Revoke at Meta; a failure must not keep a user from disconnecting.

        Meta knows one grant per person and app: another customer who connected as the same person is told
        by Meta's next answer.
        """
        token = self.open_token(row)
        if token is None:
            return
        try:
            async with until(conversation_end()):
                await self._meta.graph.revoke(token)
        except AppError as exc:
            _log.warning("meta_revoke_failed", customer_id=str(row.customer_id), reason=exc.message)

    def open_token(self, row: MetaConnection) -> SecretStr | None:
        """The token of a row; None when there is none, or none that can be read."""
        if row.sealed is None:
            return None
        try:
            return self._vault.open(row.sealed, row.place)
        except CannotOpenError as exc:
            _log.error("sealed_bytes_unreadable", customer_id=str(row.customer_id), reason=str(exc))
            return None


async def announce(
    acquired: Connection,
    row: MetaConnection,
    *,
    reason: ConnectionReason | None = None,
    expires_in_days: int | None = None,
    erase_before: datetime | None = None,
) -> None:
    """Tell the other services about a change, in the transaction that makes it."""
    selected = row.selected
    event = ConnectionChanged(
        id=uuid4(),
        source="/meta-auth",
        time=datetime.now(UTC),
        subject=str(row.customer_id),
        traceparent=current_traceparent(),
        customerid=row.customer_id,
        data=ConnectionChangedBody(
            version=row.version,
            status=row.status,
            meta_user_id=row.meta_user_id,
            selected_ad_account_id=selected.id if selected else None,
            currency=selected.currency if selected else None,
            min_daily_budget_minor=selected.min_daily_budget_minor if selected else None,
            reason=reason,
            expires_in_days=expires_in_days,
            erase_before=erase_before,
        ),
    )
    await add_event(acquired, CONNECTIONS_STREAM, event)

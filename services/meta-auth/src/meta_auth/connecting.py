"""Use cases of the dialog: send a browser to Meta, and take it back with a verified grant.

Everything is verified before one transaction replaces the old grant, so a declined or failed attempt
leaves a working connection as it was.
Source: RFC 9700 sections 2.1, 4.4 and 4.7 (state: one use, short life, bound to browser, user and customer).
"""

import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from uuid import UUID

from chassis.database import Pool, across_customers, transaction
from chassis.errors import AppError, ConfigProblem, MetaApiError
from chassis.failpoints import failpoint
from chassis.telemetry import get_logger
from contracts.internal import (
    CallbackOutcome,
    CallbackResult,
    ConnectUrl,
    MetaUser,
    OAuthCallback,
    SessionRef,
)
from meta_auth import deletion_store, store
from meta_auth.connections import Connections, announce
from meta_auth.describe import selected_from
from meta_auth.graph import TokenFacts
from meta_auth.meta import Meta
from meta_auth.oauth import FreshToken, MetaOAuth
from meta_auth.settings import Settings
from meta_auth.signed_requests import person_hash
from meta_auth.store import MetaConnection, PendingState, SelectedAccount
from meta_auth.transport import conversation_end, until
from meta_auth.vault import Vault

STATE_BYTES: Final = 32
MAX_DETAIL: Final = 200

_log = get_logger(__name__)


class ConnectFailedError(Exception):
    """The visit to the dialog ended without a grant; `detail` is Meta's own text."""

    def __init__(self, outcome: CallbackOutcome, detail: str | None = None) -> None:
        super().__init__(outcome)
        self.outcome: CallbackOutcome = outcome
        self.detail = detail


@dataclass(frozen=True, kw_only=True)
class VerifiedGrant:
    """A token, whose it is, what it may do, and the person's ad accounts where they were needed."""

    fresh: FreshToken
    facts: TokenFacts
    me: MetaUser
    scopes: list[str]
    accounts: dict[str, SelectedAccount]


class Connecting:
    """The way to Meta and back."""

    def __init__(
        self, *, pool: Pool, vault: Vault, meta: Meta, connections: Connections, settings: Settings
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._meta = meta
        self._connections = connections
        self._settings = settings

    async def connect_url(self, who: SessionRef) -> ConnectUrl:
        """Address of Meta's dialog for this browser, good for ten minutes and one return.

        Raises:
            ConfigProblem: the app's settings are incomplete.
        """
        oauth = self._meta.oauth
        state = secrets.token_urlsafe(STATE_BYTES)
        pending = PendingState(
            state_hash=_digest(state),
            customer_id=who.customer_id,
            user_id=who.user_id,
            session_hash=who.session_hash,
        )
        async with transaction(self._pool, customer=who.customer_id) as acquired:
            row = await store.find_connection(acquired, who.customer_id)
            declined = await store.last_outcome(acquired, who.customer_id) == "missing_scopes"
            await store.add_state(acquired, pending)
        lacking = bool(self._connections.describe(row).missing_scopes)
        return ConnectUrl(url=oauth.authorization_url(state, ask_again=declined or lacking))

    async def finish(self, callback: OAuthCallback) -> CallbackResult:
        """Take a browser back from the dialog. Never raises: every end is an outcome."""
        try:
            row = await self._finish(callback)
        except ConnectFailedError as failed:
            _log.warning("meta_connect_failed", outcome=failed.outcome, cause=_cause(failed))
            return CallbackResult(outcome=failed.outcome, detail=failed.detail)
        except Exception:  # noqa: BLE001 - a browser waits for a page, whatever happened
            _log.exception("meta_connect_failed", outcome="internal_error")
            return CallbackResult(outcome="internal_error")
        _log.info("meta_connected", customer_id=str(row.customer_id), placeholder=False)
        return CallbackResult(outcome="connected", status=self._connections.describe(row))

    async def _finish(self, callback: OAuthCallback) -> MetaConnection:
        pending = await self._use_state(callback)
        try:
            code = _code_of(callback)
            grant = await self._verified_grant(self._oauth(), code, pending.customer_id)
        except ConnectFailedError as failed:
            async with transaction(self._pool, customer=pending.customer_id) as acquired:
                await store.record_outcome(acquired, pending.state_hash, failed.outcome)
            raise
        return await self._keep(pending, grant)

    async def _use_state(self, callback: OAuthCallback) -> PendingState:
        """Check that this browser started the visit, then consume its state."""
        state_hash, session = _digest(callback.state), callback.session
        # Whose visit it was, only the state says.
        async with across_customers(self._pool) as acquired:
            await store.forget_old_states(acquired)
            pending = await store.find_open_state(acquired, state_hash)
            if pending is None:
                raise ConnectFailedError("invalid_state")
            if session is None:
                raise ConnectFailedError("session_expired")
            if (session.customer_id, session.user_id) != (pending.customer_id, pending.user_id):
                raise ConnectFailedError("session_mismatch")
            if not hmac.compare_digest(session.session_hash.encode(), pending.session_hash.encode()):
                raise ConnectFailedError("invalid_state")
            if not await store.use_state(acquired, state_hash):
                raise ConnectFailedError("invalid_state")
        return pending

    def _oauth(self) -> MetaOAuth:
        try:
            return self._meta.oauth
        except ConfigProblem as exc:
            raise ConnectFailedError("oauth_not_configured") from exc

    async def _verified_grant(self, oauth: MetaOAuth, code: str, customer_id: UUID) -> VerifiedGrant:
        end = conversation_end()
        graph = self._meta.graph
        async with _stage("token_exchange_failed", end):
            fresh = await oauth.exchange(code)
        await failpoint("meta_auth.code_exchanged")
        async with _stage("token_exchange_failed", end):
            facts = await graph.inspect(fresh.token)
            self._check_issued_to_us(facts)
        async with _stage("failed_to_fetch_user", end):
            me = await graph.me(fresh.token)
            scopes = await graph.granted_scopes(fresh.token)
            if me.id != facts.user_id:
                raise MetaApiError("Meta names two people for one token.")
        if not set(self._settings.meta_required_scopes) <= set(scopes):
            raise ConnectFailedError("missing_scopes")
        before = await self._connections.current(customer_id)
        accounts: dict[str, SelectedAccount] = {}
        if before is not None and before.selected is not None:
            async with _stage("failed_to_fetch_user", end):
                accounts = {each.id: selected_from(each) for each in await graph.ad_accounts(fresh.token)}
        return VerifiedGrant(fresh=fresh, facts=facts, me=me, scopes=scopes, accounts=accounts)

    def _check_issued_to_us(self, facts: TokenFacts) -> None:
        """A token of another app, slipped in, would let that app's owner act here as somebody else.

        Source: RFC 9700 section 4.4, https://developers.facebook.com/docs/facebook-login/security
        """
        if not facts.is_valid or facts.app_id != self._settings.meta_app_id:
            raise MetaApiError("Meta's token was not issued to this app.")

    async def _keep(self, pending: PendingState, grant: VerifiedGrant) -> MetaConnection:
        async with transaction(self._pool, customer=pending.customer_id) as acquired:
            before = await store.lock_connection(acquired, pending.customer_id)
            new = store.NewGrant(
                meta_user_id=grant.me.id,
                meta_user_name=grant.me.name,
                sealed=self._vault.seal(grant.fresh.token, before.place),
                scopes=grant.scopes,
                expires_at=grant.facts.expires_at or grant.fresh.expires_at,
                data_access_expires_at=grant.facts.data_access_expires_at,
            )
            # The selected account stays if the new grant still reaches it.
            kept = grant.accounts.get(before.selected.id) if before.selected else None
            row = await store.replace_grant(acquired, pending.customer_id, new, kept)
            await deletion_store.remember_person(acquired, person_hash(grant.me.id), pending.customer_id)
            await store.record_outcome(acquired, pending.state_hash, "connected")
            await announce(acquired, row)
        return row


@asynccontextmanager
async def _stage(outcome: CallbackOutcome, end: float) -> AsyncIterator[None]:
    """A part of the conversation with Meta whose failure has its own outcome."""
    try:
        async with until(end):
            yield
    except AppError as exc:
        raise ConnectFailedError(outcome) from exc


def _code_of(callback: OAuthCallback) -> str:
    if callback.error is not None:
        detail = callback.error_description or callback.error_reason or callback.error
        raise ConnectFailedError("declined", detail[:MAX_DETAIL] or "access_denied")
    if not callback.code:
        raise ConnectFailedError("missing_code")
    return callback.code


def _cause(failed: ConnectFailedError) -> str | None:
    return failed.__cause__.message if isinstance(failed.__cause__, AppError) else None


def _digest(state: str) -> str:
    return sha256(state.encode()).hexdigest()

"""The Meta connection, which belongs to meta-auth: a client of its API, and our copy of the state."""

from typing import Any, Final, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from chassis.database import Connection, Pool, transaction
from chassis.errors import AppError, Retryable, Unavailable, error_classes
from chassis.inbox import first_time
from chassis.service_tokens import TokenSigner, purpose_of
from chassis.telemetry import get_logger
from contracts.errors import ErrorBody
from contracts.events import ConnectionChanged, ConnectionChangedBody
from contracts.internal import (
    AdAccountList,
    CallbackResult,
    ConnectionStatus,
    ConnectUrl,
    DeletionQuestion,
    DeletionReceipt,
    DeletionState,
    DevConnect,
    DevConnected,
    Done,
    OAuthCallback,
    SelectAdAccount,
    SessionRef,
    SignedRequest,
    SmokeReport,
)
from gateway.accounts import Session
from gateway.store import ads as store
from gateway.store import erasures
from gateway.store.audit import add_audit_entry, has_connection_entry, pseudonym

META_AUTH: Final = "meta-auth"
STATUS_SECONDS: Final = 5.0
"""The status is answered from meta-auth's own rows; the other calls may wait for Meta."""
NOBODY: Final = UUID(int=0)
"""The customer of a call that is made before anybody knows whose it is: the OAuth callback."""
RETRY_SECONDS: Final = 5.0
PASSED_ON: Final = {
    (cls.code, cls.status): cls
    for cls in error_classes()
    # The general ones: our own kinds of them say something else, and take other arguments.
    if cls.__module__ == AppError.__module__
    and cls.code
    in {
        "VALIDATION_ERROR",
        "MISSING_PREREQUISITE",
        "CONFIG_ERROR",
        "META_API_ERROR",
        "CONFLICT",
        "NOT_FOUND",
        "RATE_LIMITED",
        "UNAVAILABLE",
    }
}
"""Errors that are meant for the user. UNAUTHORIZED and the like would be about us, not about the user."""

AnswerT = TypeVar("AnswerT", bound=BaseModel)
_log = get_logger(__name__)


class Connections:
    """What a user can do with the Meta connection."""

    def __init__(self, *, client: httpx.AsyncClient, signer: TokenSigner, pool: Pool) -> None:
        self._client = client
        self._signer = signer
        self._pool = pool

    async def status(self, customer_id: UUID) -> ConnectionStatus:
        """The connection as it is now."""
        status = await self._call("GET", customer_id, "", ConnectionStatus, timeout_seconds=STATUS_SECONDS)
        await self._remember(customer_id, status)
        return status

    async def connect_url(self, session: Session) -> str:
        """Where to send the browser for the user's consent."""
        answer = await self._call(
            "POST", session.customer_id, "/connect-url", ConnectUrl, _session_ref(session)
        )
        return answer.url

    async def callback(self, callback: OAuthCallback) -> CallbackResult:
        """Hand on what Meta sent with the browser, and say how the visit ended."""
        result = await self._call("POST", NOBODY, "/callback", CallbackResult, callback)
        if result.status and callback.session:
            await self._note("meta_connect", callback.session, result.status)
        elif callback.session:
            await self._note("meta_connect", callback.session, result="failed", outcome=result.outcome)
        return result

    async def ad_accounts(self, customer_id: UUID) -> AdAccountList:
        """All ad accounts that the user may see at Meta."""
        return await self._call("GET", customer_id, "/ad-accounts", AdAccountList)

    async def select(self, session: Session, ad_account_id: str) -> ConnectionStatus:
        """Choose the ad account that publishes go to."""
        body = SelectAdAccount(ad_account_id=ad_account_id)
        status = await self._call("POST", session.customer_id, "/select", ConnectionStatus, body)
        chosen = pseudonym(session.customer_id, ad_account_id)
        await self._note("meta_select", session, status, ad_account=chosen)
        return status

    async def dev_connect(self, session: Session, body: DevConnect) -> DevConnected:
        """Pretend to be connected, where the installation allows it."""
        answer = await self._call("POST", session.customer_id, "/dev-connect", DevConnected, body)
        await self._note("meta_dev_connect", session, answer.status)
        return answer

    async def disconnect(self, session: Session) -> ConnectionStatus:
        """Give the grant back to Meta and forget the token and the selection."""
        status = await self._call("POST", session.customer_id, "/disconnect", ConnectionStatus)
        await self._note("meta_disconnect", session, status)
        return status

    async def deauthorize(self, signed_request: str) -> None:
        """Pass on Meta's word that somebody has removed the app.

        Raises:
            ValidationFailed: not signed by Meta.
        """
        body = SignedRequest(signed_request=signed_request)
        await self._call("POST", NOBODY, "/deauthorize", Done, body)

    async def request_deletion(self, signed_request: str) -> str:
        """Pass on a person's wish to have their data deleted; returns the code to ask about it with.

        Raises:
            ValidationFailed: not signed by Meta.
        """
        body = SignedRequest(signed_request=signed_request)
        receipt = await self._call("POST", NOBODY, "/data-deletion", DeletionReceipt, body)
        return receipt.confirmation_code

    async def deletion_state(self, code: str) -> DeletionState:
        """Where a request for deletion stands."""
        body = DeletionQuestion(confirmation_code=code)
        return await self._call("POST", NOBODY, "/deletion-state", DeletionState, body)

    async def smoke(self, customer_id: UUID) -> SmokeReport:
        """A read-only check that the token works."""
        return await self._call("GET", customer_id, "/smoke", SmokeReport)

    async def _remember(self, customer_id: UUID, status: ConnectionStatus) -> None:
        async with transaction(self._pool, customer=customer_id) as conn:
            await _save_view(conn, customer_id, status)

    async def _note(
        self,
        action: str,
        who: Session | SessionRef,
        status: ConnectionStatus | None = None,
        *,
        result: str = "ok",
        **detail: Any,
    ) -> None:
        """Keep the state that an action led to, and that somebody took it."""
        async with transaction(self._pool, customer=who.customer_id) as conn:
            if status:
                await _save_view(conn, who.customer_id, status)
                detail["version"] = status.version
            await add_audit_entry(
                conn, action, result=result, customer_id=who.customer_id, user_id=who.user_id, **detail
            )

    async def _call(
        self,
        method: str,
        customer_id: UUID,
        path: str,
        answer: type[AnswerT],
        body: BaseModel | None = None,
        *,
        timeout_seconds: float | None = None,
    ) -> AnswerT:
        """Make one internal call.

        Raises:
            AppError: what meta-auth says to the user, unchanged.
            Unavailable: meta-auth does not answer, or not in a way that we can use.
        """
        url = f"/internal/connections/{customer_id}{path}"
        token = self._signer.token(audience=META_AUTH, customer_id=customer_id, purpose=purpose_of(url))
        content = None if method == "GET" else (body.model_dump_json(by_alias=True) if body else "{}")
        try:
            response = await self._client.request(
                method,
                url,
                content=content,
                headers={"authorization": f"Bearer {token}", "content-type": "application/json"},
                timeout=timeout_seconds or self._client.timeout,
            )
        except httpx.HTTPError as exc:
            _log.warning("meta_auth_unreachable", path=path, error=type(exc).__name__)
            raise _unavailable() from exc
        if not response.is_success:
            raise _error_of(response)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as exc:
            _log.exception("meta_auth_answer_unreadable", path=path)
            raise _unavailable() from exc


async def record_connection(pool: Pool, event: ConnectionChanged) -> None:
    """Keep what meta-auth told about a connection, note what Meta did to it, erase what Meta wants erased.

    Late news changes nothing, but a deletion counts whenever it comes.
    """
    data = event.data
    async with transaction(pool, customer=event.customerid) as conn:
        if not await first_time(conn, event.id):
            return
        await _save_view(conn, event.customerid, data)
        if data.reason is not None:
            await add_audit_entry(
                conn,
                f"meta_{data.reason}",
                result=data.status,
                customer_id=event.customerid,
                actor="meta",
                expires_in_days=data.expires_in_days,
            )
        elif not await has_connection_entry(conn, event.customerid, data.version):
            # A user did it, by a gateway that did not live to note it, or is about to.
            await add_audit_entry(
                conn,
                "meta_connection",
                result=data.status,
                customer_id=event.customerid,
                actor="meta-auth",
                version=data.version,
            )
        if data.erase_before is not None:
            await erasures.begin_erasure(conn, event.customerid, before=data.erase_before)
            await erasures.erase_what_is_over(conn, [event.customerid])


async def _save_view(
    conn: Connection, customer_id: UUID, state: ConnectionStatus | ConnectionChangedBody
) -> None:
    if state.version == 0:  # never connected: there is nothing to remember
        return
    await store.save_connection_view(
        conn,
        customer_id,
        version=state.version,
        status=state.status,
        meta_user_id=state.meta_user_id,
        ad_account_id=state.selected_ad_account_id,
        currency=state.currency,
        min_daily_budget_minor=state.min_daily_budget_minor,
    )


def _session_ref(session: Session) -> SessionRef:
    return SessionRef(
        user_id=session.user_id, customer_id=session.customer_id, session_hash=session.token_hash
    )


def _unavailable() -> Unavailable:
    return Unavailable(
        "The Meta connection service does not answer",
        hint="Try again in a moment.",
        retry_after_seconds=RETRY_SECONDS,
    )


def _error_of(response: httpx.Response) -> AppError:
    try:
        body = ErrorBody.model_validate_json(response.content)
    except ValidationError:
        body = None
    error_class = PASSED_ON.get((body.error, response.status_code)) if body else None
    if body is None or error_class is None:
        _log.error(
            "meta_auth_refused_us", status=response.status_code, error_code=body.error if body else None
        )
        return _unavailable()
    if issubclass(error_class, Retryable):
        seconds = response.headers.get("retry-after", "")
        wait = float(seconds) if seconds.isdigit() else RETRY_SECONDS
        return error_class(body.message, hint=body.hint, retry_after_seconds=wait)
    return error_class(body.message, hint=body.hint, issues=body.issues)

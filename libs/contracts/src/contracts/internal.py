"""Bodies of the internal HTTP calls: gateway → meta-auth and publisher → meta-auth.

All paths start with `/internal/connections/{customer_id}` and need a service token.
"""

from typing import Literal
from uuid import UUID

from pydantic import Field, SecretStr, field_serializer

from contracts.events import ConnectionState
from contracts.wire import UtcTime, WireModel


class ConnectionStatus(WireModel):
    """The connection as a user may see it. Never carries a token."""

    status: ConnectionState
    meta_user_id: str | None = None
    ad_account_id: str | None = None
    scopes: list[str] | None = None
    token_expires_at: UtcTime | None = None
    selected_ad_account_id: str | None = None
    hint: str | None = None
    granted_scopes: list[str] | None = None
    missing_scopes: list[str] | None = None
    expires_in_days: int | None = None
    version: int = 0
    currency: str | None = None
    min_daily_budget_minor: int | None = None


class SessionRef(WireModel):
    """Who is at the browser. `session_hash` is a digest, so it cannot be used to log in."""

    user_id: UUID
    customer_id: UUID
    session_hash: str


class ConnectUrl(WireModel):
    url: str


class OAuthCallback(WireModel):
    """What Meta sent to the redirect address, with the session that the browser showed, if any."""

    state: str
    code: str | None = None
    error: str | None = None
    error_reason: str | None = None
    error_description: str | None = None
    session: SessionRef | None = None


CallbackOutcome = Literal[
    "connected",
    "invalid_state",
    "session_expired",
    "session_mismatch",
    "declined",
    "missing_code",
    "oauth_not_configured",
    "token_exchange_failed",
    "failed_to_fetch_user",
    "missing_scopes",
    "internal_error",
]


class CallbackResult(WireModel):
    """`detail` is Meta's own text when `outcome` is `declined`. `status` is set when connected."""

    outcome: CallbackOutcome
    detail: str | None = None
    status: ConnectionStatus | None = None


class AdAccount(WireModel):
    """One ad account as the frontend lists it; `min_daily_budget` is in minor units."""

    id: str
    name: str | None = None
    account_status: int | None = Field(default=None, alias="account_status")
    currency: str | None = None
    selectable: bool | None = None
    reason: str | None = None
    min_daily_budget: int | None = None


class AdAccountList(WireModel):
    data: list[AdAccount]


class SelectAdAccount(WireModel):
    ad_account_id: str


class DevConnect(WireModel):
    meta_user_id: str | None = None
    ad_account_id: str | None = None
    scopes: list[str] | None = None


class DevConnected(WireModel):
    """`created` is false when a connection was there before."""

    created: bool
    status: ConnectionStatus


class MetaUser(WireModel):
    id: str
    name: str


class SmokeReport(WireModel):
    ok: Literal[True] = True
    me: MetaUser
    ad_accounts: list[AdAccount]
    hint: str | None = None


class GrantRequest(WireModel):
    """Asked by the publisher alone, for one run."""

    run_id: UUID


class Grant(WireModel):
    """What the publisher may do for a customer now.

    `access_token` is missing when there is none that Meta could accept: never connected, a development
    placeholder, expired. `version` names the connection that the token belongs to.
    """

    status: ConnectionState
    version: int = 0
    ad_account_id: str | None = None
    access_token: SecretStr | None = None
    scopes: list[str] = Field(default_factory=list)
    token_expires_at: UtcTime | None = None
    currency: str | None = None
    min_daily_budget_minor: int | None = None
    dsa_beneficiary: str | None = None
    dsa_payor: str | None = None

    @field_serializer("access_token", when_used="json")
    def _reveal(self, token: SecretStr | None) -> str | None:
        """The internal call is the one place where the token is written out."""
        return token.get_secret_value() if token else None


class SignedRequest(WireModel):
    """What Meta signed with the app's secret, as it came; nobody but meta-auth can check it."""

    signed_request: str = Field(max_length=8192)


class DeletionReceipt(WireModel):
    confirmation_code: str


class DeletionQuestion(WireModel):
    confirmation_code: str = Field(max_length=64)


class DeletionState(WireModel):
    """Where a request for deletion stands; both times are null when there is no such request."""

    requested_at: UtcTime | None = None
    completed_at: UtcTime | None = None


class Done(WireModel):
    """Nothing more to say: Meta learns nothing about who is known here."""

    ok: Literal[True] = True


class TokenTrouble(WireModel):
    """Meta refused the token of connection `version`: code 190 with this subcode."""

    version: int
    code: int
    subcode: int | None = None
    message: str

"""Bodies of `/meta/*`. What meta-auth answers is passed on, less what only services need to know."""

from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from contracts.events import ConnectionState
from contracts.internal import ConnectionStatus
from contracts.wire import UtcTime, WireModel
from gateway.bodies.wire import RequestBody, example

_SCOPES: Final = ["ads_management", "business_management"]
MAX_ID: Final = 128
"""Meta's own ids have 17 digits; a development connection may have any."""
Id = Annotated[str, Field(min_length=1, max_length=MAX_ID)]


class MetaStatus(WireModel):
    """The Meta connection. Without one, every field but `status` is null."""

    status: ConnectionState
    meta_user_id: str | None = None
    ad_account_id: str | None = None
    """The placeholder of a development connection, else the same as `selectedAdAccountId`."""
    scopes: list[str] | None = None
    token_expires_at: UtcTime | None = None
    selected_ad_account_id: str | None = None
    hint: str | None = None
    granted_scopes: list[str] | None = None
    missing_scopes: list[str] | None = None
    expires_in_days: int | None = None

    model_config = example(
        {
            "status": "connected",
            "metaUserId": "10203040506070",
            "adAccountId": None,
            "scopes": _SCOPES,
            "tokenExpiresAt": "2026-03-01T12:00:00.000Z",
            "selectedAdAccountId": "act_1234567890",
            "hint": None,
            "grantedScopes": _SCOPES,
            "missingScopes": [],
            "expiresInDays": 59,
        }
    )

    @classmethod
    def of(cls, status: ConnectionStatus) -> "MetaStatus":
        return cls.model_validate(status, from_attributes=True)


def _account_id(value: Any) -> Any:
    if value is None:
        raise ValueError("adAccountId is required")
    if isinstance(value, str) and not value.strip():
        raise ValueError("adAccountId cannot be empty")
    return value


class SelectAdAccountBody(RequestBody):
    # A default that the validator refuses: a missing field gets the same sentence as null. Named as on the
    # wire, because that is the name that an error about a default carries.
    adAccountId: Annotated[  # noqa: N815
        str, StringConstraints(max_length=MAX_ID + len("act_")), BeforeValidator(_account_id)
    ] = Field(default=None, validate_default=True)

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"adAccountId": "act_1234567890"}], "required": ["adAccountId"]}
    )


class DevConnectBody(RequestBody):
    """All optional."""

    meta_user_id: Id | None = None
    ad_account_id: Id | None = None
    scopes: Annotated[list[Id], Field(max_length=50)] | None = None

    model_config = example({})


class DevConnection(WireModel):
    status: ConnectionState
    meta_user_id: str | None
    ad_account_id: str | None
    scopes: list[str] | None

    model_config = example(
        {
            "status": "connected",
            "metaUserId": "dev-user-123",
            "adAccountId": "dev-account-123",
            "scopes": _SCOPES,
        }
    )

    @classmethod
    def of(cls, status: ConnectionStatus) -> "DevConnection":
        return cls.model_validate(status, from_attributes=True)


class Disconnected(WireModel):
    success: bool = True

    model_config = example({"success": True})

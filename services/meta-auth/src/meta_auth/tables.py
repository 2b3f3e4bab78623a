"""The schema `meta_auth`. The migrations must lead to exactly this; a test compares them."""

from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from chassis.shared_tables import outbox_table


class Base(SQLModel, registry=registry()):
    """Base with metadata of its own: other services' tables are not ours to know."""


metadata = Base.metadata
outbox = outbox_table(metadata)

CHECKED: Final = text("status = 'connected' AND NOT is_placeholder")
"""The connections whose tokens are checked."""


def _time(*, required: bool = False) -> Any:
    if required:
        return Field(
            sa_type=DateTime(timezone=True),
            sa_column_kwargs={"server_default": func.now()},
        )
    return Field(default=None, sa_type=DateTime(timezone=True))


class MetaConnectionRow(Base, table=True):
    """One per customer, for good: disconnecting empties it, so that `version` never goes back."""

    __tablename__: ClassVar[str] = "meta_connections"
    __table_args__ = (
        UniqueConstraint("customer_id", name="meta_connections_customer_id_key"),
        CheckConstraint(
            "status IN ('disconnected', 'connected', 'error')", name="meta_connections_status_check"
        ),
        CheckConstraint(
            "status = 'disconnected' OR is_placeholder OR sealed_token IS NOT NULL",
            name="meta_connections_token_check",
        ),
        CheckConstraint(
            "(sealed_token IS NULL) = (wrapped_key IS NULL) AND (sealed_token IS NULL) = (key_id IS NULL)",
            name="meta_connections_sealed_check",
        ),
        Index(
            "meta_connections_token_end",
            "token_expires_at",
            postgresql_where=text("status <> 'disconnected' AND token_expires_at IS NOT NULL"),
        ),
        Index("meta_connections_check_due", "check_due_at", postgresql_where=CHECKED),
        Index("meta_connections_person", "meta_user_id", postgresql_where=text("meta_user_id IS NOT NULL")),
    )

    id: UUID = Field(primary_key=True)
    customer_id: UUID
    version: int
    """Rises with each change of the row."""
    token_version: int
    """Rises when the token changes; a report about an older token changes nothing."""
    status: str
    trouble: str | None = None
    """Why the status is `error`, in words for the user."""
    meta_user_id: str | None = None
    meta_user_name: str | None = None
    is_placeholder: bool
    """A development connection: it has no token."""
    sealed_token: bytes | None = None
    wrapped_key: bytes | None = None
    key_id: str | None = None
    granted_scopes: list[str] | None = Field(default=None, sa_column=Column(ARRAY(String)))
    token_expires_at: datetime | None = _time()
    data_access_expires_at: datetime | None = _time()
    """From when on Meta lets the app see nothing of the person's, although the token lives on."""
    granted_at: datetime | None = _time()
    """What Meta says of an older grant does not concern this one."""
    checked_at: datetime | None = _time()
    check_due_at: datetime | None = _time()
    """When Meta is asked about the token next. Whoever takes the row moves it on first: that is the claim."""
    warned_days: int | None = None
    """How many days ahead the last warning of the token's end looked."""
    ad_account_id: str | None = None
    """The account id that a development connection was made with."""
    selected_ad_account_id: str | None = None
    account_name: str | None = None
    currency: str | None = None
    min_daily_budget_minor: int | None = Field(default=None, sa_type=BigInteger)
    dsa_beneficiary: str | None = None
    dsa_payor: str | None = None
    created_at: datetime = _time(required=True)
    updated_at: datetime = _time(required=True)


class OAuthStateRow(Base, table=True):
    """One per visit to the dialog. Only the digest of the state is kept: it is as good as a password."""

    __tablename__: ClassVar[str] = "oauth_states"
    __table_args__ = (
        Index("oauth_states_customer_id", "customer_id", "created_at"),
        Index("oauth_states_expires_at", "expires_at"),
    )

    state_hash: str = Field(primary_key=True)
    customer_id: UUID
    user_id: UUID
    session_hash: str
    created_at: datetime = _time(required=True)
    expires_at: datetime = _time(required=True)
    used_at: datetime | None = _time()
    outcome: str | None = None
    """How the visit ended."""


class MetaPersonRow(Base, table=True):
    """Which customers a person at Meta has ever connected to, by a digest of the person's id.

    It outlives the connection: a person who has removed the app may still ask us to delete their data.
    """

    __tablename__: ClassVar[str] = "meta_people"

    person_hash: str = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)


class DeletionRequestRow(Base, table=True):
    """A person's request to Meta that we delete their data; the code is what they can ask about it with."""

    __tablename__: ClassVar[str] = "deletion_requests"
    __table_args__ = (
        UniqueConstraint("request_hash", name="deletion_requests_request_hash_key"),
        Index("deletion_requests_open", "requested_at", postgresql_where=text("completed_at IS NULL")),
    )

    confirmation_code: str = Field(primary_key=True)
    request_hash: str | None = None
    """Digest of the request's signature: a repetition gets the same code."""
    person_hash: str | None = None
    """Null once the data are gone."""
    asked_at: datetime | None = _time()
    """When the person asked Meta; later grants are not meant."""
    requested_at: datetime = _time(required=True)
    completed_at: datetime | None = _time()

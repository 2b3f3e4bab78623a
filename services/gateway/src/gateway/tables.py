"""The schema `gateway`. The migrations must lead to exactly this; a test compares them."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    String,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from chassis.shared_tables import inbox_table, outbox_table


class Base(SQLModel, registry=registry()):
    """Base with metadata of its own: other services' tables are not ours to know."""


metadata = Base.metadata
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)

OPEN: Final = text("status IN ('queued', 'running')")


def _time(*, now: bool = False, nullable: bool = False) -> Any:
    default = func.now() if now else None
    return Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=nullable, server_default=default)
    )


def _customer(*, primary_key: bool = False, unique: bool = False) -> Any:
    target = ForeignKey("customers.id", ondelete="CASCADE")
    return Field(sa_column=Column(Uuid, target, nullable=False, primary_key=primary_key, unique=unique))


def _json(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(JSONB, nullable=nullable))


def _one_of(column: str, *values: str, table: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{table}_{column}_check")


class CustomerRow(Base, table=True):
    """Who advertises; the tenant of everything else."""

    __tablename__: ClassVar[str] = "customers"

    id: UUID = Field(primary_key=True)
    name: str
    created_at: datetime = _time(now=True)


class UserRow(Base, table=True):
    __tablename__: ClassVar[str] = "users"
    # The index is the promise that an address belongs to one account, however it is written.
    __table_args__ = (Index("users_email_key", text("lower(email)"), unique=True),)

    id: UUID = Field(primary_key=True)
    customer_id: UUID = _customer()
    email: str
    name: str
    password_hash: str
    created_at: datetime = _time(now=True)


class SessionRow(Base, table=True):
    """`token_hash` is the SHA-256 of the cookie: a copy of this table logs nobody in. `id` may be shown."""

    __tablename__: ClassVar[str] = "sessions"
    __table_args__ = (
        Index("sessions_user_id", "user_id"),
        Index("sessions_expires_at", "expires_at"),
    )

    token_hash: str = Field(primary_key=True)
    user_id: UUID | None = Field(
        sa_column=Column(Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True)
    )
    created_at: datetime = _time(now=True)
    last_seen_at: datetime = _time(now=True)
    expires_at: datetime = _time()
    revoked_at: datetime | None = _time(nullable=True)
    id: UUID = Field(
        sa_column=Column(Uuid, nullable=False, unique=True, server_default=text("gen_random_uuid()"))
    )
    user_agent: str | None = None


class LoginAttemptRow(Base, table=True):
    """A login that has not succeeded, or another attempt that is counted.

    `account_hash` is the SHA-256 of the e-mail address that was tried, `address` the network of the caller.
    """

    __tablename__: ClassVar[str] = "login_attempts"
    __table_args__ = (
        Index("login_attempts_who", "account_hash", "address", "at"),
        Index("login_attempts_at", "at"),
        Index("login_attempts_address", "address", "at"),
    )

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    account_hash: str
    address: str
    at: datetime = _time(now=True)
    kind: str = Field(sa_column=Column(String, nullable=False, server_default="login"))


class KnownAddressRow(Base, table=True):
    """Where somebody has logged in from: no flood of others' failures locks them out there."""

    __tablename__: ClassVar[str] = "known_addresses"

    account_hash: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    seen_at: datetime = _time(now=True)


class PasswordResetRow(Base, table=True):
    """A link that was sent and not used; `token_hash` is the SHA-256 of its token."""

    __tablename__: ClassVar[str] = "password_resets"
    __table_args__ = (Index("password_resets_user_id", "user_id"),)

    token_hash: str = Field(primary_key=True)
    user_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("users.id", ondelete="CASCADE"), nullable=False))
    expires_at: datetime = _time()


class AdSettingsRow(Base, table=True):
    __tablename__: ClassVar[str] = "ad_settings"
    __table_args__ = (
        _one_of("geo_mode", "radius", "regions", table=__tablename__),
        _one_of("status", "draft", "ready", "active", "error", table=__tablename__),
    )

    id: UUID = Field(primary_key=True)
    customer_id: UUID = _customer(unique=True)
    geo_mode: str
    geo_center_text: str | None = None
    geo_radius_km: int | None = None
    geo_regions: list[str] | None = Field(default=None, sa_column=Column(ARRAY(String)))
    formats: list[str] = Field(sa_column=Column(ARRAY(String), nullable=False))
    cta_type: str
    budget_override: Decimal | None = Field(default=None, sa_column=Column(Numeric))
    """Per month, in major units."""
    status: str
    last_synced_at: datetime | None = _time(nullable=True)
    last_published_at: datetime | None = _time(nullable=True)
    last_error: str | None = None
    created_at: datetime = _time(now=True)
    updated_at: datetime = _time(now=True)


class AdRunRow(Base, table=True):
    """One press of Publish or Sync. Thanks to `last_version`, the newest news, late news never goes back."""

    __tablename__: ClassVar[str] = "ad_runs"
    __table_args__ = (
        _one_of("job_type", "publish", "sync", table=__tablename__),
        _one_of("trigger", "manual", "scheduled", table=__tablename__),
        _one_of("status", "queued", "running", "success", "failed", table=__tablename__),
        # The promise that a second press of the button is the same run.
        Index("ad_runs_one_open", "customer_id", "job_type", unique=True, postgresql_where=OPEN),
        Index("ad_runs_newest", "customer_id", text("created_at DESC"), text("id DESC")),
        Index("ad_runs_to_ring", "ring_at", postgresql_where=OPEN),
    )

    id: UUID = Field(primary_key=True)
    customer_id: UUID = _customer()
    job_id: UUID
    job_type: str
    trigger: str
    status: str
    mode: str | None = None
    ad_account_id: str | None = None
    campaign_id: str | None = None
    adset_id: str | None = None
    step: str | None = None
    hint: str | None = None
    error_code: str | None = None
    fixed_by: str | None = None
    error_message: str | None = None
    trace_id: str | None = None
    last_version: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    ring_at: datetime = _time()
    """When the publisher is asked again, unless there is news before."""
    ring_count: int = Field(sa_column=Column(Integer, nullable=False, server_default="0"))
    created_at: datetime = _time(now=True)
    started_at: datetime | None = _time(nullable=True)
    finished_at: datetime | None = _time(nullable=True)


class AdRunStepRow(Base, table=True):
    """The timeline of a run: one row for each event that told of it."""

    __tablename__: ClassVar[str] = "ad_run_steps"

    run_id: UUID = Field(
        sa_column=Column(Uuid, ForeignKey("ad_runs.id", ondelete="CASCADE"), primary_key=True)
    )
    version: int = Field(primary_key=True)
    type: str
    step: str | None = None
    state: str | None = None
    message: str
    at: datetime = _time()
    data: dict[str, Any] = _json()
    recorded_at: datetime = _time(now=True)
    """When we learned of it; `at` is the publisher's clock."""


class MetaAdObjectRow(Base, table=True):
    """What stands at Meta for a customer, as far as it was told."""

    __tablename__: ClassVar[str] = "meta_ad_objects"
    __table_args__ = (_one_of("status", "draft", "active", "paused", "error", table=__tablename__),)

    id: UUID = Field(primary_key=True)
    customer_id: UUID = _customer(unique=True)
    ad_account_id: str | None = None
    catalog_id: str | None = None
    campaign_id: str | None = None
    adset_id: str | None = None
    creative_id: str | None = None
    ad_id: str | None = None
    status: str
    last_publish_step: str | None = None
    last_publish_error: str | None = None
    last_synced_at: datetime | None = _time(nullable=True)
    created_at: datetime = _time(now=True)
    updated_at: datetime = _time(now=True)


class IdempotencyKeyRow(Base, table=True):
    """The answer that was given for a key; `fingerprint` is a SHA-256 of the body that came with it."""

    __tablename__: ClassVar[str] = "idempotency_keys"
    __table_args__ = (Index("idempotency_keys_created_at", "created_at"),)

    customer_id: UUID = _customer(primary_key=True)
    key: str = Field(primary_key=True)
    route: str
    fingerprint: str
    status: int | None = None
    response: dict[str, Any] | None = _json(nullable=True)
    created_at: datetime = _time(now=True)


class MetaConnectionViewRow(Base, table=True):
    """Our copy of what meta-auth last told about a customer's connection."""

    __tablename__: ClassVar[str] = "meta_connections_view"

    customer_id: UUID = Field(primary_key=True)
    version: int
    status: str
    meta_user_id: str | None = None
    ad_account_id: str | None = None
    """The selected one."""
    currency: str | None = None
    min_daily_budget_minor: int | None = Field(default=None, sa_column=Column(BigInteger))
    updated_at: datetime = _time(now=True)


class AuditSealRow(Base, table=True):
    """An audit entry's place in the chain. `hash` covers the entry and `previous`, the hash before."""

    __tablename__: ClassVar[str] = "audit_seals"
    __table_args__ = (UniqueConstraint("entry_id", name="audit_seals_entry_id_key"),)

    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    entry_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    previous: str
    hash: str
    sealed_at: datetime = _time(now=True)


class ErasureRow(Base, table=True):
    """A person at Meta wants their data deleted, and a run that may bring more of it is still open."""

    __tablename__: ClassVar[str] = "erasures"

    customer_id: UUID = _customer(primary_key=True)
    before: datetime = _time()
    """What was begun after this is not meant."""


class AuditLogRow(Base, table=True):
    """Who did what, and how it ended. A trigger refuses changes to it."""

    __tablename__: ClassVar[str] = "audit_log"
    __table_args__ = (Index("audit_log_customer_id", "customer_id", "id"),)

    id: int = Field(sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    at: datetime = _time(now=True)
    customer_id: UUID | None = None
    user_id: UUID | None = None
    action: str
    result: str
    detail: dict[str, Any] = _json()

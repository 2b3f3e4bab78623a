"""Tables of schema `ads_publisher`. The truth for migrations; a test keeps both equal."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Index, MetaData, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

from chassis.shared_tables import outbox_table

metadata = MetaData()


def _time(*, nullable: bool = True) -> Any:
    if nullable:
        return Field(default=None, sa_type=DateTime(timezone=True))
    return Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": func.now()})


class PublishJob(SQLModel, table=True):
    """One run's work. `due_at` is when a ready job may start, or when a running one's lease ends.

    `dead_reason` is set when an operator may try the failed run again.
    """

    __tablename__ = "publish_jobs"
    metadata = metadata
    __table_args__ = (
        CheckConstraint("kind IN ('publish', 'sync')", name="publish_jobs_kind"),
        CheckConstraint("status IN ('ready', 'running', 'done', 'failed')", name="publish_jobs_status"),
        CheckConstraint(
            "dead_reason IS NULL OR (dead_reason IN ('crashed', 'unconfirmed') AND status = 'failed')",
            name="publish_jobs_dead",
        ),
        # Which job is the head of its lane, and which heads are due.
        Index("publish_jobs_open", "lane", "seq", postgresql_where="status IN ('ready', 'running')"),
        Index("publish_jobs_due", "due_at", postgresql_where="status IN ('ready', 'running')"),
        # One ad account is worked by one task at a time: a promise of the table, not of the code.
        Index(
            "publish_jobs_one_running_per_lane", "lane", unique=True, postgresql_where="status = 'running'"
        ),
        Index("publish_jobs_dead_newest", "finished_at", postgresql_where="dead_reason IS NOT NULL"),
    )

    id: UUID = Field(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    run_id: UUID = Field(unique=True)
    customer_id: UUID
    kind: str = Field(sa_type=Text)
    lane: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text, sa_column_kwargs={"server_default": "ready"})
    request: dict[str, Any] = Field(sa_type=JSONB)
    traceparent: str | None = Field(default=None, sa_type=Text)
    mode: str | None = Field(default=None, sa_type=Text)
    fence: int = Field(sa_column_kwargs={"server_default": "0"})
    version: int = Field(sa_column_kwargs={"server_default": "0"})
    deferrals: int = Field(sa_column_kwargs={"server_default": "0"})
    crashes: int = Field(sa_column_kwargs={"server_default": "0"})
    replays: int = Field(sa_column_kwargs={"server_default": "0"})
    dead_reason: str | None = Field(default=None, sa_type=Text)
    due_at: datetime = _time(nullable=False)
    created_at: datetime = _time(nullable=False)
    finished_at: datetime | None = _time()
    account: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    """What meta-auth said of the ad account when the run was last worked."""


class PublishAttempt(SQLModel, table=True):
    """The journal: one row per create that was meant, written before the call and answered after it.

    `outcome` is null while the answer is not known to us. `look_at` is when to look at Meta next.
    """

    __tablename__ = "publish_attempts"
    metadata = metadata
    __table_args__ = (
        CheckConstraint("step IN ('campaign', 'adset')", name="publish_attempts_step"),
        CheckConstraint(
            "outcome IN ('created', 'adopted', 'gone', 'unknown', 'absent', 'rejected',"
            " 'throttled', 'not_sent')",
            name="publish_attempts_outcome",
        ),
        CheckConstraint(
            "(outcome IN ('created', 'adopted', 'gone')) = (object_id IS NOT NULL)",
            name="publish_attempts_object",
        ),
        Index("publish_attempts_number", "job_id", "step", "number", unique=True),
        Index("publish_attempts_sweep", "sweep_at", postgresql_where="sweep_at IS NOT NULL"),
        Index("publish_attempts_account", "customer_id", "ad_account_id", "id"),
        # One run is at most one object per step.
        Index(
            "publish_attempts_one_object",
            "job_id",
            "step",
            unique=True,
            postgresql_where="outcome IN ('created', 'adopted')",
        ),
    )

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    job_id: UUID = Field(foreign_key="publish_jobs.id")
    run_id: UUID
    customer_id: UUID
    ad_account_id: str = Field(sa_type=Text)
    step: str = Field(sa_type=Text)
    number: int
    fence: int
    parent_id: str | None = Field(default=None, sa_type=Text)
    intent_at: datetime = _time(nullable=False)
    proof_time: int = Field(sa_type=BigInteger)
    not_before: datetime = Field(sa_type=DateTime(timezone=True))
    look_at: datetime = Field(sa_type=DateTime(timezone=True))
    looks: int = Field(sa_column_kwargs={"server_default": "0"})
    outcome: str | None = Field(default=None, sa_type=Text)
    object_id: str | None = Field(default=None, sa_type=Text)
    extra_ids: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    error: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    sweeps: int = Field(sa_column_kwargs={"server_default": "0"})
    sweep_at: datetime | None = _time()
    answered_at: datetime | None = _time()


class AccountPause(SQLModel, table=True):
    """Until when Meta must not be called: for one ad account, or (scope `app`) for all."""

    __tablename__ = "account_pauses"
    metadata = metadata

    scope: str = Field(sa_type=Text, primary_key=True)
    until: datetime = Field(sa_type=DateTime(timezone=True))


class KeptCall(SQLModel, table=True):
    """A call to Meta without its secrets, kept for a while so that an error can be reproduced."""

    __tablename__ = "meta_calls"
    metadata = metadata
    __table_args__ = (Index("meta_calls_job", "job_id", "id"), Index("meta_calls_at", "at"))

    id: int | None = Field(
        default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True)
    )
    job_id: UUID = Field(foreign_key="publish_jobs.id", ondelete="CASCADE")
    at: datetime = Field(sa_type=DateTime(timezone=True))
    step: str | None = Field(default=None, sa_type=Text)
    attempt: int | None = None
    method: str = Field(sa_type=Text)
    path: str = Field(sa_type=Text)
    params: dict[str, Any] = Field(sa_type=JSONB)
    status: int | None = None
    failure: str | None = Field(default=None, sa_type=Text)
    headers: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    answer: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    duration_ms: int


class Erasure(SQLModel, table=True):
    """A person at Meta wants their data deleted, and a job that holds some of it is not over."""

    __tablename__ = "erasures"
    metadata = metadata

    customer_id: UUID = Field(primary_key=True)
    before: datetime = Field(sa_type=DateTime(timezone=True))


outbox = outbox_table(metadata)

"""The first schema of `ads_publisher`."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account_pauses",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("outbox_subject", "outbox", ["subject"], unique=False)
    op.create_index(
        "outbox_unsent", "outbox", ["id"], unique=False, postgresql_where=sa.text("sent_at IS NULL")
    )
    op.create_table(
        "publish_jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="ready", nullable=False),
        sa.Column("request", postgresql.JSONB(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("deferrals", sa.Integer(), server_default="0", nullable=False),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("replays", sa.Integer(), server_default="0", nullable=False),
        sa.Column("dead_reason", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "dead_reason IS NULL OR (dead_reason IN ('crashed', 'unconfirmed') AND status = 'failed')",
            name="publish_jobs_dead",
        ),
        sa.CheckConstraint("kind IN ('publish', 'sync')", name="publish_jobs_kind"),
        sa.CheckConstraint("status IN ('ready', 'running', 'done', 'failed')", name="publish_jobs_status"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("run_id"),
    )
    op.create_index(
        "publish_jobs_dead_newest",
        "publish_jobs",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("dead_reason IS NOT NULL"),
    )
    op.create_index(
        "publish_jobs_due",
        "publish_jobs",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('ready', 'running')"),
    )
    op.create_index(
        "publish_jobs_one_running_per_lane",
        "publish_jobs",
        ["lane"],
        unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )
    op.create_index(
        "publish_jobs_open",
        "publish_jobs",
        ["lane", "seq"],
        unique=False,
        postgresql_where=sa.text("status IN ('ready', 'running')"),
    )
    op.create_table(
        "publish_attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("ad_account_id", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=True),
        sa.Column("intent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("proof_time", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("object_id", sa.Text(), nullable=True),
        sa.Column("extra_ids", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        sa.Column("sweeps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sweep_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(outcome IN ('created', 'adopted', 'gone')) = (object_id IS NOT NULL)",
            name="publish_attempts_object",
        ),
        sa.CheckConstraint(
            "outcome IN ('created', 'adopted', 'gone', 'unknown', 'absent', 'rejected', 'throttled', 'not_sent')",
            name="publish_attempts_outcome",
        ),
        sa.CheckConstraint("step IN ('campaign', 'adset')", name="publish_attempts_step"),
        sa.ForeignKeyConstraint(["job_id"], ["publish_jobs.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "publish_attempts_account", "publish_attempts", ["customer_id", "ad_account_id", "id"], unique=False
    )
    op.create_index("publish_attempts_number", "publish_attempts", ["job_id", "step", "number"], unique=True)
    op.create_index(
        "publish_attempts_one_object",
        "publish_attempts",
        ["job_id", "step"],
        unique=True,
        postgresql_where=sa.text("outcome IN ('created', 'adopted')"),
    )
    op.create_index(
        "publish_attempts_sweep",
        "publish_attempts",
        ["sweep_at"],
        unique=False,
        postgresql_where="sweep_at IS NOT NULL",
    )


def downgrade() -> None:
    raise NotImplementedError("schemas only move forward; restore a backup to go back")

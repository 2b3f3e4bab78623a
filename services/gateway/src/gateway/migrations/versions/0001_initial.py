"""Accounts, ad settings, runs and their timeline, objects at Meta, outbox, inbox, audit log."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

OPEN = sa.text("status IN ('queued', 'running')")


def upgrade() -> None:
    _accounts()
    _login_attempts()
    _ad_settings()
    _ad_runs()
    _ad_run_steps()
    _meta_ad_objects()
    _idempotency_keys()
    _meta_connections_view()
    _outbox_and_inbox()
    _audit_log()


def downgrade() -> None:
    for table in (
        "audit_log",
        "inbox",
        "outbox",
        "meta_connections_view",
        "idempotency_keys",
        "meta_ad_objects",
        "ad_run_steps",
        "ad_runs",
        "ad_settings",
        "login_attempts",
        "sessions",
        "users",
        "customers",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")


def _time(name: str, *, now: bool = False, nullable: bool = False) -> sa.Column[datetime]:
    default = sa.func.now() if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def _text(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.String, nullable=nullable)


def _customer(table: str, *, primary_key: bool = False) -> sa.Column[UUID]:
    target = sa.ForeignKey("customers.id", name=f"{table}_customer_id_fkey", ondelete="CASCADE")
    return sa.Column("customer_id", sa.Uuid, target, nullable=False, primary_key=primary_key)


def _accounts() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.Uuid, primary_key=True),
        _text("name", nullable=False),
        _time("created_at", now=True),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, primary_key=True),
        _customer("users"),
        _text("email", nullable=False),
        _text("name", nullable=False),
        _text("password_hash", nullable=False),
        _time("created_at", now=True),
    )
    op.create_index("users_email_key", "users", [sa.text("lower(email)")], unique=True)
    user = sa.ForeignKey("users.id", name="sessions_user_id_fkey", ondelete="SET NULL")
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String, primary_key=True),
        sa.Column("user_id", sa.Uuid, user),
        _time("created_at", now=True),
        _time("last_seen_at", now=True),
        _time("expires_at"),
        _time("revoked_at", nullable=True),
    )
    op.create_index("sessions_user_id", "sessions", ["user_id"])
    op.create_index("sessions_expires_at", "sessions", ["expires_at"])


def _login_attempts() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _text("account_hash", nullable=False),
        _text("address", nullable=False),
        _time("at", now=True),
    )
    op.create_index("login_attempts_who", "login_attempts", ["account_hash", "address", "at"])
    op.create_index("login_attempts_at", "login_attempts", ["at"])


def _ad_settings() -> None:
    op.create_table(
        "ad_settings",
        sa.Column("id", sa.Uuid, primary_key=True),
        _customer("ad_settings"),
        _text("geo_mode", nullable=False),
        _text("geo_center_text"),
        sa.Column("geo_radius_km", sa.Integer),
        sa.Column("geo_regions", sa.ARRAY(sa.String)),
        sa.Column("formats", sa.ARRAY(sa.String), nullable=False),
        _text("cta_type", nullable=False),
        sa.Column("budget_override", sa.Numeric),
        _text("status", nullable=False),
        _time("last_synced_at", nullable=True),
        _time("last_published_at", nullable=True),
        _text("last_error"),
        _time("created_at", now=True),
        _time("updated_at", now=True),
        sa.UniqueConstraint("customer_id", name="ad_settings_customer_id_key"),
        sa.CheckConstraint("geo_mode IN ('radius', 'regions')", name="ad_settings_geo_mode_check"),
        sa.CheckConstraint(
            "status IN ('draft', 'ready', 'active', 'error')", name="ad_settings_status_check"
        ),
    )


def _ad_runs() -> None:
    op.create_table(
        "ad_runs",
        sa.Column("id", sa.Uuid, primary_key=True),
        _customer("ad_runs"),
        sa.Column("job_id", sa.Uuid, nullable=False),
        _text("job_type", nullable=False),
        _text("trigger", nullable=False),
        _text("status", nullable=False),
        _text("mode"),
        _text("ad_account_id"),
        _text("campaign_id"),
        _text("adset_id"),
        _text("step"),
        _text("hint"),
        _text("error_code"),
        _text("fixed_by"),
        _text("error_message"),
        _text("trace_id"),
        sa.Column("last_version", sa.Integer, nullable=False, server_default="0"),
        _time("ring_at"),
        sa.Column("ring_count", sa.Integer, nullable=False, server_default="0"),
        _time("created_at", now=True),
        _time("started_at", nullable=True),
        _time("finished_at", nullable=True),
        sa.CheckConstraint("job_type IN ('publish', 'sync')", name="ad_runs_job_type_check"),
        sa.CheckConstraint("trigger IN ('manual', 'scheduled')", name="ad_runs_trigger_check"),
        sa.CheckConstraint(
            "status IN ('queued', 'running', 'success', 'failed')", name="ad_runs_status_check"
        ),
    )
    columns = ["customer_id", "job_type"]
    op.create_index("ad_runs_one_open", "ad_runs", columns, unique=True, postgresql_where=OPEN)
    newest = sa.text("customer_id"), sa.text("created_at DESC"), sa.text("id DESC")
    op.create_index("ad_runs_newest", "ad_runs", newest)
    op.create_index("ad_runs_to_ring", "ad_runs", ["ring_at"], postgresql_where=OPEN)


def _ad_run_steps() -> None:
    run = sa.ForeignKey("ad_runs.id", name="ad_run_steps_run_id_fkey", ondelete="CASCADE")
    op.create_table(
        "ad_run_steps",
        sa.Column("run_id", sa.Uuid, run, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        _text("type", nullable=False),
        _text("step"),
        _text("state"),
        _text("message", nullable=False),
        _time("at"),
        sa.Column("data", JSONB, nullable=False),
    )


def _meta_ad_objects() -> None:
    op.create_table(
        "meta_ad_objects",
        sa.Column("id", sa.Uuid, primary_key=True),
        _customer("meta_ad_objects"),
        _text("ad_account_id"),
        _text("catalog_id"),
        _text("campaign_id"),
        _text("adset_id"),
        _text("creative_id"),
        _text("ad_id"),
        _text("status", nullable=False),
        _text("last_publish_step"),
        _text("last_publish_error"),
        _time("last_synced_at", nullable=True),
        _time("created_at", now=True),
        _time("updated_at", now=True),
        sa.UniqueConstraint("customer_id", name="meta_ad_objects_customer_id_key"),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'paused', 'error')", name="meta_ad_objects_status_check"
        ),
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        _customer("idempotency_keys", primary_key=True),
        sa.Column("key", sa.String, primary_key=True),
        _text("route", nullable=False),
        _text("fingerprint", nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("response", JSONB),
        _time("created_at", now=True),
    )
    op.create_index("idempotency_keys_created_at", "idempotency_keys", ["created_at"])


def _meta_connections_view() -> None:
    op.create_table(
        "meta_connections_view",
        sa.Column("customer_id", sa.Uuid, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        _text("status", nullable=False),
        _text("meta_user_id"),
        _text("ad_account_id"),
        _text("currency"),
        sa.Column("min_daily_budget_minor", sa.BigInteger),
        _time("updated_at", now=True),
    )


def _outbox_and_inbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        _time("created_at", now=True),
        _time("sent_at", nullable=True),
    )
    op.create_index("outbox_unsent", "outbox", ["id"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index("outbox_subject", "outbox", ["subject"])
    op.create_table(
        "inbox",
        sa.Column("event_id", sa.Uuid, primary_key=True),
        _time("received_at", now=True),
    )


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _time("at", now=True),
        sa.Column("customer_id", sa.Uuid),
        sa.Column("user_id", sa.Uuid),
        _text("action", nullable=False),
        _text("result", nullable=False),
        sa.Column("detail", JSONB, nullable=False),
    )
    op.create_index("audit_log_customer_id", "audit_log", ["customer_id", "id"])
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )

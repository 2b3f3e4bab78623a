"""Connections, OAuth states, deletion requests and the outbox."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _connections()
    _oauth_states()
    op.create_table(
        "deletion_requests",
        sa.Column("confirmation_code", sa.String, primary_key=True),
        _time("requested_at", required=True),
        _time("completed_at"),
    )
    _outbox()


def downgrade() -> None:
    for table in ("outbox", "deletion_requests", "oauth_states", "meta_connections"):
        op.drop_table(table)


def _time(name: str, *, required: bool = False) -> sa.Column[datetime]:
    default = sa.func.now() if required else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required, server_default=default)


def _connections() -> None:
    op.create_table(
        "meta_connections",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("token_version", sa.Integer, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("trouble", sa.String),
        sa.Column("meta_user_id", sa.String),
        sa.Column("meta_user_name", sa.String),
        sa.Column("is_placeholder", sa.Boolean, nullable=False),
        sa.Column("sealed_token", sa.LargeBinary),
        sa.Column("wrapped_key", sa.LargeBinary),
        sa.Column("key_id", sa.String),
        sa.Column("granted_scopes", sa.ARRAY(sa.String)),
        _time("token_expires_at"),
        sa.Column("ad_account_id", sa.String),
        sa.Column("selected_ad_account_id", sa.String),
        sa.Column("account_name", sa.String),
        sa.Column("currency", sa.String),
        sa.Column("min_daily_budget_minor", sa.BigInteger),
        sa.Column("dsa_beneficiary", sa.String),
        sa.Column("dsa_payor", sa.String),
        _time("created_at", required=True),
        _time("updated_at", required=True),
        sa.UniqueConstraint("customer_id", name="meta_connections_customer_id_key"),
        sa.CheckConstraint(
            "status IN ('disconnected', 'connected', 'error')", name="meta_connections_status_check"
        ),
        sa.CheckConstraint(
            "status = 'disconnected' OR is_placeholder OR sealed_token IS NOT NULL",
            name="meta_connections_token_check",
        ),
        sa.CheckConstraint(
            "(sealed_token IS NULL) = (wrapped_key IS NULL) AND (sealed_token IS NULL) = (key_id IS NULL)",
            name="meta_connections_sealed_check",
        ),
    )


def _oauth_states() -> None:
    op.create_table(
        "oauth_states",
        sa.Column("state_hash", sa.String, primary_key=True),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("session_hash", sa.String, nullable=False),
        _time("created_at", required=True),
        _time("expires_at", required=True),
        _time("used_at"),
        sa.Column("outcome", sa.String),
    )
    op.create_index("oauth_states_customer_id", "oauth_states", ["customer_id", "created_at"])
    op.create_index("oauth_states_expires_at", "oauth_states", ["expires_at"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        _time("created_at", required=True),
        _time("sent_at"),
    )
    op.create_index("outbox_unsent", "outbox", ["id"], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index("outbox_subject", "outbox", ["subject"])

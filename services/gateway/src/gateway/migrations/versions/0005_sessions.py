"""Sessions that can be listed, attempts of other kinds than logins, links that reset a password.

Code from before this migration adds sessions and attempts without the new columns: the defaults are for it.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from chassis.row_security import OWN, protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OF_OWN_USER: Final = f"EXISTS (SELECT FROM users WHERE users.id = password_resets.user_id AND users.{OWN})"
USER_BY_RESET: Final = """
    CREATE OR REPLACE FUNCTION user_by_reset(wanted text)
    RETURNS TABLE (id uuid, customer_id uuid, email varchar, password_hash varchar)
    STABLE LANGUAGE plpgsql SECURITY DEFINER SET search_path = "{schema}", pg_temp AS $$ BEGIN RETURN QUERY
    SELECT u.id, u.customer_id, u.email, u.password_hash
    FROM password_resets AS reset JOIN users AS u ON u.id = reset.user_id
    WHERE reset.token_hash = wanted AND reset.expires_at > now(); END $$
"""
"""A link is looked at before the customer is known."""


def upgrade() -> None:
    op.add_column(
        "sessions", sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()"))
    )
    op.add_column("sessions", sa.Column("user_agent", sa.String))
    op.create_unique_constraint("sessions_id_key", "sessions", ["id"])
    op.add_column("login_attempts", sa.Column("kind", sa.String, nullable=False, server_default="login"))
    op.create_index("login_attempts_address", "login_attempts", ["address", "at"])
    op.create_table(
        "known_addresses",
        sa.Column("account_hash", sa.String, primary_key=True),
        sa.Column("address", sa.String, primary_key=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    user = sa.ForeignKey("users.id", name="password_resets_user_id_fkey", ondelete="CASCADE")
    op.create_table(
        "password_resets",
        sa.Column("token_hash", sa.String, primary_key=True),
        sa.Column("user_id", sa.Uuid, user, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("password_resets_user_id", "password_resets", ["user_id"])
    schema = op.get_bind().execute(sa.text("SELECT current_schema()")).scalar()
    op.execute(USER_BY_RESET.format(schema=schema))
    op.execute("REVOKE ALL ON FUNCTION user_by_reset(text) FROM PUBLIC")
    op.execute(f'GRANT EXECUTE ON FUNCTION user_by_reset(text) TO "{schema}"')
    protect("password_resets", OF_OWN_USER)


def downgrade() -> None:
    op.execute("DROP FUNCTION user_by_reset")
    op.drop_table("password_resets")
    op.drop_table("known_addresses")
    op.drop_index("login_attempts_address", "login_attempts")
    op.drop_column("login_attempts", "kind")
    op.drop_constraint("sessions_id_key", "sessions")
    op.drop_column("sessions", "user_agent")
    op.drop_column("sessions", "id")

"""Each row that belongs to a customer is shown to that customer only, by Postgres itself.

A cookie and an address are looked at before the customer is known: three functions answer for one of them.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

from chassis.row_security import CUSTOMER, OWN, protect, protect_outbox, unprotect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WITH_CUSTOMER: Final = (
    "users",
    "ad_settings",
    "ad_runs",
    "meta_ad_objects",
    "idempotency_keys",
    "meta_connections_view",
)
THROUGH: Final = {
    "sessions": f"EXISTS (SELECT FROM users WHERE users.id = sessions.user_id AND users.{OWN})",
    "ad_run_steps": f"EXISTS (SELECT FROM ad_runs WHERE ad_runs.id = ad_run_steps.run_id AND ad_runs.{OWN})",
}
FUNCTIONS: Final = {
    "session_by_hash(wanted text)": """
        RETURNS TABLE (session sessions, customer_id uuid, email varchar) STABLE AS $$ BEGIN RETURN QUERY
        SELECT s, u.customer_id, u.email FROM sessions AS s LEFT JOIN users AS u ON u.id = s.user_id
        WHERE s.token_hash = wanted; END $$
    """,
    "end_session(wanted text)": """
        RETURNS TABLE (user_id uuid, customer_id uuid) AS $$ BEGIN RETURN QUERY
        WITH ended AS (
            UPDATE sessions AS s SET revoked_at = now() WHERE s.token_hash = wanted AND s.revoked_at IS NULL
            RETURNING s.user_id
        )
        SELECT ended.user_id, u.customer_id FROM ended LEFT JOIN users AS u ON u.id = ended.user_id; END $$
    """,
    "user_by_email(wanted text)": """
        RETURNS TABLE (id uuid, customer_id uuid, email varchar, password_hash varchar) STABLE AS $$
        BEGIN RETURN QUERY SELECT u.id, u.customer_id, u.email, u.password_hash FROM users AS u
        WHERE lower(u.email) = lower(wanted); END $$
    """,
}
"""In PL/pgSQL, which keeps their plans."""


def upgrade() -> None:
    schema = op.get_bind().execute(sa.text("SELECT current_schema()")).scalar()
    for signature, body in FUNCTIONS.items():
        returns, code = body.split(" AS $$", 1)
        op.execute(
            f"CREATE OR REPLACE FUNCTION {signature} {returns} LANGUAGE plpgsql SECURITY DEFINER"
            f' SET search_path = "{schema}", pg_temp AS $${code}'
        )
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f'GRANT EXECUTE ON FUNCTION {signature} TO "{schema}"')
    with op.get_context().autocommit_block():
        protect("customers", f"id = {CUSTOMER}")
        for table in WITH_CUSTOMER:
            protect(table)
        for table, through in THROUGH.items():
            protect(table, through)
        # What has no customer, such as a login to an unknown address, is noted without one.
        protect("audit_log", check=f"customer_id IS NOT DISTINCT FROM {CUSTOMER}")
        protect_outbox()


def downgrade() -> None:
    for table in ("customers", *WITH_CUSTOMER, *THROUGH, "audit_log", "outbox"):
        unprotect(table)
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")

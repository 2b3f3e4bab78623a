"""Seals of the audit log: what each entry said, chained to the one before. Entries are changed by nobody."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_seals",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("entry_id", sa.BigInteger, nullable=False),
        sa.Column("previous", sa.String, nullable=False),
        sa.Column("hash", sa.String, nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("entry_id", name="audit_seals_entry_id_key"),
    )
    op.execute(
        "CREATE TRIGGER audit_seals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_seals"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    serving = op.get_bind().execute(sa.text("SELECT current_schema()")).scalar()
    op.execute(f'REVOKE UPDATE, DELETE ON audit_log FROM "{serving}"')
    op.execute(f'REVOKE ALL ON audit_seals FROM "{serving}"')


def downgrade() -> None:
    op.drop_table("audit_seals")

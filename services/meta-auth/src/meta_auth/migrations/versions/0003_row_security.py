"""Each row that belongs to a customer is shown to that customer only, by Postgres itself."""

from alembic import op

from chassis.row_security import protect, protect_outbox, unprotect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        protect("meta_connections")
        protect("oauth_states")
        protect_outbox()


def downgrade() -> None:
    for table in ("meta_connections", "oauth_states", "outbox"):
        unprotect(table)

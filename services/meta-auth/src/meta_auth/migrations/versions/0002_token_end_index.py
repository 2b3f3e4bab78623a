"""An index by which tokens that run out soon are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Beside the running service: a plain index would hold up its writes for as long as it takes.
    with op.get_context().autocommit_block():
        op.create_index(
            "meta_connections_token_end",
            "meta_connections",
            ["token_expires_at"],
            postgresql_where=sa.text("status <> 'disconnected' AND token_expires_at IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    op.drop_index("meta_connections_token_end", "meta_connections")

"""When a piece of news arrived: how long the event stream waits for one that is missing before it.

The default is the same for all old rows, so Postgres notes it once and rewrites nothing. Code from before
this migration adds rows without the column.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "ad_run_steps",
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def downgrade() -> None:
    op.drop_column("ad_run_steps", "recorded_at")

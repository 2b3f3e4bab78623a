"""What a person at Meta wants erased, until the last job that holds some of it is over."""

import sqlalchemy as sa
from alembic import op

from chassis.row_security import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("customer_id", sa.Uuid, primary_key=True),
        sa.Column("before", sa.DateTime(timezone=True), nullable=False),
    )
    protect("erasures")


def downgrade() -> None:
    op.drop_table("erasures")

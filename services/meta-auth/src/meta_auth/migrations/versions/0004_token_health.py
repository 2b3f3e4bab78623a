"""Token checks, and who is behind a connection for Meta's callbacks."""

import sqlalchemy as sa
from alembic import op

from chassis.row_security import protect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIMES = ("data_access_expires_at", "granted_at", "checked_at", "check_due_at")


def upgrade() -> None:
    for name in TIMES:
        op.add_column("meta_connections", sa.Column(name, sa.DateTime(timezone=True)))
    op.add_column("meta_connections", sa.Column("warned_days", sa.Integer))
    # The first checks are spread over a day, so that Meta is not asked about all tokens at once.
    op.execute(
        "UPDATE meta_connections SET granted_at = updated_at, check_due_at = now() + random() * interval '1 day'"
        " WHERE sealed_token IS NOT NULL"
    )
    op.create_table(
        "meta_people",
        sa.Column("person_hash", sa.String, primary_key=True),
        sa.Column("customer_id", sa.Uuid, primary_key=True),
    )
    protect("meta_people")
    # The same digest as `meta_auth.signed_requests.person_hash`.
    op.execute(
        "INSERT INTO meta_people (person_hash, customer_id)"
        " SELECT encode(sha256(convert_to('meta-person|' || meta_user_id, 'UTF8')), 'hex'), customer_id"
        " FROM meta_connections WHERE meta_user_id IS NOT NULL AND NOT is_placeholder"
    )
    op.add_column("deletion_requests", sa.Column("request_hash", sa.String))
    op.add_column("deletion_requests", sa.Column("person_hash", sa.String))
    op.add_column("deletion_requests", sa.Column("asked_at", sa.DateTime(timezone=True)))
    op.create_unique_constraint("deletion_requests_request_hash_key", "deletion_requests", ["request_hash"])
    op.create_index(
        "deletion_requests_open",
        "deletion_requests",
        ["requested_at"],
        postgresql_where=sa.text("completed_at IS NULL"),
    )
    _indexes_of_connections()


def _indexes_of_connections() -> None:
    # Beside the running service: a plain index would hold up its writes for as long as it takes.
    with op.get_context().autocommit_block():
        op.create_index(
            "meta_connections_check_due",
            "meta_connections",
            ["check_due_at"],
            postgresql_where=sa.text("status = 'connected' AND NOT is_placeholder"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            "meta_connections_person",
            "meta_connections",
            ["meta_user_id"],
            postgresql_where=sa.text("meta_user_id IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    op.drop_index("meta_connections_person", "meta_connections")
    op.drop_index("meta_connections_check_due", "meta_connections")
    op.drop_index("deletion_requests_open", "deletion_requests")
    op.drop_constraint("deletion_requests_request_hash_key", "deletion_requests")
    for name in ("asked_at", "person_hash", "request_hash"):
        op.drop_column("deletion_requests", name)
    op.drop_table("meta_people")
    for name in ("warned_days", *reversed(TIMES)):
        op.drop_column("meta_connections", name)

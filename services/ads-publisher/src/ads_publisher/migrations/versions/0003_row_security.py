"""Each row that belongs to a customer is shown to that customer only, by Postgres itself."""

from alembic import op

from chassis.row_security import OWN, protect, protect_outbox

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    of_own_job = f"EXISTS (SELECT FROM publish_jobs AS job WHERE job.id = meta_calls.job_id AND job.{OWN})"
    with op.get_context().autocommit_block():
        protect("publish_jobs")
        protect("publish_attempts")
        protect("meta_calls", of_own_job)
        protect_outbox()


def downgrade() -> None:
    raise NotImplementedError("schemas only move forward; restore a backup to go back")

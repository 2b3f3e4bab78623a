"""The page that is polled most in one round trip: one function says whose rows they are, and reads them."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OVERVIEW: Final = """
    CREATE OR REPLACE FUNCTION overview(wanted uuid, newest integer)
    RETURNS TABLE (s "{schema}".ad_settings, o "{schema}".meta_ad_objects,
                   v "{schema}".meta_connections_view, r "{schema}".ad_runs)
    LANGUAGE plpgsql SECURITY INVOKER ROWS 10 AS $$
    BEGIN
        PERFORM set_config('app.customer_id', wanted::text, true);
        RETURN QUERY
        SELECT settings, objects, view, run.whole
        FROM (SELECT wanted AS id) AS customer
        LEFT JOIN "{schema}".ad_settings AS settings ON settings.customer_id = customer.id
        LEFT JOIN "{schema}".meta_ad_objects AS objects ON objects.customer_id = customer.id
        LEFT JOIN "{schema}".meta_connections_view AS view ON view.customer_id = customer.id
        LEFT JOIN LATERAL (
            SELECT one AS whole, one.created_at, one.id FROM "{schema}".ad_runs AS one
            WHERE one.customer_id = customer.id ORDER BY one.created_at DESC, one.id DESC LIMIT newest
        ) AS run ON true
        ORDER BY run.created_at DESC, run.id DESC;
    END $$
"""
"""Its statements run one after the other, so the customer is set before a row is looked at, which one
statement would not promise. It may do what its caller may: the policies of each table hold in it. Whole rows
leave it, so that a new column needs no new function. The index ad_runs_newest keeps it flat."""


def upgrade() -> None:
    schema = op.get_bind().execute(sa.text("SELECT current_schema()")).scalar()
    op.execute(OVERVIEW.format(schema=schema))
    op.execute("REVOKE ALL ON FUNCTION overview(uuid, integer) FROM PUBLIC")
    op.execute(f'GRANT EXECUTE ON FUNCTION overview(uuid, integer) TO "{schema}"')


def downgrade() -> None:
    op.execute("DROP FUNCTION overview(uuid, integer)")

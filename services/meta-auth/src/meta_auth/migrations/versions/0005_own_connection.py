"""A customer's connection in one round trip: a function says whose row it is, and reads it."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OWN_CONNECTION: Final = """
    CREATE OR REPLACE FUNCTION own_connection(wanted uuid)
    RETURNS SETOF "{schema}".meta_connections
    LANGUAGE plpgsql SECURITY INVOKER ROWS 1 AS $$
    BEGIN
        PERFORM set_config('app.customer_id', wanted::text, true);
        RETURN QUERY SELECT * FROM "{schema}".meta_connections AS known WHERE known.customer_id = wanted;
    END $$
"""
"""Its statements run one after the other, so the customer is set before the row is looked at. It may do what
its caller may: the policy of the table holds in it."""


def upgrade() -> None:
    schema = op.get_bind().execute(sa.text("SELECT current_schema()")).scalar()
    op.execute(OWN_CONNECTION.format(schema=schema))
    op.execute("REVOKE ALL ON FUNCTION own_connection(uuid) FROM PUBLIC")
    op.execute(f'GRANT EXECUTE ON FUNCTION own_connection(uuid) TO "{schema}"')


def downgrade() -> None:
    op.execute("DROP FUNCTION own_connection(uuid)")

"""Row-level security, as migrations declare it: which rows of a table are a customer's.

Postgres adds the condition to every statement of the serving role, so one that forgets its own sees no
foreign rows. The customer is that of the transaction (`chassis.database.transaction`); without one there are
no rows. Migrations that have been applied use what is here: what they did must not change.
"""

from typing import Final

import sqlalchemy as sa
from alembic import context, op

from chassis.database import JOBS_SUFFIX

CUSTOMER: Final = "nullif(current_setting('app.customer_id', true), '')::uuid"
"""The customer of the transaction; null when it has none."""
OWN: Final = f"customer_id = {CUSTOMER}"
GRACE: Final = "1 day"
"""How long code from before row security goes on while newer code replaces it; it cannot name a customer.
Afterwards it sees no rows any more."""


def protect(table: str, using: str = OWN, *, check: str | None = None) -> None:
    """Show the serving role only the rows for which `using` holds; let it write only those of `check`.

    Without `check` the two are the same. Run it in an autocommit block: each table is locked for itself, and
    only for an instant, since requests of the running code wait meanwhile. It may be run again.
    """
    _forced(table, f"FOR ALL TO {_serving()} USING ({using}) WITH CHECK ({check or using})")


def protect_outbox(table: str = "outbox") -> None:
    """Let the serving role add events and see none: whose they are is written inside of them."""
    _forced(table, f"FOR INSERT TO {_serving()} WITH CHECK (true)")


def unprotect(table: str) -> None:
    """For a downgrade."""
    op.execute(
        f"DO $$ BEGIN ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;"
        f" ALTER TABLE {table} DISABLE ROW LEVEL SECURITY; {_without_policies(table)} END $$"
    )


def _forced(table: str, own: str) -> None:
    jobs, owner = _role(JOBS_SUFFIX), _role("_owner")
    if not _scalar(f"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '{jobs}')"):
        raise RuntimeError(f"there is no role {jobs}: run `provision` of this version before `migrate`")
    # One statement is one transaction, however the driver sends it.
    op.execute(
        f"DO $$ BEGIN {_without_policies(table)}"
        f" CREATE POLICY own ON {table} {own};"
        f' CREATE POLICY all_customers ON {table} TO "{jobs}", "{owner}" USING (true) WITH CHECK (true);'
        f"{_grace(table)}"
        f" ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        f" ALTER TABLE {table} FORCE ROW LEVEL SECURITY; END $$"
    )


def _grace(table: str) -> str:
    """Let sessions that never heard of row security go on for a while, where there may be any."""
    if context.config.attributes["is_new"]:
        return ""
    end = _scalar(f"SELECT now() + interval '{GRACE}'")
    old = f"current_setting('app.customer_id', true) IS NULL AND now() < '{end}'::timestamptz"
    return f" CREATE POLICY old_code ON {table} TO {_serving()} USING ({old}) WITH CHECK ({old});"


def _without_policies(table: str) -> str:
    return "".join(
        f" DROP POLICY IF EXISTS {policy} ON {table};" for policy in ("own", "all_customers", "old_code")
    )


def _serving() -> str:
    return f'"{_role("")}"'


def _role(suffix: str) -> str:
    """A role is named after its service, and so is the schema."""
    return f"{_scalar('SELECT current_schema()')}{suffix}"


def _scalar(query: str) -> object:
    return op.get_bind().execute(sa.text(query)).scalar()

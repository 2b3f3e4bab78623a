"""The audit log: append only, a trigger sees to it."""

from typing import Any
from uuid import UUID

from chassis.database import Connection


async def add_audit_entry(
    connection: Connection,
    action: str,
    *,
    result: str = "ok",
    customer_id: UUID | None = None,
    user_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Note who did what. `detail` holds ids only, never an address, a password or a token."""
    await connection.execute(
        "INSERT INTO audit_log (customer_id, user_id, action, result, detail) VALUES ($1, $2, $3, $4, $5)",
        customer_id,
        user_id,
        action,
        result,
        detail,
    )

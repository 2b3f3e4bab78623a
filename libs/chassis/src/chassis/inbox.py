"""The inbox: remembers which events were handled, so that a redelivery changes nothing."""

from uuid import UUID

from sqlalchemy import Column, DateTime, MetaData, Table, Uuid, func

from chassis.database import Connection


def inbox_table(metadata: MetaData) -> Table:
    """Declare the inbox in a service's schema."""
    return Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


async def first_time(connection: Connection, event_id: UUID) -> bool:
    """Record the event in the caller's transaction; False when it was handled before.

    Two deliveries at once: the second waits on the primary key until the first has committed.
    """
    row = await connection.fetchval(
        "INSERT INTO inbox (event_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING event_id", event_id
    )
    return row is not None

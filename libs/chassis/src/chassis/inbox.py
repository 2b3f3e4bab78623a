"""The inbox: remembers which events were handled, so that a redelivery changes nothing."""

from uuid import UUID

from chassis.database import Connection


async def first_time(connection: Connection, event_id: UUID) -> bool:
    """Record the event in the caller's transaction; False when it was handled before.

    Two deliveries at once: the second waits on the primary key until the first has committed.
    """
    row = await connection.fetchval(
        "INSERT INTO inbox (event_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING event_id", event_id
    )
    return row is not None

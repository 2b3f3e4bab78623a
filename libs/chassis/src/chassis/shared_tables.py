"""Tables that each service has in its own schema, as its metadata declares them."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, MetaData, Table, Text, Uuid, func


def outbox_table(metadata: MetaData) -> Table:
    """Declare the outbox in a service's schema."""
    table = Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("event_id", Uuid, nullable=False),
        Column("stream", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        Column("sent_at", DateTime(timezone=True)),
    )
    Index("outbox_unsent", table.c.id, postgresql_where=table.c.sent_at.is_(None))
    Index("outbox_subject", table.c.subject)
    return table


def inbox_table(metadata: MetaData) -> Table:
    """Declare the inbox in a service's schema."""
    return Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )

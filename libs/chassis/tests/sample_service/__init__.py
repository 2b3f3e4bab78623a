"""The smallest service there can be: an outbox, an inbox and a table of notes."""

from sqlalchemy import Column, Integer, MetaData, Table, Text

from chassis.shared_tables import inbox_table, outbox_table

metadata = MetaData()
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
notes = Table("notes", metadata, Column("id", Integer, primary_key=True), Column("text", Text))

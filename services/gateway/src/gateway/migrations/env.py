"""Alembic's entry: migrations of the schema `gateway`."""

import asyncio

from chassis.database import run_migrations
from gateway.tables import metadata

asyncio.run(run_migrations(metadata))

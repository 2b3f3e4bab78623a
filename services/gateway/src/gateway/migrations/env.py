"""Alembic's entry: migrations of the schema `gateway`."""

import asyncio

from chassis.migration_env import run_migrations
from gateway.tables import metadata

asyncio.run(run_migrations(metadata))

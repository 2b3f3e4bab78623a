"""Alembic's entry: migrations of the schema `meta_auth`."""

import asyncio

from chassis.migration_env import run_migrations
from meta_auth.tables import metadata

asyncio.run(run_migrations(metadata))

"""Alembic's entry: runs on the owner's connection."""

import asyncio

from ads_publisher.tables import metadata
from chassis.migration_env import run_migrations

asyncio.run(run_migrations(metadata))

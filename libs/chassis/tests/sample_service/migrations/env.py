"""Alembic's entry, as every service has it."""

import asyncio

from chassis.migration_env import run_migrations
from sample_service import metadata

asyncio.run(run_migrations(metadata))

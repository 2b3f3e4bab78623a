"""Alembic's entry, as every service has it."""

import asyncio

from sqlalchemy import MetaData

from chassis.migration_env import run_migrations

asyncio.run(run_migrations(MetaData()))

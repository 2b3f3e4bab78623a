"""What `migrations/env.py` of every service runs below Alembic."""

import asyncpg
from alembic import context
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import MetaData, pool
from sqlalchemy.ext.asyncio import create_async_engine

from chassis.migrating import MIGRATION_LOCK_SECONDS


async def run_migrations(metadata: MetaData) -> None:
    """Body of every `migrations/env.py`: run on the connection of the owner role."""
    url: str = context.config.attributes["url"]

    async def connect() -> "asyncpg.Connection[asyncpg.Record]":
        # Not SQLAlchemy's own: it reads addresses otherwise, and stops at `?sslmode=require`.
        return await asyncpg.connect(
            url, server_settings={"lock_timeout": f"{MIGRATION_LOCK_SECONDS * 1000:.0f}"}
        )

    engine = create_async_engine("postgresql+asyncpg://", poolclass=pool.NullPool, async_creator=connect)

    def run(sync: SyncConnection) -> None:
        # One at a time: the second of two that were started together finds nothing left to do.
        _ = sync.exec_driver_sql("SELECT pg_advisory_lock(hashtext('migrate'), hashtext(current_schema()))")
        sync.commit()
        context.configure(connection=sync, target_metadata=metadata, transaction_per_migration=True)
        # Of the first try, when this is another: see `chassis.row_security`.
        is_new = context.get_context().get_current_revision() is None
        _ = context.config.attributes.setdefault("is_new", is_new)
        with context.begin_transaction():
            context.run_migrations()

    async with engine.connect() as acquired:
        await acquired.run_sync(run)
        await acquired.commit()
    await engine.dispose()

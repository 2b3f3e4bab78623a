"""A migrated schema on the session's Postgres, opened as the serving role."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from chassis.database import Connection, Pool, across_customers, connection, create_pool
from chassis.migrating import migrate
from chassis.provision import provision
from local_stack.pytest_plugin import CreateDatabase

PASSWORD = "serving"
OWNER_PASSWORD = "owner"


def as_role(url: str, role: str, password: str) -> str:
    return f"postgresql://{role}:{password}@{url.rsplit('@', 1)[1]}"


@pytest_asyncio.fixture(scope="session")
async def migrated_url(create_database: CreateDatabase) -> str:
    """Address of a database in which `ads_publisher` is provisioned and migrated, for the superuser."""
    url = await create_database()
    await provision(url, service="ads_publisher", password=PASSWORD, owner_password=OWNER_PASSWORD)
    owner_url = as_role(url, "ads_publisher_owner", OWNER_PASSWORD)
    await asyncio.to_thread(migrate, owner_url, package="ads_publisher")
    return url


@pytest_asyncio.fixture
async def pool(migrated_url: str) -> AsyncIterator[Pool]:
    """The serving role's pool on empty tables."""
    opened = await create_pool(as_role(migrated_url, "ads_publisher", PASSWORD), name="test")
    async with across_customers(opened) as acquired:
        for table in ("publish_attempts", "publish_jobs", "outbox"):
            await acquired.execute(f"DELETE FROM {table}")
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def admin(migrated_url: str, pool: Pool) -> AsyncIterator[Connection]:
    """The superuser on the same tables, whose rows it sees whoever's they are."""
    async with (
        await create_pool(f"{migrated_url}?search_path=ads_publisher", name="admin") as opened,
        connection(opened) as acquired,
    ):
        yield acquired

"""All three services' rooms in one database, and two customers with a row everywhere."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from rows_lab import PACKAGES, Lab, make_lab

from chassis.database import Pool, create_pool


@pytest_asyncio.fixture(scope="session")
async def lab(create_database: Callable[[], Awaitable[str]]) -> Lab:
    made = await make_lab(await create_database())
    for schema in PACKAGES:
        await made.provision(schema)
        await made.migrate(schema)
    return made


@pytest_asyncio.fixture(scope="session")
async def two_customers(lab: Lab) -> tuple[UUID, UUID]:
    """Each with a row in every table of every schema."""
    ours, theirs = uuid4(), uuid4()
    for schema in PACKAGES:
        for customer in (ours, theirs):
            await lab.seed(schema, customer)
    return ours, theirs


@pytest.fixture
def ours(two_customers: tuple[UUID, UUID]) -> UUID:
    return two_customers[0]


@pytest.fixture
def theirs(two_customers: tuple[UUID, UUID]) -> UUID:
    return two_customers[1]


@pytest_asyncio.fixture
async def pools(lab: Lab) -> AsyncIterator[dict[str, Pool]]:
    """Of the serving roles, as the services open them."""
    opened = {schema: await create_pool(lab.url(schema), name=schema, size=2) for schema in PACKAGES}
    yield opened
    for pool in opened.values():
        await pool.close()

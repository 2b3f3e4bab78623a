"""Fixtures with a real Postgres and a real Valkey, for every test tree of the workspace.

- `postgres_server`, `valkey_server`: one of each per session, on free ports, in a folder that is removed.
- `create_database`: `await create_database()` makes an empty database and returns its superuser address.
- `database_url`: such an address, a fresh one per test.
- `redis_url`: address of the Valkey server, emptied for this test.

A test that stops, kills or pauses a server starts or resumes it again before it ends.
"""

import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from local_stack.ports import free_port
from local_stack.servers import EmbeddedPostgres, EmbeddedValkey

CreateDatabase = Callable[[], Awaitable[str]]


@pytest.fixture(scope="session")
def server_dir() -> Iterator[Path]:
    """A folder for the data of this session's servers."""
    path = Path(tempfile.mkdtemp(prefix="project-auto-servers-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def postgres_server(server_dir: Path) -> Iterator[EmbeddedPostgres]:
    """A Postgres server of this session."""
    server = EmbeddedPostgres(server_dir / "postgres", free_port(), durable=False)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def valkey_server(server_dir: Path) -> Iterator[EmbeddedValkey]:
    """A Valkey server of this session."""
    server = EmbeddedValkey(server_dir / "valkey", free_port())
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def create_database(postgres_server: EmbeddedPostgres) -> CreateDatabase:
    """Makes empty databases; they go with the server."""
    import asyncpg  # noqa: PLC0415  pytest loads this module for every run, also for those without a database

    async def create() -> str:
        name = f"test_{uuid.uuid4().hex}"
        connection = await asyncpg.connect(postgres_server.admin_url)
        try:
            await connection.execute(f"CREATE DATABASE {name}")
        finally:
            await connection.close()
        return postgres_server.url(name)

    return create


@pytest_asyncio.fixture
async def database_url(create_database: CreateDatabase) -> str:
    """The superuser's address of an empty database."""
    return await create_database()


@pytest_asyncio.fixture
async def redis_url(valkey_server: EmbeddedValkey) -> AsyncIterator[str]:
    """The address of the session's Valkey server, emptied for this test."""
    import redis.asyncio as redis  # noqa: PLC0415  see create_database

    client = redis.Redis.from_url(valkey_server.url)
    await client.flushall()
    await client.aclose()
    yield valkey_server.url

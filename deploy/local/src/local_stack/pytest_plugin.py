"""Fixtures with a real Postgres and a real Redis or Valkey, for every test tree of the workspace.

- `postgres_server`, `valkey_server`: one of each per session, on free ports; their data goes with them.
- `start_valkey`: a context manager with one more Redis or Valkey, for tests that stop it.
- `create_database`: `await create_database()` makes an empty database and returns its superuser address.
- `database_url`: such an address, a fresh one per test.
- `redis_url`: address of the session's Redis or Valkey, emptied for this test.

Containers or embedded servers: see `server_choice`; the header of the run says which. A test that stops,
kills or pauses a server starts or resumes it again before it ends.
"""

import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio

from local_stack.ports import free_port
from local_stack.server_choice import Choice, ChoiceError
from local_stack.servers import EmbeddedPostgres, EmbeddedValkey

CreateDatabase = Callable[[], Awaitable[str]]
CHOICE = pytest.StashKey[Choice]()
RYUK = pytest.StashKey[bool]()


class Server(Protocol):
    """What a test may do to a server."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def restart(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class PostgresServer(Server, Protocol):
    """A Postgres server, and the superuser's addresses there."""

    @property
    def admin_url(self) -> str: ...
    def url(self, database: str = ...) -> str: ...


class ValkeyServer(Server, Protocol):
    """A Valkey or Redis server, and its address."""

    @property
    def url(self) -> str: ...


StartValkey = Callable[[], AbstractContextManager[ValkeyServer]]


def pytest_configure(config: pytest.Config) -> None:
    """Decide once for the whole run."""
    try:
        config.stash[CHOICE] = Choice.make()
    except ChoiceError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[RYUK] = not config.stash[CHOICE].containers or _use_ryuk()


def _use_ryuk() -> bool:
    from local_stack.containers import use_ryuk  # noqa: PLC0415  testcontainers is for tests only

    return use_ryuk()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which servers the tests will get."""
    off = "ryuk is off: if this run is killed, remove its containers by hand"
    return [str(config.stash[CHOICE]), *([] if config.stash[RYUK] else [off])]


@contextmanager
def embedded_postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres server in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="project-auto-postgres-", ignore_cleanup_errors=True) as folder:
        server = EmbeddedPostgres(Path(folder), free_port(), durable=False)
        server.start()
        yield server
        server.kill()


@contextmanager
def embedded_valkey() -> Iterator[EmbeddedValkey]:
    """A Valkey server in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="project-auto-valkey-") as folder:
        server = EmbeddedValkey(Path(folder), free_port())
        server.start()
        yield server
        server.kill()


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config) -> Iterator[PostgresServer]:
    """A Postgres server of this session."""
    if pytestconfig.stash[CHOICE].containers:
        from local_stack.containers import ContainerPostgres  # noqa: PLC0415  testcontainers is for tests only

        with ContainerPostgres() as container:
            yield container
    else:
        with embedded_postgres() as embedded:
            yield embedded


@pytest.fixture(scope="session")
def start_valkey(pytestconfig: pytest.Config) -> StartValkey:
    """Starts one more Redis or Valkey."""
    if pytestconfig.stash[CHOICE].containers:
        from local_stack.containers import ContainerRedis  # noqa: PLC0415  testcontainers is for tests only

        return ContainerRedis
    return embedded_valkey


@pytest.fixture(scope="session")
def valkey_server(start_valkey: StartValkey) -> Iterator[ValkeyServer]:
    """A Redis or Valkey server of this session."""
    with start_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def create_database(postgres_server: PostgresServer) -> CreateDatabase:
    """Makes empty databases; they go with the server."""
    return database_maker(postgres_server)


def database_maker(postgres_server: PostgresServer) -> CreateDatabase:
    """For a folder with a server of its own: a fixture of the session is made once and keeps its first server."""
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
async def redis_url(valkey_server: ValkeyServer) -> AsyncIterator[str]:
    """The address of the session's Redis or Valkey, emptied for this test."""
    import redis.asyncio as redis  # noqa: PLC0415  see create_database

    client = redis.Redis.from_url(valkey_server.url)
    await client.flushall()
    await client.aclose()
    yield valkey_server.url

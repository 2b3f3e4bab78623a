"""A provisioned and migrated sample service on a real Postgres, and a client of a real Valkey."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio
import structlog
import uvicorn
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

sys.path.insert(0, str(Path(__file__).parent))  # the sample service is imported as an installed one would be

from sample_service.app import create_app
from sample_service.room import Room

from chassis.database import Connection, Pool, create_pool
from chassis.migrating import migrate

# A busy machine makes an example slow, which says nothing about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# The formatter that structlog begins with spends a second of CPU on each traceback.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
)


@pytest_asyncio.fixture(scope="session")
async def migrated_room(create_database: Callable[[], Awaitable[str]]) -> Room:
    """A provisioned and migrated room, made once."""
    room = Room(service="chassis_sample", admin_url=await create_database())
    await room.provision()
    await asyncio.to_thread(migrate, room.owner_url, package="sample_service")
    return room


@pytest_asyncio.fixture
async def admin(migrated_room: Room) -> AsyncIterator[Connection]:
    """The superuser in the room's database."""
    connection = await asyncpg.connect(migrated_room.admin_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def room(migrated_room: Room, admin: Connection) -> Room:
    """The room with empty tables."""
    await admin.execute("TRUNCATE chassis_sample.notes, chassis_sample.outbox, chassis_sample.inbox")
    return migrated_room


@pytest_asyncio.fixture
async def pool(room: Room) -> AsyncIterator[Pool]:
    """The serving role's pool, as a service opens it."""
    pool = await create_pool(room.url, name="sample", size=4)
    yield pool
    await pool.close()


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the emptied Valkey."""
    async with Redis.from_url(redis_url, socket_timeout=5) as client:
        yield client


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """What was logged so far, wherever an earlier test of the same run has sent the logs."""
    seen: list[str] = []

    def read() -> str:
        seen.append(capfd.readouterr().out)
        return "".join(seen) + caplog.text

    return read


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """A served sample service, run as the real ones are."""
    config = uvicorn.Config(
        create_app(),
        host="127.0.0.1",
        port=0,
        http="httptools",
        loop="asyncio",
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
    )
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    listener.listen()  # bound is not listening: the first call may come before the server's thread runs
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="module")
def client(address: tuple[str, int]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{address[0]}:{address[1]}", trust_env=False, timeout=10) as client:
        yield client

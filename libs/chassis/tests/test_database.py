"""What a use case meets when Postgres goes away, and that it needs no restart when Postgres is back."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sample_service.room import Room
from sample_service.waiting import eventually

from chassis.database import (
    Pool,
    affected,
    connection,
    create_pool,
    is_alive,
    transaction,
)
from chassis.errors import Unavailable
from chassis.migrating import MIGRATION_LOCK_SECONDS, migrate
from local_stack.pytest_plugin import PostgresServer

BACKENDS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sample'"


async def count(pool: Pool) -> int:
    async with connection(pool) as acquired:
        return int(await acquired.fetchval("SELECT count(*) FROM notes"))


async def add_note(pool: Pool) -> None:
    async with transaction(pool) as acquired:
        await acquired.execute("INSERT INTO notes (text) VALUES ('one')")


async def served(pool: Pool) -> bool:
    """Whether a note could be added. A pooled connection that died says so once, when it is next used."""
    try:
        await add_note(pool)
    except Unavailable:
        return False
    return True


@pytest_asyncio.fixture
async def small_pool(room: Room) -> AsyncIterator[Pool]:
    pool = await create_pool(room.url, name="sample", size=2)
    yield pool
    await pool.close()


async def test_a_transaction_is_kept_whole_or_not_at_all(pool: Pool) -> None:
    async def fail() -> None:
        async with transaction(pool) as acquired:
            await acquired.execute("INSERT INTO notes (text) VALUES ('one')")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    assert await count(pool) == 0
    await add_note(pool)
    assert await count(pool) == 1


async def test_a_connection_that_dies_inside_a_transaction_is_unavailable(pool: Pool, admin: Any) -> None:
    async def lose_the_connection() -> None:
        async with transaction(pool) as acquired:
            await acquired.execute("INSERT INTO notes (text) VALUES ('one')")
            await admin.execute(BACKENDS)
            await acquired.execute("INSERT INTO notes (text) VALUES ('two')")

    with pytest.raises(Unavailable) as lost:
        await lose_the_connection()
    assert lost.value.retry_after_seconds > 0
    assert lost.value.__cause__ is not None
    await eventually(lambda: served(pool))
    assert await count(pool) == 1


async def test_a_stopped_postgres_is_unavailable_and_a_started_one_serves_again(
    pool: Pool, postgres_server: PostgresServer
) -> None:
    await add_note(pool)
    postgres_server.stop()
    try:
        assert not await is_alive(pool)
        with pytest.raises(Unavailable):
            await add_note(pool)
        with pytest.raises(Unavailable):
            await count(pool)
    finally:
        postgres_server.start()
    await eventually(lambda: served(pool))
    assert await is_alive(pool)
    assert await count(pool) == 2


async def test_a_crashed_postgres_keeps_what_was_committed(
    pool: Pool, postgres_server: PostgresServer
) -> None:
    await add_note(pool)
    postgres_server.kill()
    postgres_server.start()
    await eventually(lambda: served(pool))
    assert await count(pool) == 2


async def test_a_postgres_that_hangs_is_not_alive(pool: Pool, postgres_server: PostgresServer) -> None:
    assert await is_alive(pool)
    postgres_server.pause()
    try:
        assert not await is_alive(pool)
    finally:
        postgres_server.resume()
    assert await is_alive(pool)


async def test_whoever_waits_too_long_for_a_connection_is_told_to_come_back(small_pool: Pool) -> None:
    async with transaction(small_pool), transaction(small_pool):
        with pytest.raises(Unavailable):
            async with transaction(small_pool):
                pass


@pytest.mark.parametrize("value", [2**40, "text"], ids=["too large for its column", "of the wrong type"])
async def test_a_value_that_does_not_fit_is_a_bug_and_no_outage(pool: Pool, value: object) -> None:
    for block in (transaction, connection):
        with pytest.raises(asyncpg.DataError):
            async with block(pool) as acquired:
                await acquired.execute("INSERT INTO notes (id) VALUES ($1)", value)


async def test_a_broken_constraint_is_not_an_outage(pool: Pool) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        async with transaction(pool) as acquired:
            await acquired.execute("INSERT INTO notes (id) VALUES (1), (1)")


async def test_cancelling_a_use_case_takes_back_its_writes_and_frees_its_connection(
    small_pool: Pool,
) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with transaction(small_pool) as acquired:
            await acquired.execute("INSERT INTO notes (text) VALUES ('one')")
            inside.set()
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(hang()) for _ in range(2)]
    await inside.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert await count(small_pool) == 0


async def test_json_columns_hold_python_values(pool: Pool) -> None:
    value = {"name": "Åsa", "list": [1, None, True]}
    async with connection(pool) as acquired:
        assert await acquired.fetchval("SELECT $1::jsonb", value) == value
        assert await acquired.fetchval("SELECT $1::json", value) == value


async def test_the_pool_can_be_recognised_in_postgres(pool: Pool, admin: Any) -> None:
    names = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sample'"
    await eventually(lambda: admin.fetchval(names))


@pytest.mark.parametrize(("status", "rows"), [("UPDATE 3", 3), ("INSERT 0 1", 1), ("DELETE 0", 0)])
def test_the_number_of_changed_rows_is_read_from_the_command_status(status: str, rows: int) -> None:
    assert affected(status) == rows


async def test_a_migration_stands_back_from_a_lock_and_comes_again(
    create_database: Callable[[], Awaitable[str]],
) -> None:
    """A change that waits for a long transaction makes every request behind it wait as well."""
    room = Room(service="chassis_locked", admin_url=await create_database())
    await room.provision()
    holder = await asyncpg.connect(room.owner_url)
    await holder.execute("CREATE TABLE notes (id int)")
    await holder.execute("BEGIN")
    await holder.execute("LOCK TABLE notes IN ACCESS SHARE MODE")
    other = await asyncpg.connect(room.owner_url)
    migrating = asyncio.create_task(asyncio.to_thread(migrate, room.owner_url, package="blocked_service"))
    waited = []
    while not migrating.done() and len(waited) < 30:
        started = time.monotonic()
        await other.fetchval("SELECT count(*) FROM notes")
        waited.append(time.monotonic() - started)
        await asyncio.sleep(0.1)
    assert not migrating.done()
    assert max(waited) < MIGRATION_LOCK_SECONDS + 1
    await holder.execute("COMMIT")
    await asyncio.wait_for(migrating, timeout=20)
    assert await other.fetchval("SELECT count(added) FROM notes") == 0
    for connection_ in (holder, other):
        await connection_.close()


async def test_two_migrations_at_once_do_the_work_once(
    create_database: Callable[[], Awaitable[str]],
) -> None:
    room = Room(service="chassis_twice", admin_url=await create_database())
    await room.provision()
    await asyncio.gather(
        *(asyncio.to_thread(run_migrate_process, room.owner_url) for _ in range(3)),
    )
    connection_ = await asyncpg.connect(room.url)
    assert await connection_.fetchval("SELECT count(*) FROM notes") == 0
    await connection_.close()


async def test_the_address_of_a_migration_may_ask_for_tls(
    create_database: Callable[[], Awaitable[str]],
) -> None:
    """A managed Postgres wants `sslmode`; this server has no TLS, so here it is only preferred."""
    room = Room(service="chassis_tls", admin_url=await create_database())
    await room.provision()
    await asyncio.to_thread(run_migrate_process, f"{room.owner_url}?sslmode=prefer")
    connection_ = await asyncpg.connect(room.url)
    assert await connection_.fetchval("SELECT count(*) FROM notes") == 0
    await connection_.close()


def run_migrate_process(url: str) -> None:
    """Alembic keeps its state in its module: one process for each, as in a deployment."""
    code = "import sys; from chassis.migrating import migrate; migrate(sys.argv[1], package='sample_service')"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.run([sys.executable, "-c", code, url], env=environment, check=True)  # noqa: S603 - our own


async def test_connections_go_to_those_who_asked_first(small_pool: Pool) -> None:
    asked = iter(range(1000))
    served: list[int] = []

    async def come_again() -> None:
        for _ in range(20):
            mine = next(asked)
            async with connection(small_pool) as acquired:
                served.append(mine)
                await acquired.execute("SELECT 1")

    await asyncio.gather(*[come_again() for _ in range(30)])
    assert served == sorted(served)


async def test_a_transaction_that_falls_silent_keeps_nobody_waiting(room: Room, pool: Pool) -> None:
    async def say_nothing() -> None:
        async with (
            await create_pool(room.url, name="frozen", size=2, silent_seconds=0.5) as frozen,
            transaction(frozen) as silent,
        ):
            await silent.execute("UPDATE notes SET text = 'two'")
            async with transaction(pool) as acquired:
                await acquired.execute("UPDATE notes SET text = 'three'")

    await add_note(pool)
    with pytest.raises(Unavailable):
        await say_nothing()
    async with connection(pool) as acquired:
        assert await acquired.fetchval("SELECT text FROM notes") == "three"

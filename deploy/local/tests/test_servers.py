import os
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio as redis

from local_stack.ports import free_port
from local_stack.pytest_plugin import CreateDatabase
from local_stack.servers import EmbeddedPostgres, EmbeddedValkey


async def test_postgres_keeps_its_data_over_a_clean_restart(
    postgres_server: EmbeddedPostgres, database_url: str
) -> None:
    await _run(database_url, "CREATE TABLE kept AS SELECT 1 AS x")
    postgres_server.restart()
    assert await _value(database_url, "SELECT x FROM kept") == 1


async def test_postgres_keeps_what_was_committed_over_a_crash(
    postgres_server: EmbeddedPostgres, database_url: str
) -> None:
    await _run(database_url, "CREATE TABLE kept AS SELECT 1 AS x")
    postgres_server.kill()
    assert not postgres_server.is_running()
    postgres_server.start()
    assert await _value(database_url, "SELECT x FROM kept") == 1


async def test_postgres_starts_although_a_crash_left_a_lock_file_with_the_number_of_another_process(
    postgres_server: EmbeddedPostgres, database_url: str
) -> None:
    postgres_server.stop()
    lock_file = postgres_server.data_dir / "pgdata" / "postmaster.pid"
    lock_file.write_text(f"{os.getpid()}\n{postgres_server.data_dir / 'pgdata'}\n0\n")
    postgres_server.start()
    assert await _value(database_url, "SELECT 1") == 1


async def test_a_paused_postgres_answers_nothing_and_then_goes_on(
    postgres_server: EmbeddedPostgres, database_url: str
) -> None:
    connection = await asyncpg.connect(database_url)
    postgres_server.pause()
    try:
        with pytest.raises(TimeoutError):
            await connection.fetchval("SELECT 1", timeout=0.3)
    finally:
        postgres_server.resume()
        connection.terminate()
    assert await _value(database_url, "SELECT 1") == 1


async def test_a_durable_postgres_writes_through_to_the_disk_and_wants_a_password(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, free_port())
    server.start()
    try:
        assert await _value(server.admin_url, "SHOW fsync") == "on"
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.admin_url, password="guessed")
        assert (tmp_path / "admin-password").stat().st_mode & 0o077 == 0
    finally:
        server.stop()


async def test_valkey_keeps_its_data_over_a_crash(valkey_server: EmbeddedValkey, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    await client.set("kept", "1")
    await client.aclose()
    valkey_server.kill()
    valkey_server.start()
    client = redis.Redis.from_url(redis_url)
    assert await client.get("kept") == b"1"
    await client.aclose()


async def test_each_test_gets_an_empty_database_of_its_own(
    create_database: CreateDatabase, database_url: str
) -> None:
    other = await create_database()
    assert other != database_url
    tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
    assert await _value(other, tables) == 0


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def _value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()

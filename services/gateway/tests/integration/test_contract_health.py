"""`/health`, `/health/live` and `/health/ready`."""

import httpx
import pytest
from gateway_harness import Publisher, StartGateway, eventually

from chassis.database import Connection
from gateway.context import Schema
from local_stack.pytest_plugin import PostgresServer, ValkeyServer


async def _health(client: httpx.AsyncClient) -> tuple[int, str]:
    answer = await client.get("/health")
    return answer.status_code, answer.text


async def test_health_is_exactly_three_keys_of_compact_json(stranger: httpx.AsyncClient) -> None:
    assert await _health(stranger) == (200, '{"ok":true,"db":true,"redis":true}')


async def test_a_probe_may_ask_for_the_head_only(stranger: httpx.AsyncClient) -> None:
    answer = await stranger.head("/health")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_health_tells_within_two_seconds_that_redis_hangs_and_when_it_is_back(
    stranger: httpx.AsyncClient, valkey: ValkeyServer
) -> None:
    valkey.pause()
    try:
        answer = await stranger.get("/health", timeout=2.0)
    finally:
        valkey.resume()
    assert (answer.status_code, answer.text) == (503, '{"ok":false,"db":true,"redis":false}')
    await eventually(lambda: _health(stranger), lambda seen: seen[0] == 200)


async def test_health_tells_within_three_seconds_that_postgres_is_gone_and_when_it_is_back(
    stranger: httpx.AsyncClient, postgres_server: PostgresServer
) -> None:
    postgres_server.kill()
    try:
        answer = await stranger.get("/health", timeout=3.0)
    finally:
        postgres_server.start()
    assert (answer.status_code, answer.text) == (503, '{"ok":false,"db":false,"redis":true}')
    await eventually(lambda: _health(stranger), lambda seen: seen[0] == 200)


async def test_health_opens_no_connection_per_call(stranger: httpx.AsyncClient, publisher: Publisher) -> None:
    await _health(stranger)
    before = (await publisher.redis.info("stats"))["total_connections_received"]
    for _ in range(20):
        await _health(stranger)
    after = (await publisher.redis.info("stats"))["total_connections_received"]
    # Other readers of this server (a blocked stream reader that renews itself) may add one or two.
    assert after - before <= 3


async def test_ready_says_what_stands_in_the_way_of_runs(
    stranger: httpx.AsyncClient, publisher: Publisher
) -> None:
    await publisher.redis.delete("presence:ads-publisher")
    await publisher.appear("real")

    async def ready() -> dict[str, object]:
        answer = await stranger.get("/health/ready")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    body = await eventually(ready, lambda seen: seen["publisher"]["seen"] and seen["consumersHealthy"])  # type: ignore[index]  # JSON
    assert body["ready"] is True
    assert body["migrations"]["current"] == body["migrations"]["head"]
    assert "unsent" in body["relay"]  # type: ignore[operator]  # JSON


async def test_a_gateway_stays_ready_while_a_newer_release_has_migrated_already(
    stranger: httpx.AsyncClient, admin: Connection
) -> None:
    head = await admin.fetchval("SELECT version_num FROM alembic_version")
    await admin.execute("UPDATE alembic_version SET version_num = '9999'")
    try:
        answer = await stranger.get("/health/ready")
    finally:
        await admin.execute("UPDATE alembic_version SET version_num = $1", head)
    assert answer.status_code == 200, answer.text
    assert answer.json()["migrations"] == {"current": "9999", "head": head}


@pytest.mark.parametrize(
    ("revision", "serves"), [("0003", True), ("0002", True), ("0001", False), (None, False)]
)
def test_code_serves_its_own_schema_and_newer_ones_and_no_older_one(
    revision: str | None, *, serves: bool
) -> None:
    assert Schema(head="0002", known=frozenset({"0001", "0002"})).is_behind(revision) is not serves


async def test_a_process_is_alive_although_postgres_and_redis_are_gone(
    stranger: httpx.AsyncClient, postgres_server: PostgresServer, valkey: ValkeyServer
) -> None:
    """Restarting every gateway would not bring them back."""
    valkey.pause()
    postgres_server.kill()
    try:
        answer = await stranger.get("/health/live", timeout=2.0)
    finally:
        postgres_server.start()
        valkey.resume()
    assert (answer.status_code, answer.text) == (200, '{"ok":true}')
    await eventually(lambda: _health(stranger), lambda seen: seen[0] == 200)


async def test_a_gateway_starts_and_accepts_work_without_redis(
    start_gateway: StartGateway, valkey: ValkeyServer
) -> None:
    valkey.stop()
    try:
        gateway = start_gateway(ready_path="/openapi.json")
        async with gateway.client() as client:
            signed_up = await client.post(
                "/signup", json={"email": "nr@example.com", "name": "N", "password": "long enough"}
            )
            assert signed_up.status_code == 201
    finally:
        valkey.start()
    async with gateway.client() as client:
        await eventually(lambda: _health(client), lambda seen: seen[0] == 200)

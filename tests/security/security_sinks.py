"""Everywhere that the system writes: each place as text, by name."""

import asyncpg
import httpx
from e2e_system import EmbeddedSystem, database_url
from redis.asyncio import Redis
from security_story import Story

from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH, metrics_url


async def sinks_of(story: Story) -> dict[str, str]:
    system = story.system
    found = {
        **_files(system),
        **await _metrics(system),
        **await _redis(system),
        **await _database(system),
        **{f"operator: {name}": text for name, text in story.outputs.items()},
        "answers": "\n".join(story.answers),
        "OpenAPI": await _page(f"{system.gateway_url}/openapi.json"),
    }
    assert all(found.values()), [name for name, text in found.items() if not text]
    return found


def _files(system: EmbeddedSystem) -> dict[str, str]:
    """Logs and spans."""
    logs = {f"log of {name}": text for name, text in system.logs().items() if text}
    assert {f"log of {name}" for name in (GATEWAY, META_AUTH, ADS_PUBLISHER)} <= logs.keys()
    spans = {
        f"spans of {path.stem}": path.read_bytes().decode("latin-1")
        for path in (system.data_dir / "traces").glob("*")
    }
    assert {f"spans of {name}" for name in (GATEWAY, META_AUTH, ADS_PUBLISHER)} <= spans.keys()
    return {**logs, **spans}


async def _metrics(system: EmbeddedSystem) -> dict[str, str]:
    return {
        f"metrics of {name}": await _page(metrics_url(name, system.ports))
        for name in (GATEWAY, META_AUTH, ADS_PUBLISHER)
    }


async def _page(url: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(url)).text


async def _redis(system: EmbeddedSystem) -> dict[str, str]:
    """Streams with their dead letters, everything else by its own dump, and both kinds of file."""
    found = {}
    async with Redis.from_url(system.valkey.url) as redis:
        async for key in redis.scan_iter():
            if await redis.type(key) == b"stream":
                found[f"stream {key.decode()}"] = repr(await redis.xrange(key))
            else:
                found[f"key {key.decode()}"] = (await redis.dump(key)).decode("latin-1")
        assert {"stream ads.publish", "stream ads.results", "stream ads.publish.dead"} <= found.keys()
        await redis.save()
    files = [path for path in system.valkey.data_dir.rglob("*") if path.suffix in {".aof", ".rdb"}]
    assert {path.suffix for path in files} == {".aof", ".rdb"}
    return found | {
        f"redis file {path.name}": text for path in files if (text := path.read_bytes().decode("latin-1"))
    }


async def _database(system: EmbeddedSystem) -> dict[str, str]:
    """Every row of every table of ours as text; bytes are in it as hexadecimal."""
    connection = await asyncpg.connect(database_url(system))
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        found = {}
        for schema, table in tables:
            rows = await connection.fetch(f'SELECT t::text AS line FROM "{schema}"."{table}" AS t')
            found[f"table {schema}.{table}"] = "\n".join(["table", *(row["line"] for row in rows)])
        return found
    finally:
        await connection.close()

"""On a real server, each service may do what it does and nothing that would hurt the others."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

from contracts.events import CONNECTIONS_STREAM, PUBLISH_STREAM, RESULTS_STREAM
from contracts.redis_acl import PRESENCE_KEY
from local_stack.credentials import REDIS_ADMIN
from local_stack.ports import HOST, free_port
from local_stack.servers import EmbeddedValkey, redis_url

PASSWORDS = {name: f"{name}-secret" for name in (REDIS_ADMIN, "gateway", "meta-auth", "ads-publisher")}
SENDS = {"gateway": PUBLISH_STREAM, "ads-publisher": RESULTS_STREAM, "meta-auth": CONNECTIONS_STREAM}
RECEIVES = {
    "gateway": (RESULTS_STREAM, CONNECTIONS_STREAM),
    "ads-publisher": (PUBLISH_STREAM, CONNECTIONS_STREAM),
    "meta-auth": (),
}
DANGEROUS = (
    "FLUSHALL",
    "CONFIG GET *",
    "ACL LIST",
    "KEYS *",
    "SCAN 0",
    "SHUTDOWN",
    "EVAL return 0",
    "CLIENT LIST",
    "MONITOR",
    "SAVE",
    "GET anything",
    "SET anything 1",
    "DEL ads.publish",
    "XTRIM ads.other MAXLEN 0",
    "PUBLISH anything 1",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    folder: Path = tmp_path_factory.mktemp("acl")
    valkey = EmbeddedValkey(folder, free_port(), passwords=PASSWORDS)
    valkey.start()
    yield valkey
    valkey.kill()


@pytest_asyncio.fixture(params=sorted(SENDS))
async def user(request: pytest.FixtureRequest, server: EmbeddedValkey) -> AsyncIterator[tuple[str, Redis]]:
    url = redis_url(server.port, request.param, PASSWORDS)
    async with Redis.from_url(url, socket_timeout=5) as client:
        yield request.param, client


async def allowed(client: Redis, *command: str) -> bool:
    """Whether the server lets this user do it; that it fails for another reason counts as allowed."""
    try:
        await client.execute_command(*command)
    except NoPermissionError:
        return False
    except ResponseError as error:
        return "NOPERM" not in str(error)
    return True


async def test_a_service_writes_the_stream_it_sends_and_no_other(user: tuple[str, Redis]) -> None:
    name, client = user
    writable = {stream for stream in SENDS.values() if await allowed(client, "XADD", stream, "*", "a", "1")}
    # What it receives is written too, by the replay of a dead letter.
    assert writable == {SENDS[name], *RECEIVES[name]}


async def test_a_service_consumes_what_it_receives_and_nothing_else(user: tuple[str, Redis]) -> None:
    name, client = user
    for stream in SENDS.values():
        mine = stream in RECEIVES[name]
        for command in (
            ("XGROUP", "CREATE", stream, name, "0", "MKSTREAM"),
            ("XREADGROUP", "GROUP", name, "me", "COUNT", "1", "STREAMS", stream, ">"),
            ("XAUTOCLAIM", stream, name, "me", "1000", "0"),
            ("XACK", stream, name, "0-1"),
            ("XPENDING", stream, name),
            ("XRANGE", stream, "-", "+", "COUNT", "1"),
            ("XINFO", "GROUPS", stream),
            ("XINFO", "CONSUMERS", stream, name),
            ("XTRIM", stream, "MINID", "0"),
            ("XADD", f"{stream}.dead", "*", "a", "1"),
            ("XREVRANGE", f"{stream}.dead", "+", "-"),
            ("XLEN", f"{stream}.dead"),
            ("XDEL", f"{stream}.dead", "0-1"),
        ):
            assert await allowed(client, *command) is mine, command


async def test_only_the_publisher_reports_itself_and_only_the_gateway_reads_it(
    user: tuple[str, Redis],
) -> None:
    name, client = user
    assert await allowed(client, "HSET", PRESENCE_KEY, "x", "1") is (name == "ads-publisher")
    assert await allowed(client, "HGETALL", PRESENCE_KEY) is (name in ("ads-publisher", "gateway"))


@pytest.mark.parametrize("command", DANGEROUS)
async def test_no_service_may_list_empty_or_configure(user: tuple[str, Redis], command: str) -> None:
    assert not await allowed(user[1], *command.split())


async def test_nobody_gets_in_without_a_password_but_for_ping(server: EmbeddedValkey) -> None:
    async with Redis(host=HOST, port=server.port, socket_timeout=5) as nobody:
        with pytest.raises(AuthenticationError):
            await nobody.ping()
    async with Redis(host=HOST, port=server.port, username="health", password="-") as health:
        assert await health.ping()
        assert not await allowed(health, "XLEN", PUBLISH_STREAM)
        assert not await allowed(health, "INFO")


def test_the_file_holds_no_password_of_a_service(server: EmbeddedValkey) -> None:
    text = (server.data_dir / "users.acl").read_text()
    assert "user gateway" in text
    assert not [name for name in SENDS if PASSWORDS[name] in text]

"""The gateway as its own process on real Postgres and Valkey, beside a real meta-auth and the sandbox."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from chassis.database import Connection
from chassis.provision import provision
from chassis.service_tokens import new_key_pair
from local_stack.ports import free_port
from local_stack.pytest_plugin import StartValkey, ValkeyServer

sys.path.append(str(Path(__file__).parent))  # the harness is not part of any installed package
from gateway_harness import (
    APP_SECRET,
    ROLE,
    Database,
    Gateway,
    Migrated,
    NewPerson,
    Person,
    Publisher,
    Sandbox,
    StartGateway,
)

META_AUTH_ROLE = "meta_auth_of_gateway"
APP_ID = "424200000000023"
READY_SECONDS = 40.0


@pytest.fixture(scope="session")
def start_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Path]]:
    """Start `python -m <module> ...`, wait for its readiness address, stop it at the end."""
    running: list[subprocess.Popen[bytes]] = []
    logs = tmp_path_factory.mktemp("logs")

    def start(argv: list[str], env: dict[str, str], ready_url: str) -> Path:
        log = logs / f"{argv[0]}-{len(running)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-m", *argv], env={**_plain_env(), **env}, stdout=output, stderr=output
            )
        running.append(process)
        _wait_until_ready(ready_url, process, log)
        return log

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(timeout=15)


@pytest.fixture(scope="session")
def valkey(start_valkey: StartValkey) -> Iterator[ValkeyServer]:
    """A Valkey of our own: these tests stop it, and other suites have streams of the same name."""
    with start_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def migrated(create_database: Callable[[], Awaitable[str]]) -> Migrated:
    """Make a database with the schema of a service for a role, by the service's real `migrate` command."""

    async def make(role: str, module: str) -> Database:
        admin_url = await create_database()
        password, owner_password = secrets.token_hex(12), secrets.token_hex(12)
        await provision(admin_url, service=role, password=password, owner_password=owner_password)
        address = urlsplit(admin_url)
        host = f"{address.hostname}:{address.port}{address.path}"
        made = Database(
            admin_url=admin_url,
            serving_url=f"postgresql://{role}:{password}@{host}",
            owner_url=f"postgresql://{role}_owner:{owner_password}@{host}",
        )
        migrate = subprocess.run(  # noqa: ASYNC221, S603 - our own module, once per session
            [sys.executable, "-m", module, "migrate"],
            env={**_plain_env(), "MIGRATION_DATABASE_URL": made.owner_url},
            capture_output=True,
            check=False,
        )
        assert migrate.returncode == 0, migrate.stdout.decode() + migrate.stderr.decode()
        # As at each later start: what a migration has taken away must not come back.
        await provision(admin_url, service=role, password=password, owner_password=owner_password)
        return made

    return make


@pytest_asyncio.fixture(scope="session")
async def database(migrated: Migrated) -> Database:
    """The database of the gateways."""
    return await migrated(ROLE, "gateway")


@pytest.fixture(scope="session")
def key_pairs() -> dict[str, tuple[str, str]]:
    return {name: new_key_pair() for name in ("gateway", "ads-publisher", "meta-auth")}


@pytest.fixture(scope="session")
def gateway_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def sandbox_url(start_process: Callable[..., Path], gateway_port: int) -> str:
    url = f"http://127.0.0.1:{(port := free_port())}"
    env = {
        "SANDBOX_APP_ID": APP_ID,
        "SANDBOX_APP_SECRET": APP_SECRET,
        "SANDBOX_REDIRECT_URIS": f"http://localhost:{gateway_port}/meta/oauth/callback",
    }
    start_process(["graph_sandbox", "--port", str(port)], env, f"{url}/_sandbox/health")
    return url


@pytest_asyncio.fixture(scope="session")
async def start_meta_auth(
    migrated: Migrated,
    start_process: Callable[..., Path],
    valkey: ValkeyServer,
    key_pairs: dict[str, tuple[str, str]],
    gateway_port: int,
    sandbox_url: str,
) -> Callable[..., str]:
    """Start a real meta-auth with some settings changed; returns its address."""
    database = await migrated(META_AUTH_ROLE, "meta_auth")
    common = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database.serving_url,
        "REDIS_URL": valkey.url,
        "SERVICE_PUBLIC_KEYS": json.dumps({name: public for name, (_, public) in key_pairs.items()}),
        "META_APP_ID": APP_ID,
        "META_APP_SECRET": APP_SECRET,
        "META_REDIRECT_URL": f"http://localhost:{gateway_port}/meta/oauth/callback",
        "META_GRAPH_VERSION": "v25.0",
        "META_GRAPH_BASE_URL": sandbox_url,
        "META_DIALOG_BASE_URL": sandbox_url,
        "ALLOW_DEV_META": "true",
        "TOKEN_KEYS": json.dumps({"k1": secrets.token_urlsafe(32)}),
        "TOKEN_KEY_ID": "k1",
    }

    def start(**changed: str) -> str:
        url = f"http://127.0.0.1:{(port := free_port())}"
        start_process(["meta_auth", "serve"], {**common, "PORT": str(port), **changed}, f"{url}/health/ready")
        return url

    return start


@pytest.fixture(scope="session")
def mail_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the gateways write their mails."""
    return tmp_path_factory.mktemp("mail") / "unsent"


@pytest.fixture(scope="session")
def start_gateway(
    start_process: Callable[..., Path],
    database: Database,
    valkey: ValkeyServer,
    key_pairs: dict[str, tuple[str, str]],
    mail_dir: Path,
) -> StartGateway:
    """Start a gateway with some settings changed; all of them share one database and one Valkey."""
    common = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": database.serving_url,
        "REDIS_URL": valkey.url,
        "SERVICE_PRIVATE_KEY": key_pairs["gateway"][0],
        "META_AUTH_URL": f"http://127.0.0.1:{free_port()}",
        "ADS_PUBLISHER_URL": f"http://127.0.0.1:{free_port()}",
        "CORS_ORIGINS": "http://localhost:3000,https://app.example.com",
        "MAIL_DIR": str(mail_dir),
        # All tests come from one address.
        "LOGIN_FAILURES_PER_ADDRESS": "100000",
        "SIGNUPS_PER_ADDRESS": "100000",
        "RUNS_PER_MINUTE": "100000",
    }

    def start(*, port: int | None = None, ready_path: str = "/health", **changed: str) -> Gateway:
        if changed.get("ENVIRONMENT") == "production":
            changed.setdefault("MAIL_DIR", "")
        port = port or free_port()
        url = f"http://127.0.0.1:{port}"
        env = {**common, "PORT": str(port), **changed}
        log = start_process(["gateway", "serve"], env, f"{url}{ready_path}")
        return Gateway(url=url, public_url=f"http://localhost:{port}", log=log)

    return start


@pytest.fixture(scope="session")
def gateway(start_gateway: StartGateway) -> Gateway:
    """A gateway whose meta-auth is away, for all that does not need one."""
    return start_gateway(RERING_AFTER_SECONDS="600")


@pytest_asyncio.fixture(scope="session")
async def connected_gateway(
    start_gateway: StartGateway, start_meta_auth: Callable[..., str], gateway_port: int
) -> Gateway:
    """A gateway with a real meta-auth behind it and the sandbox as Meta."""
    return start_gateway(port=gateway_port, META_AUTH_URL=start_meta_auth(), RERING_AFTER_SECONDS="600")


@pytest_asyncio.fixture(scope="session")
async def plain_gateway(start_gateway: StartGateway, start_meta_auth: Callable[..., str]) -> Gateway:
    """A gateway whose meta-auth knows no app of Meta's and allows no development connection."""
    meta_auth = start_meta_auth(
        META_APP_ID="", META_APP_SECRET="", META_REDIRECT_URL="", ALLOW_DEV_META="TRUE "
    )
    return start_gateway(
        META_AUTH_URL=meta_auth, RERING_AFTER_SECONDS="600", APP_URL="https://app.example.com/"
    )


@pytest_asyncio.fixture(scope="session")
async def keyless_gateway(start_gateway: StartGateway, start_meta_auth: Callable[..., str]) -> Gateway:
    """A gateway whose meta-auth has lost the key that the stored tokens are sealed with."""
    keys = {"TOKEN_KEYS": json.dumps({"k2": secrets.token_urlsafe(32)}), "TOKEN_KEY_ID": "k2"}
    return start_gateway(META_AUTH_URL=start_meta_auth(**keys), RERING_AFTER_SECONDS="600")


@pytest_asyncio.fixture
async def sandbox(sandbox_url: str) -> AsyncIterator[Sandbox]:
    """The controls of the sandbox; what was armed is disarmed at the end."""
    async with httpx.AsyncClient(base_url=f"{sandbox_url}/_sandbox/", trust_env=False) as controls:

        async def tell(what: str, body: dict[str, Any]) -> None:
            answer = await controls.post(what, json=body)
            assert answer.is_success, answer.text

        yield tell
        await controls.delete("faults")


@pytest_asyncio.fixture(scope="session")
async def reader(gateway: Gateway) -> AsyncIterator[Person]:
    """A customer for what changes nothing, signed up once: a password hash costs a third of a second."""
    async with Person(gateway) as someone:
        await someone.sign_up()
        yield someone


@pytest_asyncio.fixture
async def new_person() -> AsyncIterator[NewPerson]:
    """Signs up new customers at a gateway."""
    async with AsyncExitStack() as stack:

        async def sign_up(gateway: Gateway) -> Person:
            someone = await stack.enter_async_context(Person(gateway))
            await someone.sign_up()
            return someone

        yield sign_up


@pytest_asyncio.fixture
async def person(gateway: Gateway, new_person: NewPerson) -> Person:
    """A new customer, signed up."""
    return await new_person(gateway)


@pytest_asyncio.fixture
async def other(gateway: Gateway, new_person: NewPerson) -> Person:
    """Another customer."""
    return await new_person(gateway)


@pytest_asyncio.fixture
async def advertiser(connected_gateway: Gateway, new_person: NewPerson) -> Person:
    """A new customer at the gateway that can reach meta-auth."""
    return await new_person(connected_gateway)


@pytest_asyncio.fixture
async def stranger(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """Nobody: no cookie, no header."""
    async with gateway.client() as client:
        yield client


@pytest_asyncio.fixture
async def publisher(valkey: ValkeyServer) -> AsyncIterator[Publisher]:
    redis = Redis.from_url(valkey.url)
    yield Publisher(redis)
    await redis.aclose()


@pytest_asyncio.fixture
async def admin(database: Database) -> AsyncIterator[Connection]:
    """A superuser's look into the database, past the service."""
    connection = await asyncpg.connect(database.admin_url, server_settings={"search_path": ROLE})
    yield connection
    await connection.close()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url, trust_env=False, timeout=1.0).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{url} was not ready in {READY_SECONDS} s:\n{log.read_text()}")


def _plain_env() -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return {**kept, "PYTHONWARNINGS": "error"}

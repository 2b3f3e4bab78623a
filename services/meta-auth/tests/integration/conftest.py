"""The service as its own process, on real Postgres and Valkey, with the Graph sandbox as Meta."""

import asyncio
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from chassis.database import Connection
from chassis.provision import provision
from chassis.service_tokens import TokenSigner, new_key_pair
from local_stack.ports import free_port
from local_stack.pytest_plugin import ValkeyServer

sys.path.append(str(Path(__file__).parent))  # the harness is not part of any installed package
from meta_auth_harness import (
    APP_ID,
    APP_SECRET,
    REDIRECT_URL,
    Browser,
    Database,
    Operate,
    Sandbox,
    Service,
)

ROLE = "meta_auth_tested"
"""Roles belong to the whole server: a name of our own, so that other suites' passwords stay theirs."""
READY_SECONDS = 30.0
_numbers = count()
"""So that every log has its own name."""


@pytest.fixture(scope="session")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def start_process(log_dir: Path) -> Iterator[Callable[..., Path]]:
    """Start `python -m <module> ...`, wait for its readiness address, stop it at the end of the session."""
    with _processes(log_dir) as start:
        yield start


@pytest_asyncio.fixture(scope="session")
async def migrated(create_database: Callable[[], Awaitable[str]]) -> Database:
    """A database with our schema, made by the real `migrate` command."""
    admin_url = await create_database()
    password, owner_password = secrets.token_hex(12), secrets.token_hex(12)
    await provision(admin_url, service=ROLE, password=password, owner_password=owner_password)
    address = urlsplit(admin_url)
    host = f"{address.hostname}:{address.port}{address.path}"
    database = Database(
        admin_url=admin_url,
        serving_url=f"postgresql://{ROLE}:{password}@{host}",
        owner_url=f"postgresql://{ROLE}_owner:{owner_password}@{host}",
    )
    migrate = subprocess.run(  # noqa: ASYNC221 - our own module, once per session
        [sys.executable, "-m", "meta_auth", "migrate"],
        env={**_plain_env(), "MIGRATION_DATABASE_URL": database.owner_url},
        capture_output=True,
        check=False,
    )
    assert migrate.returncode == 0, migrate.stdout.decode() + migrate.stderr.decode()
    return database


@pytest_asyncio.fixture(scope="session")
async def sandbox_server(start_process: Callable[..., Path]) -> AsyncIterator[Sandbox]:
    url = f"http://127.0.0.1:{(port := free_port())}"
    env = {
        "SANDBOX_APP_ID": APP_ID,
        "SANDBOX_APP_SECRET": APP_SECRET,
        "SANDBOX_REDIRECT_URIS": REDIRECT_URL,
    }
    start_process(["graph_sandbox", "--port", str(port)], env, f"{url}/_sandbox/health")
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        yield Sandbox(url=url, http=http)


@pytest_asyncio.fixture
async def sandbox(sandbox_server: Sandbox) -> Sandbox:
    """Meta on its first day: no grants, no faults, and every call must carry its proof."""
    await sandbox_server.post("reset", {})
    await sandbox_server.post("settings", {"require_proof": True})
    return sandbox_server


@pytest.fixture(scope="session")
def pairs() -> dict[str, tuple[str, str]]:
    """The key pairs of all services."""
    return {name: new_key_pair() for name in ("gateway", "ads-publisher", "meta-auth")}


@pytest.fixture(scope="session")
def environment(
    migrated: Database,
    sandbox_server: Sandbox,
    valkey_server: ValkeyServer,
    pairs: dict[str, tuple[str, str]],
) -> dict[str, str]:
    """What every meta-auth of the session is started with."""
    return {
        "ENVIRONMENT": "test",
        "DATABASE_URL": migrated.serving_url,
        "REDIS_URL": valkey_server.url,
        "SERVICE_PUBLIC_KEYS": json.dumps({name: public for name, (_, public) in pairs.items()}),
        "META_APP_ID": APP_ID,
        "META_APP_SECRET": APP_SECRET,
        "META_REDIRECT_URL": REDIRECT_URL,
        "META_GRAPH_VERSION": "v25.0",
        "META_GRAPH_BASE_URL": sandbox_server.url,
        "META_DIALOG_BASE_URL": sandbox_server.url,
        "ALLOW_DEV_META": "true",
        "TOKEN_KEYS": json.dumps({"k1": secrets.token_urlsafe(32)}),
        "TOKEN_KEY_ID": "k1",
    }


@pytest_asyncio.fixture(scope="session")
async def service_of_the_session(
    environment: dict[str, str], pairs: dict[str, tuple[str, str]], start_process: Callable[..., Path]
) -> AsyncIterator[Callable[..., Service]]:
    """Start a meta-auth that several tests may use."""
    async with _services(environment, pairs, start_process) as start:
        yield start


@pytest_asyncio.fixture
async def start_service(
    environment: dict[str, str], pairs: dict[str, tuple[str, str]], log_dir: Path
) -> AsyncIterator[Callable[..., Service]]:
    """Start a meta-auth with some settings changed; all of them share one database.

    It ends with its test: one with other keys would take the checks of later tests' tokens, and read none.
    """
    with _processes(log_dir) as start_process:
        async with _services(environment, pairs, start_process) as start:
            yield start


@pytest.fixture(scope="session")
def operate(environment: dict[str, str]) -> Operate:
    """Run a command of an operator's to its end, with some settings changed."""

    async def run(*argv: str, **changed: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "meta_auth", *argv],
            env={**_plain_env(), **environment, **changed},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest_asyncio.fixture(scope="session")
async def service(service_of_the_session: Callable[..., Service]) -> Service:
    return service_of_the_session()


@pytest.fixture
def browser(service: Service, sandbox: Sandbox) -> Browser:
    """A new customer who has never been at Meta."""
    return Browser(service=service)


@pytest_asyncio.fixture
async def admin(migrated: Database) -> AsyncIterator[Connection]:
    """A superuser's look into the database, past the service."""
    connection = await asyncpg.connect(migrated.admin_url, server_settings={"search_path": ROLE})
    yield connection
    await connection.close()


@contextmanager
def _processes(log_dir: Path) -> Iterator[Callable[..., Path]]:
    running: list[subprocess.Popen[bytes]] = []

    def start(argv: list[str], env: dict[str, str], ready_url: str) -> Path:
        log = log_dir / f"{argv[0]}-{next(_numbers)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-m", *argv], env={**_plain_env(), **env}, stdout=output, stderr=output
            )
        running.append(process)
        _wait_until_ready(ready_url, process, log)
        return log

    try:
        yield start
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=15)


@asynccontextmanager
async def _services(
    environment: dict[str, str], pairs: dict[str, tuple[str, str]], start_process: Callable[..., Path]
) -> AsyncIterator[Callable[..., Service]]:
    clients: list[httpx2.AsyncClient] = []

    def start(**changed: str) -> Service:
        url = f"http://127.0.0.1:{(port := free_port())}"
        env = {**environment, "PORT": str(port), **changed}
        log = start_process(["meta_auth", "serve"], env, f"{url}/health/ready")
        clients.append(httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30.0))
        signers = {
            name: TokenSigner(service=name, private_key=private) for name, (private, _) in pairs.items()
        }
        return Service(url=url, http=clients[-1], log=log, signers=signers)

    yield start
    for client in clients:
        await client.aclose()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx2.get(url, trust_env=False, timeout=1.0).is_success:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{url} was not ready in {READY_SECONDS} s:\n{log.read_text()}")


def _plain_env() -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return {**kept, "PYTHONWARNINGS": "error"}

"""The whole system for crash tests: real servers, real processes, restarts in milliseconds."""

import asyncio
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
import httpx
from e2e_driver import Sandbox

from crash_lab.checker import Books, Told
from crash_lab.ledgers import read_books
from crash_lab.nursery import Kept, Nursery
from local_stack.credentials import Credentials
from local_stack.ports import Ports, free_port
from local_stack.provisioning import provision_all
from local_stack.servers import EmbeddedPostgres, EmbeddedValkey
from local_stack.services import (
    ADS_PUBLISHER,
    DATABASE,
    GATEWAY,
    META_AUTH,
    SANDBOX,
    Service,
    gateway_url,
    sandbox_url,
    services,
)

COMPRESSED_TIME = {
    "META_ADMIT_WINDOW_SECONDS": "3",
    "META_CLOCK_SKEW_SECONDS": "1",
    "META_SETTLE_SECONDS": "1",
    "META_CALL_TIMEOUT_SECONDS": "4",
    "LEASE_SECONDS": "3",
    "RERING_AFTER_SECONDS": "4",
    "RERING_AT_MOST_SECONDS": "10",
    "LOG_FORMAT": "json",
}
"""The protocol's durations, short enough for hundreds of runs; their relations are those of production."""
READY_SECONDS = 60.0
SHARED_ACCOUNTS = 60
"""Ad accounts of the sandbox's persona `ben`."""
OWNER = "Provbolaget AB"


class Switches(Sandbox):
    """The sandbox's pages, with a few that only crash tests need."""

    async def fault_hits(self) -> list[int]:
        """How often each armed fault has fired."""
        return [fault["hits"] for fault in (await self._call("GET", "/_sandbox/faults"))["data"]]

    async def change_settings(self, **settings: object) -> None:
        await self._call("POST", "/_sandbox/settings", json=settings)

    async def change_object(self, object_id: str, **fields: object) -> None:
        await self._call("POST", f"/_sandbox/objects/{object_id}", json=fields)

    async def activate(self, object_id: str, *, persona: str) -> None:
        """Switch an object on, as a person does in Ads Manager."""
        headers = {"authorization": f"Bearer {await self.user_token(persona)}"}
        await self._call("POST", f"/v25.0/{object_id}", data={"status": "ACTIVE"}, headers=headers)


class Lab:
    """Postgres, Valkey, sandbox and services on free ports in a folder of its own."""

    def __init__(self, nursery: Nursery, *, overrides: Mapping[str, str] | None = None) -> None:
        self._nursery = nursery
        self._overrides = {**COMPRESSED_TIME, **(overrides or {})}
        self._exits = AsyncExitStack()
        self._running: dict[str, Kept] = {}
        self.told: list[Told] = []

    async def __aenter__(self) -> Self:
        try:
            await self._up()
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.aclose()

    async def _up(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="project-auto-crash-", ignore_cleanup_errors=True)
        self.folder = Path(self._exits.enter_context(folder))
        ports = Ports.free()
        self.credentials = Credentials.load_or_create(self.folder / "secrets.json")
        self.gateway_url, self.sandbox_url = gateway_url(ports), sandbox_url(ports)
        self.postgres = EmbeddedPostgres(self.folder / "postgres", ports.postgres, durable=False)
        self.valkey = EmbeddedValkey(
            self.folder / "valkey", ports.valkey, passwords=self.credentials.redis_passwords
        )
        for server in (self.postgres, self.valkey):
            server.start()
            self._exits.callback(server.kill)
        await provision_all(self.postgres, self.credentials)
        self._services = {
            each.name: each
            for each in services(ports, self.credentials, data_dir=self.folder, overrides=self._overrides)
        }
        await asyncio.gather(
            *(
                self._nursery.run(
                    module_of(name),
                    ["migrate"],
                    env=self._services[name].env,
                    log=self.log(f"{name}-migrate"),
                )
                for name in (GATEWAY, META_AUTH, ADS_PUBLISHER)
            )
        )
        self._exits.push_async_callback(self._stop_all)
        for name in (SANDBOX, META_AUTH, GATEWAY, ADS_PUBLISHER):
            self._running[name] = self._kept(name, self._services[name])
            await self._running[name].start()
        await asyncio.gather(*(self.ready(name) for name in self._running))
        self.sandbox = await self._exits.enter_async_context(
            Switches(
                self.sandbox_url,
                app_id=self.credentials.app_id,
                app_secret=self.credentials.app_secret,
                redirect_uri=f"{self.gateway_url}/meta/oauth/callback",
            )
        )
        for number in range(SHARED_ACCOUNTS):
            await self.sandbox.change_account(
                account_id(number), default_dsa_payor=OWNER, default_dsa_beneficiary=OWNER
            )

    def _kept(self, name: str, service: Service) -> Kept:
        # No state file: the ledger must be the fastest thing here, and nobody kills the sandbox.
        env = {key: value for key, value in service.env.items() if key != "SANDBOX_STATE"}
        argv = {SANDBOX: service.argv[3:], ADS_PUBLISHER: ["run"]}.get(name.rstrip("0123456789-"), ["serve"])
        return Kept(
            nursery=self._nursery,
            name=name,
            module=module_of(name),
            argv=list(argv),
            env=env,
            log=self.log(name),
        )

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def process(self, name: str) -> Kept:
        return self._running[name]

    def add_publisher(self, number: int, env: Mapping[str, str] | None = None) -> Kept:
        """One more publisher process, on a port of its own; not started yet."""
        name = f"{ADS_PUBLISHER}-{number}"
        service = self._services[ADS_PUBLISHER].with_env({"PORT": str(free_port()), **(env or {})})
        self._running[name] = self._kept(name, service)
        return self._running[name]

    async def ready(self, name: str) -> None:
        """Wait until a process answers on its health route."""
        kept = self._running[name]
        base = {GATEWAY: "/health", SANDBOX: "/_sandbox/health"}.get(name, "/health/ready")
        url = self.sandbox_url + base if name == SANDBOX else f"http://127.0.0.1:{kept.env['PORT']}{base}"
        deadline = time.monotonic() + READY_SECONDS
        async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
            while True:
                try:
                    if (await http.get(url)).status_code == httpx.codes.OK:
                        return
                except httpx.TransportError:
                    pass
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{name} is not ready: {self.log(name).read_text()[-2000:]}")
                await asyncio.sleep(0.05)

    async def crash_postgres(self) -> None:
        """End Postgres at once, sessions and all, and start it on the same data."""
        self.postgres.child.ask_to_die()
        await _poll(lambda: not self.postgres.is_running())
        self.postgres.prepare()
        self.postgres.child.spawn()
        await _poll(self.postgres.is_ready)

    async def books(self) -> Books:
        """The three ledgers as they are now."""
        return await read_books(
            self.told, database_url=self.postgres.url(DATABASE), sandbox_url=self.sandbox_url
        )

    async def connect(self) -> "asyncpg.Connection[asyncpg.Record]":
        """A superuser's connection to the database."""
        return await asyncpg.connect(self.postgres.url(DATABASE))

    async def _stop_all(self) -> None:
        for kept in reversed(self._running.values()):
            if kept.wanted or kept.pid:
                await kept.stop()


async def _poll(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError("Postgres did not end or start in time")
        await asyncio.sleep(0.02)


def module_of(name: str) -> str:
    """The module that is started for a process of this name."""
    if name == SANDBOX:
        return "graph_sandbox"
    return name.rstrip("0123456789").rstrip("-").replace("-", "_")


def account_id(number: int) -> str:
    """An ad account that all customers here share: `number` counts from 0."""
    return f"act_2015000000000{number % SHARED_ACCOUNTS + 1:02d}"

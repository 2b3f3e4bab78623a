"""The three systems beside each other, on the same Postgres, Valkey and Graph stub, and the bare handlers."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from uuid import UUID, uuid4

import asyncpg
import httpx
import raw
from load import request_bytes
from seeding import seed

from chassis.database import Connection
from local_stack.ports import HOST, free_port
from local_stack.process import Child
from local_stack.services import ADS_PUBLISHER, DATABASE, GATEWAY, META_AUTH, SANDBOX
from local_stack.stack import POSTGRES, VALKEY, Stack

HERE: Final = Path(__file__).parent
READY_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.01
SERVICES: Final = (GATEWAY, META_AUTH, ADS_PUBLISHER)
HARNESS: Final = "bench-harness"
"""Our own application name at Postgres."""


@dataclass(frozen=True, kw_only=True)
class Press:
    """One press of Publish for one ad account: the request, and the one that reads what became of it."""

    customer_id: UUID
    account: str
    request: bytes
    headers: dict[str, str]


class System(Protocol):
    """What accepts presses at `door` and works them off; they show in the table `runs`."""

    name: str
    door: str
    runs: str

    def pids(self) -> list[int]: ...

    def freeze(self) -> None:
        """Stop the worker side where it stands."""
        ...

    def thaw(self) -> None: ...

    async def customers(self, count: int) -> list[Press]:
        """New customers, each ready for one press."""
        ...


class Ours:
    """The system of this repository, with its worker's calls led to the stub."""

    name = "ours"
    runs = "gateway.ad_runs"

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.door = stack.gateway_url

    def pids(self) -> list[int]:
        return [self._stack.pid(name) for name in SERVICES]

    def freeze(self) -> None:
        self._stack.pause(ADS_PUBLISHER)

    def thaw(self) -> None:
        self._stack.resume(ADS_PUBLISHER)

    async def customers(self, count: int) -> list[Press]:
        return [
            Press(
                customer_id=one.customer_id,
                account=one.account,
                request=request_bytes("POST", "/ads/publish", one.headers),
                headers=one.headers,
            )
            for one in await seed(self._stack, count, at_sandbox=False)
        ]


class Yardstick:
    """A door and perhaps a worker that were started for this, on tables of their own."""

    runs = "raw.runs"

    def __init__(self, name: str, door: str, *children: Child) -> None:
        self.name, self.door = name, door
        self._children = children

    def pids(self) -> list[int]:
        return [child.pid for child in self._children]

    def freeze(self) -> None:
        self._children[-1].pause()

    def thaw(self) -> None:
        self._children[-1].resume()

    async def customers(self, count: int) -> list[Press]:
        made = [(uuid4(), f"act_{uuid4().int % 10**15}") for _ in range(count)]
        return [
            Press(
                customer_id=customer,
                account=account,
                request=request_bytes("POST", f"/publish/{customer}/{account}"),
                headers={},
            )
            for customer, account in made
        ]


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Everything that runs. `systems` are ours, raw and Celery; `bare` only accepts, or reads."""

    stack: Stack
    stub: str
    systems: list[System]
    bare: Yardstick
    connection: Connection
    """As the superuser, for looking."""

    def server_pids(self) -> list[int]:
        return [self.stack.pid(name) for name in (POSTGRES, VALKEY)]

    def in_turn(self, number: int) -> list[System]:
        """The systems in the order of this round: they take turns at being first."""
        shift = number % len(self.systems)
        return [*self.systems[shift:], *self.systems[:shift]]

    async def ask_stub(self, path: str) -> Any:
        async with httpx.AsyncClient(base_url=self.stub, trust_env=False) as client:
            return (await client.get(f"/_stub/{path}")).raise_for_status().json()


@asynccontextmanager
async def running(folder: Path, tasks: int) -> AsyncIterator[Bench]:
    """All of it, started and stopped; logs are in `folder`."""
    stub_port = free_port()
    stub = f"http://{HOST}:{stub_port}"
    overrides = {"LOG_FORMAT": "json", "LOG_LEVEL": "WARNING", "EXECUTOR_TASKS": str(tasks), "SPANS_FILE": ""}
    env = {SANDBOX: {"SANDBOX_STATE": ""}, ADS_PUBLISHER: {"META_GRAPH_BASE_URL": stub}}
    async with AsyncExitStack() as exits:
        stack = await exits.enter_async_context(Stack(folder, overrides=overrides, env=env))

        async def start(name: str, *argv: str, port: int | None = None) -> Child:
            child = await exits.enter_async_context(
                _child(stack, name, argv, port=port, tasks=tasks, stub=stub)
            )
            if port:
                await until_answers(f"http://{HOST}:{port}/docs")
            return child

        await exits.enter_async_context(
            _child(stack, "stub", ("graph_stub.py", "--port", str(stub_port)), stub=stub)
        )
        await raw.create_schema(stack.postgres.url(DATABASE))
        ports = [free_port() for _ in range(3)]
        raw_door, celery_door, bare_door = (f"http://{HOST}:{port}" for port in ports)
        systems: list[System] = [
            Ours(stack),
            Yardstick(
                "raw",
                raw_door,
                await start("raw-door", "raw_door.py", port=ports[0]),
                await start("raw-worker", "raw_worker.py"),
            ),
            Yardstick(
                "celery",
                celery_door,
                await start("celery-door", "celery_tasks.py", "door", port=ports[1]),
                await start("celery-worker", "celery_tasks.py", "worker"),
            ),
        ]
        bare = Yardstick("bare", bare_door, await start("bare", "bare.py", port=ports[2]))
        connection = await asyncpg.connect(
            stack.postgres.url(DATABASE), server_settings={"application_name": HARNESS}
        )
        exits.push_async_callback(connection.close)
        yield Bench(stack=stack, stub=stub, systems=systems, bare=bare, connection=connection)


@asynccontextmanager
async def _child(
    stack: Stack, name: str, argv: tuple[str, ...], *, stub: str, port: int | None = None, tasks: int = 0
) -> AsyncIterator[Child]:
    """One of the programs of this folder; what it says is in `logs/<name>.log`."""
    env = {
        **os.environ,
        raw.DATABASE: f"{stack.postgres.url(DATABASE)}?application_name={name}",
        raw.REDIS: stack.valkey.url,
        raw.GRAPH: stub,
        raw.TASKS: str(tasks),
        raw.PORT: str(port),
    }
    program, *arguments = argv
    child = Child(name, [sys.executable, HERE / program, *arguments], log_path=stack.log_path(name), env=env)
    child.spawn()
    try:
        yield child
    finally:
        await asyncio.to_thread(child.stop)


async def until_answers(url: str) -> None:
    """Ask until the answer is a success."""
    async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient(trust_env=False) as client:
        while True:
            with suppress(httpx.TransportError):
                if (await client.get(url)).is_success:
                    return
            await asyncio.sleep(POLL_SECONDS)

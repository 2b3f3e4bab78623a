"""How to reach a running stack as the demo customer."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import httpx
from rich.console import Console

from local_stack.credentials import Credentials
from local_stack.ports import Ports
from local_stack.record import Record
from local_stack.services import Service, gateway_url, sandbox_url, services
from local_stack.stack import RECORD, SECRETS, Stack


@dataclass(frozen=True, kw_only=True)
class Access:
    """Addresses and the demo login of one stack."""

    gateway_url: str
    sandbox_url: str
    email: str
    password: str

    @classmethod
    def guest(cls, gateway_url: str) -> Self:
        """A customer who is new each time, of a gateway started otherwise, in containers for instance."""
        return cls(
            gateway_url=gateway_url,
            sandbox_url="",
            email=f"smoke-{secrets.token_hex(6)}@example.com",
            password=secrets.token_urlsafe(12),
        )

    @classmethod
    def of(cls, ports: Ports, credentials: Credentials) -> Self:
        """What follows from the ports and secrets of a stack."""
        return cls(
            gateway_url=gateway_url(ports),
            sandbox_url=sandbox_url(ports),
            email=credentials.demo_email,
            password=credentials.demo_password,
        )


def running_service(data_dir: Path, name: str, overrides: Mapping[str, str]) -> Service | None:
    """A service of the stack that runs from this folder; None when the stack does not run, or has none."""
    record = Record.read(data_dir / RECORD)
    if record is None or not record.is_running():
        return None
    credentials = Credentials.load_or_create(data_dir / SECRETS)
    known = services(Ports(**record.ports), credentials, data_dir=data_dir, overrides=overrides)
    return next((service for service in known if service.name == name), None)


def is_running(data_dir: Path) -> bool:
    """Whether a supervisor runs a stack from this folder."""
    record = Record.read(data_dir / RECORD)
    return record is not None and record.is_running()


async def answers(gateway_url: str) -> bool:
    """Whether a gateway of ours is healthy there."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            body = (await client.get(f"{gateway_url}/health")).json()
    except (httpx.HTTPError, ValueError):
        return False
    return bool(body == {"ok": True, "db": True, "redis": True})


@asynccontextmanager
async def running_stack(data_dir: Path, console: Console) -> AsyncIterator[tuple[Access, Stack | None]]:
    """The stack of this folder: the one that runs already, else one of our own that stops at the end.

    Ports that another program uses are replaced by free ones. The second value is None when it ran already.
    """
    record = Record.read(data_dir / RECORD)
    if record and record.is_running():
        console.print(f"Using the stack that is running already (process {record.supervisor.pid}).")
        ports = Ports(**record.ports)
        yield Access.of(ports, Credentials.load_or_create(data_dir / SECRETS)), None
        return
    ports = Ports.from_environment()
    if busy := ports.busy():
        ports = ports.with_busy_replaced()
        taken = ", ".join(str(port) for port in busy.values())
        console.print(f"In use by another program: port {taken}. Using free ports instead.")
    console.print(f"Starting servers, sandbox and services; data and logs are in {data_dir}/ ...")
    async with AsyncExitStack() as running:
        with console.status("This takes some seconds ..."):
            stack = await running.enter_async_context(Stack(data_dir, ports=ports))
        yield Access.of(ports, stack.credentials), stack

"""What the suite asks of a running system, wherever it runs; and the system of plain processes.

The other one, in containers, is in `e2e_compose`.
"""

import asyncio
import subprocess
from collections.abc import Mapping
from typing import Protocol

from e2e_driver import Sandbox

from local_stack.credentials import KeyPair
from local_stack.ports import HOST
from local_stack.services import DATABASE
from local_stack.stack import Stack


class Secrets(Protocol):
    """What tests know that nobody outside may know."""

    @property
    def app_id(self) -> str: ...
    @property
    def app_secret(self) -> str: ...
    @property
    def service_keys(self) -> Mapping[str, KeyPair]: ...


class Postgres(Protocol):
    def url(self, database: str = ..., /) -> str:
        """The administrator's address of this database."""
        ...


class Redis(Protocol):
    @property
    def url(self) -> str:
        """The administrator's address."""
        ...


class System(Protocol):
    """Postgres, Redis, the sandbox and the services, running together.

    Names are those of `local_stack`: postgres, valkey (whichever server it is), sandbox, meta-auth,
    ads-publisher, gateway.
    """

    gateway_url: str
    sandbox_url: str

    @property
    def meta_auth_url(self) -> str: ...
    @property
    def credentials(self) -> Secrets: ...
    @property
    def postgres(self) -> Postgres: ...
    @property
    def valkey(self) -> Redis: ...
    @property
    def own_host(self) -> str:
        """The name by which a service reaches a server of the test."""
        ...

    async def start(self, name: str, *, env: Mapping[str, str] | None = None) -> None:
        """Start what was stopped and wait until it is ready; `env` adds to its environment from now on."""

    async def stop(self, name: str) -> None:
        """Stop it politely; it stays down until `start`."""

    async def restart(self, name: str, *, env: Mapping[str, str] | None = None) -> None:
        """Stop and start it, with more environment if given."""

    def kill(self, name: str) -> None:
        """End it as a crash would; it comes back by itself."""

    def pause(self, name: str) -> None:
        """Freeze it: its connections stay open, nothing answers."""

    def resume(self, name: str) -> None:
        """Let it go on after `pause`."""

    async def wait_ready(self, name: str) -> None:
        """Wait until it accepts work, also across restarts."""

    async def command(self, service: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m <service> <arguments>` beside the running service, as an operator does."""
        ...

    def logs(self) -> Mapping[str, str]:
        """Everything that each service has said, by name."""
        ...

    def redis_files(self) -> bytes:
        """What Redis has written to its disk."""
        ...


class EmbeddedSystem(Stack):
    """The system as plain processes on embedded servers: what `make up` runs."""

    @property
    def meta_auth_url(self) -> str:
        return f"http://{HOST}:{self.ports.meta_auth}"

    @property
    def own_host(self) -> str:
        return HOST

    async def command(self, service: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        chosen = self.service(service)
        return await asyncio.to_thread(
            subprocess.run,
            chosen.own_command(*arguments),
            env=dict(chosen.env),
            capture_output=True,
            text=True,
            check=False,
        )

    def logs(self) -> Mapping[str, str]:
        return {path.stem: path.read_text() for path in (self.data_dir / "logs").glob("*.log")}

    def redis_files(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.valkey.data_dir.rglob("*.aof"))


def database_url(system: System) -> str:
    """The administrator's address of the database that the services share."""
    return system.postgres.url(DATABASE)


def sandbox_of(system: System) -> Sandbox:
    """The pages of the sandbox that stands in for Meta there."""
    return Sandbox(
        system.sandbox_url,
        app_id=system.credentials.app_id,
        app_secret=system.credentials.app_secret,
        redirect_uri=f"{system.gateway_url}/meta/oauth/callback",
    )

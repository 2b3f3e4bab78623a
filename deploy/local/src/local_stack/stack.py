"""The whole system on this machine: embedded servers, sandbox and services under one supervisor."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
from rich.console import Console

from local_stack.console import LogTail
from local_stack.credentials import Credentials
from local_stack.ports import Ports
from local_stack.process import Child
from local_stack.provisioning import migrate_all, provision_all
from local_stack.record import ProcessId, Record
from local_stack.servers import EmbeddedPostgres, EmbeddedValkey
from local_stack.services import GATEWAY, Service, gateway_url, sandbox_url, services
from local_stack.supervisor import Member, Supervisor

POSTGRES = "postgres"
VALKEY = "valkey"
RECORD = "stack.json"
SECRETS = "secrets.json"


class AlreadyRunningError(RuntimeError):
    """Another supervisor runs the stack of this data folder."""


class Stack:
    """The running system, in `data_dir`: data, logs, secrets and the record for `down`.

    `overrides` are environment variables for every service, `env` some for one service by name. Without a
    console nothing is shown; `logs/<name>.log` is written always. Use it as an async context manager, in the
    main thread. Names: postgres, valkey, sandbox, meta-auth, ads-publisher, gateway.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        ports: Ports | None = None,
        overrides: Mapping[str, str] | None = None,
        env: Mapping[str, Mapping[str, str]] | None = None,
        console: Console | None = None,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.ports = ports or Ports.free()
        self.credentials = Credentials.load_or_create(self.data_dir / SECRETS)
        self.gateway_url = gateway_url(self.ports)
        self.sandbox_url = sandbox_url(self.ports)
        self.postgres = EmbeddedPostgres(
            self.data_dir / POSTGRES, self.ports.postgres, log_path=self.log_path(POSTGRES)
        )
        self.valkey = EmbeddedValkey(
            self.data_dir / VALKEY,
            self.ports.valkey,
            log_path=self.log_path(VALKEY),
            passwords=self.credentials.redis_passwords,
        )
        self._services = {
            service.name: service.with_env((env or {}).get(service.name, {}))
            for service in services(
                self.ports, self.credentials, data_dir=self.data_dir, overrides=overrides or {}
            )
        }
        self._supervisor = Supervisor(console, on_restart=self._write_record)
        self._http = httpx.AsyncClient(trust_env=False, timeout=2)

    async def __aenter__(self) -> Self:
        try:
            await self.up()
        except BaseException:
            await self.down()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()

    async def up(self) -> None:
        """Start everything; returns when every process accepts work.

        Raises:
            AlreadyRunningError: another supervisor runs on this data folder.
            PortBusyError: a port is taken; the text says what to do.
            ChildFailedError: a process did not come up; the text shows its last lines.
        """
        self._require_alone()
        self.ports.require_free()
        self._set_old_logs_aside()
        self._add_members()
        self._write_record()
        await self._start_servers()
        await provision_all(self.postgres, self.credentials)
        self._supervisor.watch()
        sandbox, *others = self._services
        self._spawn(sandbox)
        await migrate_all(tuple(self._services.values()), log_path=self.log_path)
        for name in others:
            self._spawn(name)
        self._write_record()
        await asyncio.gather(*(self._supervisor.wait_ready(name) for name in self._services))

    async def down(self) -> None:
        """Stop everything that was started, services first; the data stays."""
        try:
            await self._supervisor.stop(*reversed(self._services))
            await self._supervisor.stop(VALKEY, POSTGRES)
            await self._supervisor.stop_watching()
        finally:
            await self._http.aclose()
            if self._supervisor.members:
                self._record_path.unlink(missing_ok=True)

    async def forever(self) -> None:
        """Keep it running until this is cancelled."""
        await self._supervisor.forever()

    async def start(self, name: str, *, env: Mapping[str, str] | None = None) -> None:
        """Start a stopped process and wait until it is ready; `env` adds to its environment from now on."""
        if env:
            self._services[name] = self._services[name].with_env(env)
            self._supervisor.members[name] = self._service_member(self._services[name])
        self._spawn(name)
        self._write_record()
        await self.wait_ready(name)

    async def stop(self, name: str) -> None:
        """Stop one process politely; it stays down until `start`."""
        await self._supervisor.stop(name)

    async def restart(self, name: str, *, env: Mapping[str, str] | None = None) -> None:
        """Stop and start one process, with more environment if given."""
        await self.stop(name)
        await self.start(name, env=env)

    def kill(self, name: str, *, restart: bool = True) -> None:
        """End one process as a crash would. The supervisor starts it again, unless told not to."""
        self._supervisor.members[name].wanted = restart
        self._supervisor.members[name].child.kill()

    def pause(self, name: str) -> None:
        """Freeze a process (SIGSTOP): its connections stay open, nothing answers."""
        self._supervisor.members[name].child.pause()

    def resume(self, name: str) -> None:
        """Let a paused process go on."""
        self._supervisor.members[name].child.resume()

    def pid(self, name: str) -> int:
        """The process id of the last start."""
        return self._supervisor.members[name].child.pid

    def service(self, name: str) -> Service:
        """What one of our processes is started with, as it is now."""
        return self._services[name]

    def log_path(self, name: str) -> Path:
        """Where the process writes what it says."""
        return self.data_dir / "logs" / f"{name}.log"

    async def wait_ready(self, name: str) -> None:
        """Wait until a process accepts work, also across restarts."""
        await self._supervisor.wait_ready(name, allow_restarts=True)

    @property
    def _record_path(self) -> Path:
        return self.data_dir / RECORD

    def _require_alone(self) -> None:
        record = Record.read(self._record_path)
        if record and record.is_running():
            raise AlreadyRunningError(
                f"The stack of {self.data_dir} is already running (process {record.supervisor.pid}, "
                f"http://localhost:{record.ports[GATEWAY]}). Stop it with `make down`."
            )
        if record:
            record.stop()  # a supervisor that was killed may have left children

    def _set_old_logs_aside(self) -> None:
        for path in (self.data_dir / "logs").glob("*.log"):
            if not path.name.endswith(".previous.log"):
                path.replace(path.with_suffix(".previous.log"))

    def _add_members(self) -> None:
        for server in (self.postgres, self.valkey):
            self._supervisor.members[server.child.name] = Member(
                server.child, ready=partial(asyncio.to_thread, server.is_ready), prepare=server.prepare
            )
        for service in self._services.values():
            self._supervisor.members[service.name] = self._service_member(service)

    def _service_member(self, service: Service) -> Member:
        path = self.log_path(service.name)
        before = self._supervisor.members.get(service.name)
        return Member(
            Child(service.name, service.argv, log_path=path, env=service.env),
            ready=partial(self._answers, service.ready_url),
            tail=before.tail if before else LogTail(service.name, path),
        )

    def _spawn(self, name: str) -> None:
        self._supervisor.members[name].spawn()

    async def _answers(self, url: str) -> bool:
        try:
            return (await self._http.get(url)).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    async def _start_servers(self) -> None:
        self._spawn(VALKEY)
        self._spawn(POSTGRES)
        self._write_record()
        for name in (POSTGRES, VALKEY):
            await self._supervisor.wait_ready(name)

    def _write_record(self) -> None:
        Record(
            supervisor=ProcessId.of(os.getpid()),
            children={
                name: ProcessId.of(member.child.pid)
                for name, member in reversed(self._supervisor.members.items())
                if member.child.is_running()
            },
            ports=asdict(self.ports),
        ).write(self._record_path)

"""The system in containers: `deploy/compose.yaml` as an operator runs it, under a project name of its own.

What differs for the tests is in one generated file on top: short durations, ports of the servers and of the
internal services on 127.0.0.1, an administrator in Redis, and a way from a container to this machine.
"""

import asyncio
import json
import re
import secrets
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
import httpx
from e2e_docker import crash, docker, log_of, run
from e2e_override import DEPLOY, override
from redis.asyncio import Redis
from redis.exceptions import RedisError
from testcontainers.compose import DockerCompose

from local_stack.credentials import REDIS_ADMIN, KeyPair
from local_stack.ports import HOST, Ports
from local_stack.services import ADS_PUBLISHER, DATABASE, GATEWAY, META_AUTH, SANDBOX
from local_stack.stack import POSTGRES, VALKEY

KEPT_LOGS = DEPLOY.parent / ".local" / "e2e-logs"
SERVICES = (GATEWAY, META_AUTH, ADS_PUBLISHER)
_NAMES = (*SERVICES, SANDBOX, POSTGRES, VALKEY)
READY_SECONDS = 90.0
_READ_VAULT = """
import json, pathlib
print(json.dumps({path.name: path.read_text() for path in pathlib.Path("/secrets/vault").iterdir()}))
"""


@dataclass(frozen=True)
class _Address:
    url: str = field(repr=False)


@dataclass(frozen=True)
class _Databases:
    server: str = field(repr=False)

    def url(self, database: str = "postgres", /) -> str:
        return f"{self.server}/{database}"


@dataclass(frozen=True, kw_only=True)
class _Secrets:
    app_id: str
    app_secret: str = field(repr=False)
    service_keys: Mapping[str, KeyPair] = field(repr=False)


class _Compose(DockerCompose):
    """Compose with the variables that we choose; what the caller's shell happens to set does not reach it."""

    variables: Mapping[str, str]

    @cached_property
    def compose_command_property(self) -> list[str]:
        texts = [(DEPLOY / name).read_text() for name in ("compose.yaml", "compose.scale.yaml")]
        known = {name for text in texts for name in re.findall(r"\$\{(\w+)", text)}
        hidden = sorted({*known, "COMPOSE_PROFILES", "COMPOSE_FILE", "COMPOSE_ENV_FILES"})
        chosen = [f"{name}={value}" for name, value in self.variables.items()]
        without = [part for name in hidden for part in ("-u", name)]
        return ["env", *without, *chosen, *super().compose_command_property]


class ComposeSystem:
    """The stack of `deploy/compose.yaml`, built, started, and removed with its volumes in the end.

    Use it as an async context manager. `overrides` are environment variables for every service.
    """

    def __init__(self, *, overrides: Mapping[str, str]) -> None:
        self.project = f"auto-ads-e2e-{secrets.token_hex(3)}"
        self.ports = Ports.free()
        self.gateway_url = f"http://localhost:{self.ports.gateway}"
        self.sandbox_url = f"http://localhost:{self.ports.sandbox}"
        self.meta_auth_url = f"http://{HOST}:{self.ports.meta_auth}"
        self.own_host = "host.docker.internal"
        self._redis_password = secrets.token_urlsafe(24)
        self.valkey = _Address(f"redis://{REDIS_ADMIN}:{self._redis_password}@{HOST}:{self.ports.valkey}/0")
        self._environment = {name: dict(overrides) for name in SERVICES}
        self._scale: Mapping[str, int] = {}
        self._earlier_logs: dict[str, str] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="project-auto-e2e-")

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(self._up)
        except BaseException as error:
            error.add_note(f"The logs of all containers are in {self.keep_logs()}")
            if isinstance(error, subprocess.CalledProcessError):
                error.add_note(error.stderr.decode(errors="replace")[-3000:])
            self._down()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._down)

    def _up(self) -> None:
        self._write_override()
        self._compose(build=True).start()
        output = self.compose(
            "run", "--rm", "--no-deps", "-T", "--entrypoint", "python", "secrets", "-c", _READ_VAULT
        )
        vault = json.loads(output)
        self.postgres = _Databases(
            f"postgresql://postgres:{vault['postgres_postgres']}@{HOST}:{self.ports.postgres}"
        )
        environment = json.loads(self.compose("config", "--format", "json"))["services"][META_AUTH]
        pairs = {name: json.loads(vault[f"key_pair_{name}"]) for name in (GATEWAY, ADS_PUBLISHER)}
        self.credentials = _Secrets(
            app_id=environment["environment"]["META_APP_ID"],
            app_secret=vault["meta_app_secret"],
            service_keys={
                name: KeyPair(private=private, public=public) for name, (private, public) in pairs.items()
            },
        )

    def _down(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "10")
        self._folder.cleanup()

    async def start(self, name: str, *, env: Mapping[str, str] | None = None) -> None:
        if env:
            self._remember_logs(name)  # they go with the container that is replaced
            self._environment[name].update(env)
            self._write_override()
            await asyncio.to_thread(self.compose, "up", "-d", "--no-deps", "--no-build", _service(name))
        else:
            await asyncio.to_thread(docker, "start", *self.containers(name))
        await self.wait_ready(name)

    async def stop(self, name: str) -> None:
        await asyncio.to_thread(self.compose, "stop", _service(name))

    async def restart(self, name: str, *, env: Mapping[str, str] | None = None) -> None:
        await self.stop(name)
        await self.start(name, env=env)

    def kill(self, name: str) -> None:
        """End the main process of every container of this service; the restart policy brings them back."""
        for container in self.containers(name):
            crash(container)

    def pause(self, name: str) -> None:
        self.compose("pause", _service(name))

    def resume(self, name: str) -> None:
        self.compose("unpause", _service(name))

    async def wait_ready(self, name: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not await self._is_ready(name):
            if time.monotonic() > deadline:
                last = self.logs()[name][-2000:]
                raise TimeoutError(f"{name} was not ready after {READY_SECONDS:.0f} s. Its log ends:\n{last}")
            await asyncio.sleep(0.1)

    async def _is_ready(self, name: str) -> bool:
        urls = {
            GATEWAY: f"{self.gateway_url}/health",
            META_AUTH: f"{self.meta_auth_url}/health/ready",
            ADS_PUBLISHER: f"http://{HOST}:{self.ports.ads_publisher}/health/ready",
            SANDBOX: f"{self.sandbox_url}/_sandbox/health",
        }
        try:
            if name == POSTGRES:
                await (await asyncpg.connect(self.postgres.url(DATABASE), timeout=2)).close()
                return True
            if name == VALKEY:
                async with Redis.from_url(self.valkey.url, socket_timeout=2) as redis:
                    return bool(await redis.ping())
            async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
                return (await client.get(urls[name])).status_code == httpx.codes.OK
        except (httpx.TransportError, asyncpg.PostgresError, asyncpg.InterfaceError, RedisError, OSError):
            return False

    async def command(self, service: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        inside = ("exec", "-T", service, "python", "-m", service.replace("-", "_"), *arguments)
        return await asyncio.to_thread(
            subprocess.run,
            [*self._compose().docker_compose_command(), *inside],
            cwd=DEPLOY,
            capture_output=True,
            text=True,
            check=False,
        )

    def logs(self) -> Mapping[str, str]:
        return {name: self._earlier_logs.get(name, "") + self._log(name) for name in _NAMES}

    def redis_files(self) -> bytes:
        return self.compose("exec", "-T", "redis", "sh", "-c", "find /data -name '*.aof' -exec cat {} +")

    def keep_logs(self) -> Path:
        """Write down what every container has said; returns the folder."""
        folder = KEPT_LOGS / time.strftime("%Y-%m-%dT%H-%M-%S")
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*_NAMES, *(f"{service}-setup" for service in SERVICES), "secrets", "proxy"):
            (folder / f"{name}.log").write_text(self._earlier_logs.get(name, "") + self._log(name))
        (folder / "ps.txt").write_bytes(self.compose("ps", "-a"))
        return folder

    async def scale(self, counts: Mapping[str, int]) -> None:
        """Run so many of each, with a proxy as the door; without counts, one of each and no proxy."""
        for name in (*SERVICES, "proxy"):
            self._remember_logs(name)
        if not counts:
            await asyncio.to_thread(self.compose, "rm", "--stop", "--force", "proxy")
        self._scale = counts
        self._write_override()
        flags = [part for name, count in counts.items() for part in ("--scale", f"{name}={count}")]
        await asyncio.to_thread(self.compose, "up", "-d", "--no-build", "--wait", *flags)
        await self.wait_ready(GATEWAY)

    def containers(self, name: str) -> list[str]:
        """The ids of this service's containers, the running ones and the others."""
        labels = {"project": self.project, "service": _service(name), "oneoff": "False"}
        filters = [
            part
            for key, value in labels.items()
            for part in ("-f", f"label=com.docker.compose.{key}={value}")
        ]
        return docker("ps", "-aq", "--no-trunc", *filters).split()

    def compose(self, *arguments: str) -> bytes:
        """What this compose command prints.

        Raises:
            subprocess.CalledProcessError: it failed; its errors are in a note.
        """
        command = [*self._compose().docker_compose_command(), *arguments]
        return run(command, cwd=DEPLOY)

    def _compose(self, *, build: bool = False) -> DockerCompose:
        files = ["compose.yaml", *(["compose.scale.yaml"] if self._scale else []), str(self._override_path)]
        compose = _Compose(DEPLOY, compose_file_name=files, build=build, profiles=["sandbox"])
        gateways = range(1, self._scale.get(GATEWAY, 1) + 1)
        compose.variables = {
            "COMPOSE_PROJECT_NAME": self.project,
            "PORT_GATEWAY": str(self.ports.gateway),
            "PORT_SANDBOX": str(self.ports.sandbox),
            "META_DIALOG_BASE_URL": self.sandbox_url,
            "GATEWAYS": " ".join(f"{self.project}-gateway-{number}:3001" for number in gateways),
        }
        return compose

    @property
    def _override_path(self) -> Path:
        return Path(self._folder.name) / "compose.e2e.yaml"

    def _write_override(self) -> None:
        text = override(
            self.ports,
            self._environment,
            own_host=self.own_host,
            redis_password=self._redis_password,
            several_publishers=bool(self._scale),
        )
        self._override_path.write_text(text)

    def _remember_logs(self, name: str) -> None:
        self._earlier_logs[name] = self._earlier_logs.get(name, "") + self._log(name)

    def _log(self, name: str) -> str:
        return "".join(log_of(container) for container in self.containers(name))


def _service(name: str) -> str:
    """The name in the compose file."""
    return "redis" if name == VALKEY else name

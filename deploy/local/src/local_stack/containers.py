"""Postgres and Redis as containers for one test run, with the handles of the embedded servers.

For tests only: it needs testcontainers, which the stack does not. The port is chosen here and kept, because
a container that is stopped and started again would otherwise get another one.
"""

import os
import secrets
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from docker.models.containers import Container  # type: ignore[import-untyped]  # it ships no types
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from local_stack.ports import HOST, free_port
from local_stack.process import ChildFailedError
from local_stack.server_choice import IMAGES, RYUK_VARIABLE, has_image

POSTGRES, REDIS = IMAGES
_READY_SECONDS = 60.0
_POLL_SECONDS = 0.05
_STOP_SECONDS = 10


def use_ryuk() -> bool:
    """Let testcontainers' cleaner run if its image is here and nobody has said otherwise; whether it will.

    It removes what a killed test run leaves behind. Our fixtures remove their containers in any other case.
    """
    if RYUK_VARIABLE not in os.environ and not has_image(testcontainers_config.ryuk_image):
        testcontainers_config.ryuk_disabled = True
    return not testcontainers_config.ryuk_disabled


class _ContainerServer:
    """Life and death of one container. Use it as a context manager; its data goes with it in the end."""

    def __init__(self, image: str, *, port: int, command: str, env: dict[str, str]) -> None:
        self.port = free_port()
        self._image = image
        self._container = DockerContainer(image).with_command(command).with_bind_ports(port, self.port)
        for name, value in env.items():
            self._container.with_env(name, value)

    def __enter__(self) -> Self:
        try:
            self._container.start()
            self._wait_until_ready()
        except BaseException:
            self._container.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.stop()

    def start(self) -> None:
        """Start it on its data and return when it accepts work."""
        self._docker.start()
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop cleanly; the data stays."""
        self._docker.stop(timeout=_STOP_SECONDS)

    def kill(self) -> None:
        """Stop as a crash would: nothing is flushed, the next start recovers."""
        self._docker.kill()
        self._docker.wait(timeout=_STOP_SECONDS)

    def restart(self) -> None:
        """Stop cleanly and start again on the same data and port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze the server: connections stay open and nothing answers."""
        self._docker.pause()

    def resume(self) -> None:
        """Let a paused server go on."""
        self._docker.unpause()

    @property
    def _docker(self) -> Container:
        return self._container.get_wrapped_container()

    def _probe(self) -> Sequence[str]:
        """A command in the container that succeeds when the server accepts work."""
        raise NotImplementedError

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while self._docker.exec_run(list(self._probe())).exit_code != 0:
            if time.monotonic() > deadline:
                last = self._docker.logs(tail=20).decode(errors="replace")
                raise ChildFailedError(f"{self._image} was not ready after {_READY_SECONDS:.0f} s.\n{last}")
            time.sleep(_POLL_SECONDS)


class ContainerPostgres(_ContainerServer):
    """A Postgres server that skips fsync: data survives the death of the container, not a power cut."""

    def __init__(self) -> None:
        self._password = secrets.token_urlsafe(24)
        settings = {
            "max_connections": "400",
            "shared_buffers": "64MB",
            "fsync": "off",
            "full_page_writes": "off",
            "timezone": "UTC",
        }
        super().__init__(
            POSTGRES,
            port=5432,
            command=" ".join(["postgres", *(f"-c {key}={value}" for key, value in settings.items())]),
            env={"POSTGRES_PASSWORD": self._password, "POSTGRES_INITDB_ARGS": "--no-sync"},
        )

    @property
    def admin_url(self) -> str:
        """Address of the superuser in the database `postgres`. Holds a password: never log it."""
        return self.url()

    def url(self, database: str = "postgres") -> str:
        """Address of the superuser in this database. Holds a password: never log it."""
        return f"postgresql://postgres:{self._password}@{HOST}:{self.port}/{database}"

    def _probe(self) -> Sequence[str]:
        # By address: while it initialises itself it listens on its socket only.
        return ("pg_isready", "-q", "-h", HOST, "-U", "postgres")


class ContainerRedis(_ContainerServer):
    """A Redis server with every write appended to a log that the next start reads."""

    def __init__(self) -> None:
        # Docker publishes on every address of this machine, so not without a password.
        self._password = secrets.token_urlsafe(24)
        super().__init__(
            REDIS,
            port=6379,
            command=f"redis-server --appendonly yes --save '' --requirepass {self._password}",
            env={},
        )

    @property
    def url(self) -> str:
        """Address of the first database. Holds a password: never log it."""
        return f"redis://:{self._password}@{HOST}:{self.port}/0"

    def _probe(self) -> Sequence[str]:
        ping = f"redis-cli -a {self._password} --no-auth-warning ping | grep -q PONG"
        return ("sh", "-c", ping)

"""The docker command, and a death that the engine takes for a crash."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def docker(*arguments: str) -> str:
    """What this docker command prints."""
    return run(["docker", *arguments]).decode()


@contextmanager
def killer() -> Iterator[Callable[[str], None]]:
    """What ends the main process of a container as a crash or the kernel would, at once.

    Not by `docker kill`: the engine takes that for a person's wish and does not start the container again,
    whatever its restart policy says. Nor from inside, where process 1 cannot be killed. So a container that
    sees the processes of the engine's machine does it, which needs no root on this one. It stands by, since
    starting it takes longer than fifty runs.
    """
    standing_by = ("--detach", "--rm", "--pid=host", "--network=none", "--user=0", "--entrypoint=sleep")
    name = docker("run", *standing_by, "redis:7", "600").strip()

    def kill(container: str) -> None:
        pid = int(docker("inspect", "-f", "{{.State.Pid}}", container))
        if pid:
            docker("exec", name, "sh", "-c", f"kill -9 {pid}")

    try:
        yield kill
    finally:
        docker("rm", "--force", name)


def crash(container: str) -> None:
    """Let a container crash once."""
    with killer() as kill:
        kill(container)


def log_of(container: str) -> str:
    """What this container has said."""
    done = subprocess.run(  # noqa: S603 - ours
        ["docker", "logs", container],  # noqa: S607 - as on the path
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
    )
    return done.stdout.decode(errors="replace")


def run(command: list[str], *, cwd: Path | None = None) -> bytes:
    try:
        return subprocess.run(command, cwd=cwd, capture_output=True, check=True).stdout  # noqa: S603 - ours
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr.decode(errors="replace")[-3000:])
        raise

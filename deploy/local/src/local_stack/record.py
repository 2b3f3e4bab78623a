"""The note a running stack leaves in its data folder, so that `down` ends exactly what `up` started.

A process is known by its number and the time it started: a number alone may belong to somebody else by now.
"""

import signal
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
from pydantic import BaseModel, ConfigDict

_CLOCK_TOLERANCE_SECONDS = 2.0
"""Start times are computed from the boot time, which moves a little when the clock is corrected."""
_STOP_SECONDS = 30.0


class ProcessId(BaseModel):
    """A process that cannot be mistaken for a later one of the same number."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started_at: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """Identify a running process of ours."""
        return cls(pid=pid, started_at=psutil.Process(pid).create_time())

    def find(self) -> "psutil.Process | None":
        """The process, if it is this one and still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < _CLOCK_TOLERANCE_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


class Record(BaseModel):
    """Who supervises the stack of a data folder, what it started, and on which ports."""

    supervisor: ProcessId
    children: dict[str, ProcessId]
    ports: dict[str, int]

    @classmethod
    def read(cls, path: Path) -> "Record | None":
        """The note in this file; None without one."""
        try:
            return cls.model_validate_json(path.read_text())
        except FileNotFoundError:
            return None

    def write(self, path: Path) -> None:
        """Replace the note in one step, so that a reader never sees half of it."""
        unfinished = path.with_suffix(".new")
        unfinished.write_text(self.model_dump_json(indent=2) + "\n")
        unfinished.replace(path)

    def is_running(self) -> bool:
        """Whether its supervisor lives."""
        return self.supervisor.find() is not None

    def stop(self) -> bool:
        """Stop the supervisor, then whatever a killed supervisor left behind. True when anything ran."""
        processes = [self.supervisor.find(), *(child.find() for child in self.children.values())]
        running = [process for process in processes if process is not None]
        if supervisor := self.supervisor.find():
            supervisor.terminate()
            psutil.wait_procs([supervisor], timeout=_STOP_SECONDS)
        # Ordinarily nothing is left. Postgres is last in the list and stops cleanly on SIGINT only.
        for name, child in self.children.items():
            if orphan := child.find():
                orphan.send_signal(_stop_signal(name))
        _, stubborn = psutil.wait_procs(running, timeout=_STOP_SECONDS)
        for process in stubborn:
            process.kill()
        return bool(running)


def _stop_signal(name: str) -> int:
    return signal.SIGINT if name == "postgres" else signal.SIGTERM

"""One child process: started in its own session, logged to a file, gone when we are gone."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types

from local_stack import launch

_POLL_SECONDS = 0.02
_KILL_SECONDS = 10.0


class ChildFailedError(RuntimeError):
    """A child ended, or did not get ready, when it should have run; the text shows its last lines."""


class Child:
    """A program that runs as our child.

    Its own session keeps the terminal's Ctrl-C away from it, so the order of stopping stays ours. Start it
    from the main thread only: the kernel ties the death signal to the thread that forked.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        kill_signal: signal.Signals = signal.SIGKILL,
        account: str | None = None,
    ) -> None:
        self.name = name
        self.log_path = log_path
        self._stop_signal = stop_signal
        self._kill_signal = kill_signal
        self._argv = launch_argv(argv, stop_signal=stop_signal, account=account)
        self._env = dict(os.environ if env is None else env)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        if self._process is None:
            raise ChildFailedError(f"{self.name} was never started")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, once it has ended."""
        return None if self._process is None else self._process.poll()

    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def spawn(self) -> None:
        """Start it; returns at once."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own argument list, no shell
                self._argv,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def pause(self) -> None:
        """Freeze it and everything it started: connections stay open, nothing answers."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._signal_all(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        """Send the polite signal; returns at once."""
        self._signal_first(self._stop_signal)

    def ask_to_die(self) -> None:
        """Send the signal that gives it no chance to clean up; returns at once."""
        self._signal_first(self._kill_signal)

    def stop(self, timeout_seconds: float = 10) -> None:
        """End it politely, then by force; returns when it is gone."""
        self.ask_to_stop()
        if not self.ended_within(timeout_seconds):
            self.kill()

    def kill(self) -> None:
        """End it as a crash would; returns when it is gone."""
        self.ask_to_die()
        if not self.ended_within(_KILL_SECONDS):
            self._signal_all(signal.SIGKILL)
            self.ended_within(_KILL_SECONDS)

    def ended_within(self, seconds: float) -> bool:
        """Wait for its end at most this long; whether it has ended."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait_until(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Block until `ready()`.

        Raises:
            ChildFailedError: it ended, or the time is over.
        """
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if not self.is_running():
                raise ChildFailedError(f"{self.name} {self.ending()}.\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise ChildFailedError(
                    f"{self.name} was not ready after {timeout_seconds:.0f} s.\n{self.last_lines()}"
                )
            time.sleep(_POLL_SECONDS)

    def ending(self) -> str:
        """How it ended, in words."""
        code = self.returncode
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with code {code}"

    def last_lines(self, count: int = 20) -> str:
        """The end of its log, indented, with the file's name."""
        return last_lines(self.log_path, count)

    def _signal_first(self, number: signal.Signals) -> None:
        if self._process is not None and self.is_running():
            self.resume()  # a frozen process takes no signal
            self._process.send_signal(number)

    def _signal_all(self, number: signal.Signals) -> None:
        # Not by process group: the workers of Postgres have their own.
        with contextlib.suppress(psutil.NoSuchProcess):
            if self.is_running():
                first = psutil.Process(self.pid)
                for process in (first, *first.children(recursive=True)):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.send_signal(number)


def launch_argv(
    argv: Sequence[str | Path], *, stop_signal: signal.Signals = signal.SIGTERM, account: str | None = None
) -> list[str]:
    """The command line that runs `argv` through `launch`, for this process as the parent."""
    launcher = [
        sys.executable,
        "-I",
        "-S",
        launch.__file__,
        str(os.getpid()),
        str(int(stop_signal)),
        account or "-",
    ]
    return [*launcher, *(str(part) for part in argv)]


def last_lines(path: Path, count: int = 20) -> str:
    """The end of a log file, indented, with the file's name."""
    text = path.read_text(errors="replace") if path.exists() else ""
    lines = "".join(f"  | {line}\n" for line in text.splitlines()[-count:])
    return f"Last lines of {path}:\n{lines or '  | (nothing was written)'}".rstrip()

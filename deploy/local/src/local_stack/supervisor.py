"""Keeps child processes running: starts them, waits until they are ready, starts them again when they die."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from rich.console import Console
from rich.text import Text

from local_stack.console import LogTail
from local_stack.process import Child, ChildFailedError

READY_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 5.0
_STEADY_SECONDS = 30.0
"""Who ran this long is not in a crash loop: its next restart is quick again."""
_WATCH_SECONDS = 0.1
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.05


Ready = Callable[[], Awaitable[bool]]
"""Asks whether a process accepts work."""


class Member:
    """A child and what the supervisor knows about it."""

    def __init__(
        self,
        child: Child,
        *,
        ready: Ready,
        tail: LogTail | None = None,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self.child = child
        self.ready = ready
        self.tail = tail
        self.prepare = prepare
        self.wanted = False
        self._pause_seconds = _FIRST_PAUSE_SECONDS
        self._started_at = 0.0
        self._restart_at: float | None = None

    def spawn(self) -> None:
        """Start the process now and from here on keep it running."""
        self.wanted = True
        self._restart_at = None
        self._started_at = time.monotonic()
        if self.prepare:
            self.prepare()
        self.child.spawn()

    def announce_death(self) -> str | None:
        """When it has died unasked, plan its restart and say so in a sentence, once."""
        if not self.wanted or self.child.is_running() or self._restart_at is not None:
            return None
        now = time.monotonic()
        if now - self._started_at > _STEADY_SECONDS:
            self._pause_seconds = _FIRST_PAUSE_SECONDS
        pause = self._pause_seconds
        self._restart_at = now + pause
        self._pause_seconds = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        return f"{self.child.name} {self.child.ending()}; starting it again in {pause:g} s"

    def is_due(self) -> bool:
        """Whether its pause after dying is over."""
        return self.wanted and self._restart_at is not None and time.monotonic() >= self._restart_at


class Supervisor:
    """Runs members by name, from one event loop in the main thread."""

    def __init__(self, console: Console | None, *, on_restart: Callable[[], None]) -> None:
        self.members: dict[str, Member] = {}
        self._console = console
        self._on_restart = on_restart
        self._watching: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """Begin to show logs and to start dead members again."""
        self._watching = asyncio.create_task(self._watch(), name="watch")

    async def stop_watching(self) -> None:
        """End what `watch` began, after the last lines were shown."""
        if self._watching:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        self._show_logs()

    async def forever(self) -> None:
        """Return only when watching failed, with its error."""
        if self._watching:
            await self._watching

    async def wait_ready(
        self, name: str, seconds: float = READY_SECONDS, *, allow_restarts: bool = False
    ) -> None:
        """Return when the member accepts work.

        Raises:
            ChildFailedError: it ended first (unless restarts are allowed), or the time is over.
        """
        member = self.members[name]
        deadline = time.monotonic() + seconds
        while not await member.ready():
            if not allow_restarts and not member.child.is_running():
                raise ChildFailedError(
                    f"{name} {member.child.ending()} before it was ready.\n{member.child.last_lines()}"
                )
            if time.monotonic() > deadline:
                raise ChildFailedError(
                    f"{name} was not ready after {seconds:.0f} s.\n{member.child.last_lines()}"
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self, *names: str) -> None:
        """End these members together, politely first; they stay down."""
        members = [self.members[name] for name in names if name in self.members]
        for member in members:
            member.wanted = False
            member.child.ask_to_stop()
        await asyncio.gather(
            *(asyncio.to_thread(member.child.ended_within, _STOP_SECONDS) for member in members)
        )
        for member in members:
            if member.child.is_running():
                self._tell(f"{member.child.name} did not stop in {_STOP_SECONDS:.0f} s: killing it")
            member.child.kill()

    async def _watch(self) -> None:
        while True:
            self._show_logs()
            for member in self.members.values():
                if news := member.announce_death():
                    self._tell(news)
                if member.is_due():
                    member.spawn()
                    self._on_restart()
            await asyncio.sleep(_WATCH_SECONDS)

    def _show_logs(self) -> None:
        for member in self.members.values():
            if member.tail:
                for line in member.tail.new_lines():
                    self._print(line)

    def _tell(self, text: str) -> None:
        self._print(Text(text, style="bold red"))

    def _print(self, text: Text) -> None:
        if self._console:
            try:
                self._console.print(text, soft_wrap=True)
            except OSError:  # the terminal is gone; what is left to do does not need it
                self._console = None

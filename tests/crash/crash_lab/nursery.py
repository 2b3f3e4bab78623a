"""Starts, watches and restarts the processes under test, within milliseconds."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local_stack.process import last_lines

RESTART_SECONDS = 0.05
"""Pause before a dead process is started again: long enough not to spin when it cannot start."""
SLOW_RESTART_SECONDS = 1.0
"""The pause after it has ended by itself, with an error."""

Died = Callable[[int, int], None]


class Nursery:
    """The forking process and what it has forked."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._born: dict[int, asyncio.Future[int]] = {}
        self._died: dict[int, Died] = {}
        self._ids = count(1)
        self._ready = asyncio.Event()

    async def __aenter__(self) -> Self:
        script = Path(__file__).with_name("zygote.py")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(script),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read(), name="nursery")
        await asyncio.wait_for(self._ready.wait(), 60)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process
        assert self._process.stdin
        self._process.stdin.close()
        await self._process.wait()
        if self._reader:
            await self._reader

    async def spawn(
        self, module: str, argv: Sequence[str], *, env: Mapping[str, str], log: Path, died: Died
    ) -> int:
        """Fork one process; `died(pid, code)` is called once when it has ended. Returns its id."""
        assert self._process
        assert self._process.stdin
        number = next(self._ids)
        born: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._born[number] = born
        wanted = {"id": number, "module": module, "argv": list(argv), "env": dict(env), "log": str(log)}
        self._process.stdin.write(json.dumps(wanted).encode() + b"\n")
        # The death may be read in the same breath as the birth, so it is registered by `_read`.
        self._died[-number] = died
        return await born

    async def run(self, module: str, argv: Sequence[str], *, env: Mapping[str, str], log: Path) -> None:
        """Run one process to its end.

        Raises:
            RuntimeError: it ended with an error.
        """
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        await self.spawn(module, argv, env=env, log=log, died=lambda _, code: ended.set_result(code))
        if code := await ended:
            raise RuntimeError(f"{module} {argv} ended with {code}, see {log}: {last_lines(log)}")

    async def _read(self) -> None:
        assert self._process
        assert self._process.stdout
        async for line in self._process.stdout:
            self._hear(json.loads(line))

    def _hear(self, news: dict[str, Any]) -> None:
        if "ready" in news:
            self._ready.set()
        elif "id" in news:
            self._died[news["pid"]] = self._died.pop(-news["id"])
            self._born.pop(news["id"]).set_result(news["pid"])
        else:
            self._died.pop(news["died"])(news["died"], news["status"])


EnvFor = Callable[[int], Mapping[str, str]]
"""More environment for the n-th start, counted from 1 since it was set."""


@dataclass(kw_only=True)
class Kept:
    """One process that is started again whenever it dies, until it is stopped."""

    nursery: Nursery
    name: str
    module: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    on_death: Callable[[str], Awaitable[None]] | None = None
    pid: int = 0
    deaths: int = 0
    wanted: bool = False
    env_for: EnvFor | None = None
    _starts: int = 0
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self, env_for: EnvFor | None = None) -> None:
        """Start it; `env_for` adds to the environment, start by start."""
        self.wanted = True
        self.env_for, self._starts = env_for, 0
        await self._spawn()

    async def stop(self) -> None:
        """End it as a crash would; it stays down."""
        self.wanted = False
        async with self._starting:  # one that is just being born would be missed
            self.signal(signal.SIGKILL)
            await asyncio.wait_for(self._gone.wait(), 10)

    async def restart(self, env_for: EnvFor | None = None) -> None:
        """Crash it and start it with this environment."""
        await self.stop()
        await self.start(env_for)

    def kill(self) -> None:
        """Let it die; it is started again."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        if self.pid:
            os.kill(self.pid, number)

    async def _spawn(self) -> None:
        async with self._starting:
            if self.wanted and not self.pid:
                await self._fork()

    async def _fork(self) -> None:
        self._starts += 1
        extra = self.env_for(self._starts) if self.env_for else {}
        self._gone.clear()
        self.pid = await self.nursery.spawn(
            self.module, self.argv, env={**self.env, **extra}, log=self.log, died=self._died
        )

    def _died(self, _: int, code: int) -> None:
        self.pid = 0
        self._gone.set()
        if self.wanted:
            self.deaths += 1
            task = asyncio.create_task(self._again(code), name=f"restart {self.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _again(self, code: int) -> None:
        if self.on_death:
            await self.on_death(self.name)
        await asyncio.sleep(RESTART_SECONDS if code < 0 else SLOW_RESTART_SECONDS)
        await self._spawn()

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from local_stack.process import Child, ChildFailedError
from local_stack.record import ProcessId, Record
from local_stack.supervisor import Member, Supervisor

SLEEPER = "import time; print('working', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    made = Supervisor(None, on_restart=lambda: None)
    made.watch()
    yield made
    for member in made.members.values():
        member.wanted = False
        member.child.kill()
    await made.stop_watching()


def _member(tmp_path: Path, name: str, program: str) -> Member:
    child = Child(name, [sys.executable, "-c", program], log_path=tmp_path / f"{name}.log")

    async def ready() -> bool:
        return child.log_path.exists() and "working" in child.log_path.read_text()

    return Member(child, ready=ready)


async def test_a_child_that_is_killed_is_started_again(supervisor: Supervisor, tmp_path: Path) -> None:
    member = supervisor.members["worker"] = _member(tmp_path, "worker", SLEEPER)
    member.spawn()
    first = member.child.pid
    member.child.kill()
    await _until(lambda: member.child.is_running() and member.child.pid != first)
    await supervisor.wait_ready("worker", allow_restarts=True)


async def test_a_child_that_keeps_dying_is_started_again_less_and_less_often(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    member = supervisor.members["worker"] = _member(tmp_path, "worker", "print('begin', flush=True)")
    member.spawn()

    def starts() -> int:
        return member.child.log_path.read_text().count("begin")

    await _until(lambda: starts() == 2)
    second = time.monotonic()
    await _until(lambda: starts() == 3)
    assert time.monotonic() - second > 0.8


async def test_a_stopped_child_stays_down(supervisor: Supervisor, tmp_path: Path) -> None:
    member = supervisor.members["worker"] = _member(tmp_path, "worker", SLEEPER)
    member.spawn()
    await supervisor.wait_ready("worker")
    await supervisor.stop("worker")
    assert not member.child.is_running()
    assert member.announce_death() is None
    assert not member.is_due()


async def test_a_paused_child_can_still_be_stopped(supervisor: Supervisor, tmp_path: Path) -> None:
    member = supervisor.members["worker"] = _member(tmp_path, "worker", SLEEPER)
    member.spawn()
    await supervisor.wait_ready("worker")
    member.child.pause()
    await _until(lambda: psutil.Process(member.child.pid).status() == psutil.STATUS_STOPPED)
    await supervisor.stop("worker")
    assert not member.child.is_running()


async def test_a_child_that_ends_before_it_is_ready_is_reported_with_its_last_lines(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    member = supervisor.members["worker"] = _member(
        tmp_path, "worker", "raise SystemExit('DATABASE_URL is missing')"
    )
    member.spawn()
    with pytest.raises(ChildFailedError) as caught:
        await supervisor.wait_ready("worker")
    assert "worker ended with code 1 before it was ready" in str(caught.value)
    assert "DATABASE_URL is missing" in str(caught.value)


async def test_a_child_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    child = Child("worker", [sys.executable, "-c", STUBBORN], log_path=tmp_path / "worker.log")
    child.spawn()
    child.wait_until(lambda: "working" in child.log_path.read_text(), 30)
    child.stop(timeout_seconds=0.2)
    assert child.returncode == -signal.SIGKILL


async def test_nothing_survives_a_supervisor_that_was_killed_once_down_ran(tmp_path: Path) -> None:
    """On Linux the kernel ends the children at once, elsewhere `down` finds them in the record."""
    program = (
        "import sys, os, time\n"
        "from pathlib import Path\n"
        "from local_stack.process import Child\n"
        "from local_stack.record import ProcessId, Record\n"
        "folder = Path(sys.argv[1])\n"
        f"child = Child('worker', [sys.executable, '-c', {SLEEPER!r}], log_path=folder / 'worker.log')\n"
        "child.spawn()\n"
        "Record(supervisor=ProcessId.of(os.getpid()), children={'worker': ProcessId.of(child.pid)}, ports={})"
        ".write(folder / 'stack.json')\n"
        "time.sleep(600)\n"
    )
    argv = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(argv) as supervising:  # noqa: ASYNC220, S603  it returns at once; our own program
        await _until((tmp_path / "stack.json").exists)
        record = Record.read(tmp_path / "stack.json")
        assert record is not None
        supervising.kill()
    record.stop()
    assert record.children["worker"].find() is None


def test_down_leaves_a_process_alone_that_only_got_the_same_number() -> None:
    ours = ProcessId.of(os.getpid())
    earlier = ProcessId(pid=ours.pid, started_at=ours.started_at - 100)
    record = Record(supervisor=earlier, children={"postgres": earlier}, ports={})
    assert not record.is_running()
    assert record.stop() is False


async def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  the condition is another process's state
            await asyncio.sleep(0.02)

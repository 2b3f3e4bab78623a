"""A name server that does not answer holds up who asks for that name, and nobody else."""

import asyncio
import gc
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from chassis.event_loop import EventLoop

SILENT = "silent.example"
ASKING = 40


class Resolver:
    """The system's resolver, but that no name server answers for `SILENT` until told."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked: Counter[str] = Counter()
        self._real = socket.getaddrinfo

    def __call__(self, host: str, *arguments: Any, **how: int) -> list[Any]:
        self.asked[host] += 1
        if host == SILENT:
            self.answers.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self._real(host, *arguments, **how)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    resolver = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    yield resolver
    resolver.answers.set()


async def look_up(host: str, *, seconds: float = 5) -> list[Any]:
    async with asyncio.timeout(seconds):
        return await asyncio.get_running_loop().getaddrinfo(host, 80, type=socket.SOCK_STREAM)


def test_a_name_that_cannot_be_looked_up_holds_up_no_other(
    resolver: Resolver, caplog: pytest.LogCaptureFixture
) -> None:
    async def given_up_and_another() -> list[Any]:
        calls = (look_up(SILENT, seconds=0.1) for _ in range(ASKING))
        given_up = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(each) for each in given_up] == [TimeoutError] * ASKING
        answers = await look_up("localhost")
        resolver.answers.set()
        return answers

    with asyncio.Runner(loop_factory=EventLoop) as runner:
        assert runner.run(given_up_and_another())
    assert resolver.asked == {SILENT: 1, "localhost": 1}
    gc.collect()
    assert caplog.messages == []


def test_who_asks_at_the_same_time_gets_the_same_answer_and_who_asks_later_a_new_one(
    resolver: Resolver,
) -> None:
    async def twice() -> None:
        first = await asyncio.gather(*(look_up("localhost") for _ in range(ASKING)))
        assert first == [first[0]] * ASKING
        assert resolver.asked["localhost"] == 1
        await look_up("localhost")
        assert resolver.asked["localhost"] == 2

    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(twice())


def test_that_nobody_knows_a_name_is_told_to_everybody_who_asked(resolver: Resolver) -> None:
    async def fail() -> None:
        resolver.answers.set()
        failures = await asyncio.gather(*(look_up(SILENT) for _ in range(ASKING)), return_exceptions=True)
        assert [type(each) for each in failures] == [socket.gaierror] * ASKING

    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(fail())

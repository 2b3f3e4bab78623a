"""Jobs beside the server: one bad round does not end them, and a job that ends takes the process with it."""

import asyncio
import signal
from collections.abc import Callable, Iterator

import pytest
from sample_service.waiting import eventually

from chassis.errors import Unavailable
from chassis.periodic import background, leave_if_cancelled, run_forever


@pytest.fixture
def terminations() -> Iterator[list[int]]:
    """The signals that asked this process to stop; it stays."""
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    yield received
    signal.signal(signal.SIGTERM, before)


async def wait_for_ever() -> None:
    await asyncio.Event().wait()


async def test_a_job_is_repeated_also_after_bad_rounds(logged: Callable[[], str]) -> None:
    rounds = 0

    async def job() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise Unavailable("Postgres is away")
        if rounds == 2:
            raise LookupError("planted")

    async with background("job", run_forever("job", job, every_seconds=0.001)):
        await eventually(lambda: rounds > 3)
    assert "periodic_job_delayed" in logged()
    assert "periodic_job_failed" in logged()


async def test_a_job_runs_as_long_as_its_block_and_not_longer(terminations: list[int]) -> None:
    ended = False

    async def job() -> None:
        nonlocal ended
        try:
            await wait_for_ever()
        finally:
            ended = True

    async with background("job", job()):
        await asyncio.wait([asyncio.create_task(asyncio.Event().wait())], timeout=0.01)
        assert not ended
    assert ended
    assert terminations == []


async def test_a_job_that_ends_by_itself_stops_the_process(
    terminations: list[int], logged: Callable[[], str]
) -> None:
    async def job() -> None:
        return

    async with background("brief", job()):
        await eventually(lambda: terminations == [signal.SIGTERM])
    assert "background_job_ended" in logged()


async def test_a_job_that_fails_stops_the_process_with_its_traceback_in_the_log(
    terminations: list[int], logged: Callable[[], str]
) -> None:
    async def job() -> None:
        raise LookupError("planted")

    with pytest.raises(LookupError):
        async with background("broken", job()):
            await eventually(lambda: terminations == [signal.SIGTERM])
    assert "planted" in logged()


async def test_a_lost_cancellation_is_found_at_the_next_look() -> None:
    async def lose_one() -> None:
        try:
            await wait_for_ever()
        except asyncio.CancelledError:
            leave_if_cancelled()
        pytest.fail("the task went on")

    leave_if_cancelled()
    task = asyncio.create_task(lose_one())
    await asyncio.wait([task], timeout=0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_that_was_reached_is_no_cancellation() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await wait_for_ever()
    leave_if_cancelled()

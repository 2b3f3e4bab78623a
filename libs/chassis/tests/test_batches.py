"""What is ready together is written together, and nobody suffers from, or waits for ever for, another."""

import asyncio
from collections.abc import Sequence

import pytest

from chassis.batches import MOST, Batches
from chassis.errors import Unavailable

WRITES_AT_ONCE = 2


class Book:
    """Takes numbers down, all of a batch or none: not a negative one, and only while it is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.batches: list[list[int]] = []
        self.in_progress = 0
        self.away = False

    async def write(self, items: Sequence[int]) -> list[str]:
        self.in_progress += 1
        assert self.in_progress <= WRITES_AT_ONCE
        try:
            await self.open.wait()
        finally:
            self.in_progress -= 1
        self.batches.append(list(items))
        if self.away:
            raise Unavailable("away")
        if any(item < 0 for item in items):
            raise ValueError(items)
        return [str(item) for item in items]


async def all_at_work(batches: "Batches[int, str]") -> list[asyncio.Future[str]]:
    """As many writes as there may be, each begun before the next."""
    begun = []
    for number in range(WRITES_AT_ONCE):
        begun.append(asyncio.ensure_future(batches.write(number)))
        await passes()
    return begun


async def passes(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_lone_item_is_written_at_once_though_others_are_being_written() -> None:
    book = Book()
    batches = Batches(book.write, at_once=WRITES_AT_ONCE)
    book.open.clear()
    waiting = await all_at_work(batches)
    assert book.in_progress == WRITES_AT_ONCE
    book.open.set()
    assert await asyncio.gather(*waiting) == [str(number) for number in range(WRITES_AT_ONCE)]
    assert book.batches == [[number] for number in range(WRITES_AT_ONCE)]


async def test_what_arrives_while_all_are_at_work_is_written_together_in_bounded_batches() -> None:
    book = Book()
    batches = Batches(book.write, at_once=WRITES_AT_ONCE)
    book.open.clear()
    begun = await all_at_work(batches)
    wanted = range(100, 100 + MOST + 5)
    waiting = [asyncio.ensure_future(batches.write(number)) for number in wanted]
    await passes()
    book.open.set()
    assert await asyncio.gather(*waiting) == [str(number) for number in wanted]
    await asyncio.gather(*begun)
    assert sorted(map(len, book.batches)) == [*[1] * WRITES_AT_ONCE, 5, MOST]


async def test_one_at_fault_is_told_so_and_the_others_are_written() -> None:
    book = Book()
    batches = Batches(book.write, at_once=WRITES_AT_ONCE)
    outcomes = await asyncio.gather(*map(batches.write, (1, -2, 3)), return_exceptions=True)
    assert outcomes[::2] == ["1", "3"]
    assert isinstance(outcomes[1], ValueError)
    assert book.batches == [[1, -2, 3], [1], [-2], [3]]


async def test_when_the_database_is_away_all_are_told_and_nothing_is_written_twice() -> None:
    book = Book()
    book.away = True
    batches = Batches(book.write, at_once=WRITES_AT_ONCE)
    outcomes = await asyncio.gather(*map(batches.write, (1, 2, 3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert book.batches == [[1, 2, 3]]


@pytest.mark.parametrize("number", [0, 1])
async def test_one_who_is_cancelled_leaves_the_others_alone(number: int) -> None:
    """Whether it was the first, whose coming began the write, or another."""
    book = Book()
    batches = Batches(book.write, at_once=WRITES_AT_ONCE)
    book.open.clear()
    waiting = [asyncio.ensure_future(batches.write(each)) for each in range(3)]
    await passes()
    assert book.in_progress == 1
    waiting[number].cancel()
    await passes()
    book.open.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(outcomes.pop(number), asyncio.CancelledError)
    assert outcomes == [str(each) for each in range(3) if each != number]


async def test_what_is_cancelled_before_its_turn_is_not_written() -> None:
    book = Book()
    batches = Batches(book.write, at_once=WRITES_AT_ONCE)
    book.open.clear()
    begun = await all_at_work(batches)
    late = [asyncio.ensure_future(batches.write(number)) for number in (7, 8)]
    await passes()
    late[0].cancel()
    await passes()
    book.open.set()
    assert await late[1] == "8"
    await asyncio.gather(*begun)
    assert sorted(book.batches) == [*([number] for number in range(WRITES_AT_ONCE)), [8]]


async def test_who_comes_just_as_the_last_write_ends_is_written_too() -> None:
    book = Book()
    batches = Batches(book.write, at_once=WRITES_AT_ONCE)
    book.open.clear()

    async def twice() -> str:
        return await batches.write(0) + await batches.write(9)

    first = asyncio.ensure_future(twice())
    await passes()
    others = []
    for number in range(1, WRITES_AT_ONCE):
        others.append(asyncio.ensure_future(batches.write(number)))
        await passes()
    book.open.set()
    async with asyncio.timeout(2):
        assert await first == "09"
        await asyncio.gather(*others)


async def test_when_the_process_ends_nobody_is_left_waiting() -> None:
    book = Book()
    batches = Batches(book.write, at_once=WRITES_AT_ONCE)
    book.open.clear()
    before = asyncio.all_tasks()
    waiting = asyncio.ensure_future(batches.write(1))
    await passes()
    [writer] = asyncio.all_tasks() - before - {waiting}
    writer.cancel()
    await asyncio.wait({waiting}, timeout=2)
    assert waiting.cancelled()

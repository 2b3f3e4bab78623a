"""A redelivery changes nothing, also when it comes while the first delivery is still being handled."""

import asyncio
from uuid import uuid4

import pytest

from chassis.database import Pool, transaction
from chassis.inbox import first_time


async def test_only_the_first_delivery_of_an_event_counts(pool: Pool) -> None:
    event = uuid4()
    answers = []
    for _ in range(3):
        async with transaction(pool) as connection:
            answers.append(await first_time(connection, event))
    assert answers == [True, False, False]


async def test_different_events_do_not_stand_in_each_others_way(pool: Pool) -> None:
    async with transaction(pool) as connection:
        assert await first_time(connection, uuid4())
        assert await first_time(connection, uuid4())


async def test_a_second_delivery_waits_for_the_first_and_then_counts_as_known(pool: Pool) -> None:
    event, answers = uuid4(), []

    async def deliver_again() -> None:
        async with transaction(pool) as connection:
            answers.append(await first_time(connection, event))

    async with transaction(pool) as connection:
        assert await first_time(connection, event)
        second = asyncio.create_task(deliver_again())
        done, _ = await asyncio.wait([second], timeout=0.2)
        assert not done
    await second
    assert answers == [False]


async def test_a_second_delivery_takes_over_when_the_first_fails(pool: Pool) -> None:
    event, answers = uuid4(), []
    second: asyncio.Task[None] | None = None

    async def deliver_again() -> None:
        async with transaction(pool) as connection:
            answers.append(await first_time(connection, event))

    async def deliver_and_fail() -> None:
        nonlocal second
        async with transaction(pool) as connection:
            assert await first_time(connection, event)
            second = asyncio.create_task(deliver_again())
            done, _ = await asyncio.wait([second], timeout=0.2)
            assert not done
            raise LookupError

    with pytest.raises(LookupError):
        await deliver_and_fail()
    assert second
    await second
    assert answers == [True]

"""Write together what is ready at the same moment: many in one transaction, each with its own outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from chassis.errors import Unavailable

MOST: Final = 25
"""In one transaction, which shall be over in milliseconds."""

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True)
class _Arrival(Generic[Item, Outcome]):
    """What is not written yet, and what its owner waits for."""

    item: Item
    written: asyncio.Future[Outcome]


class Batches(Generic[Item, Outcome]):
    """Has `write` write items in one transaction; it returns their outcomes in order, or has written nothing.

    While fewer than `at_once` transactions are open the next begins at once, so that a lone item waits for
    nobody. Otherwise items gather until one ends. With one at once, items are written in their order.
    """

    def __init__(
        self, write: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]], *, at_once: int
    ) -> None:
        self._at_once = at_once
        self._together = write
        self._arrived: list[_Arrival[Item, Outcome]] = []
        self._writers: set[asyncio.Task[None] | None] = set()

    async def write(self, item: Item) -> Outcome:
        """Write one item, with what else is ready; returns or raises what became of this one.

        Whoever is cancelled here leaves the others alone; an item that is being written stays so.
        """
        arrival: _Arrival[Item, Outcome] = _Arrival(item, asyncio.get_running_loop().create_future())
        self._arrived.append(arrival)
        if len(self._writers) < self._at_once:
            # Of its own, as it works for everybody: not ended with this caller, nor logged as his.
            self._writers.add(asyncio.create_task(self._write_arrived(), context=Context()))
        return await arrival.written

    async def _write_arrived(self) -> None:
        try:
            while self._arrived:
                batch, self._arrived = self._arrived[:MOST], self._arrived[MOST:]
                try:
                    await self._write(batch)
                finally:
                    for arrival in batch:
                        _ = arrival.written.cancel()  # only what has no outcome: this task is told to end
        finally:
            # Not when the task is seen to be done: who arrives until then would wait for nobody.
            self._writers.discard(asyncio.current_task())

    async def _write(self, arrivals: Sequence[_Arrival[Item, Outcome]]) -> None:
        wanted = [arrival for arrival in arrivals if not arrival.written.done()]
        if not wanted:
            return
        try:
            outcomes = await self._together([arrival.item for arrival in wanted])
        except Exception as exc:  # noqa: BLE001 - raised where the item came from
            # A commit that got no answer may be one: then nothing is written again.
            if len(wanted) > 1 and not isinstance(exc, Unavailable):
                # One of them is at fault: the others do not suffer from it.
                for arrival in wanted:
                    await self._write([arrival])
                return
            for arrival in wanted:
                with suppress(asyncio.InvalidStateError):  # cancelled meanwhile
                    arrival.written.set_exception(exc)
        else:
            for arrival, outcome in zip(wanted, outcomes, strict=True):
                with suppress(asyncio.InvalidStateError):
                    arrival.written.set_result(outcome)

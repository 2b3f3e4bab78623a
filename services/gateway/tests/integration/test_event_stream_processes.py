"""Following a run through two gateway processes: whatever happens to a connection, every event comes once."""

import asyncio
import os
import random
import re
import signal
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
import pytest
from event_client import Decoder, Event, opened, path_of
from gateway_harness import Gateway, NewPerson, Person, Publisher, Run, StartGateway, eventually

from contracts.events import RunFailedBody, RunStartedBody, RunStepBody, RunSucceededBody

TRIES = 100
PEOPLE = 5
"""So many follow a run each at the same time."""
MOST_BYTES = 1500
"""A client drops out within its first so many bytes: in the middle of an event, or between two."""
MOST_SECONDS = 0.08
"""Or within so long, while nothing comes."""
SHUFFLED = 3
"""News arrives at most about so many places away from where it belongs."""


@pytest.fixture(scope="session")
def second_gateway(start_gateway: StartGateway) -> Gateway:
    return start_gateway(RERING_AFTER_SECONDS="600")


def _client(gateway: Gateway, person: Person) -> httpx.AsyncClient:
    headers = {"cookie": f"session={person.cookie}", "x-customer-id": str(person.customer)}
    return gateway.client(headers=headers)


class DroppingClient:
    """Follows runs at several gateways in turn, and is cut off at random points."""

    def __init__(self, clients: list[httpx.AsyncClient], luck: random.Random) -> None:
        self._clients = clients
        self._luck = luck
        self.connections: Counter[int] = Counter()
        self.seen: list[Event] = []

    async def follow(self, run: Run, publisher: Publisher, news: list[Any]) -> list[Event]:
        """Everything that was seen until the end of the run, which is told bit by bit meanwhile."""
        self.seen = []
        while not (self.seen and self.seen[-1].name == "end"):
            told, news = news[: (count := self._luck.randrange(4))], news[count:]
            telling = asyncio.create_task(publisher.send(*told))
            await self._connect_once(run)
            await telling
        return self.seen

    async def _connect_once(self, run: Run) -> None:
        turn = self.connections.total() % len(self._clients)
        self.connections[turn] += 1
        ids = [event.event_id for event in self.seen if event.event_id]
        headers = {"last-event-id": ids[-1]} if ids else {}
        with suppress(TimeoutError):
            async with (
                asyncio.timeout(self._luck.uniform(0, MOST_SECONDS)),
                self._clients[turn].stream("GET", path_of(run.run_id), headers=headers) as answer,
            ):
                assert answer.status_code == 200, await answer.aread()
                await self._read(answer, self._luck.randrange(MOST_BYTES))

    async def _read(self, answer: httpx.Response, most_bytes: int) -> None:
        decoder = Decoder()
        async for chunk in answer.aiter_raw():
            self.seen += [event for event in decoder.feed(chunk[:most_bytes]) if event.name]
            most_bytes -= len(chunk)
            if most_bytes <= 0:
                return


def _news(publisher: Publisher, run: Run, luck: random.Random) -> list[Any]:
    """The events of a whole run, a little out of order."""
    count = luck.randrange(4, 13)
    steps = [
        publisher.event(run, version, RunStepBody, step="adset", state="note", message=f"Åtgärd {version} …")
        for version in range(2, count)
    ]
    end: tuple[type[Any], dict[str, Any]] = luck.choice(
        [(RunSucceededBody, {}), (RunFailedBody, {"error_code": "META_100"})]
    )
    events = [
        publisher.event(run, 1, RunStartedBody, mode="real"),
        *steps,
        publisher.event(run, count, end[0], mode="real", **end[1]),
    ]
    return sorted(events, key=lambda event: event.data.version + luck.uniform(0, SHUFFLED))


async def _tries(
    person: Person, clients: list[httpx.AsyncClient], publisher: Publisher, seed: str
) -> Counter[int]:
    luck = random.Random(seed)  # noqa: S311 - luck that can be repeated, no secret
    client = DroppingClient(clients, luck)
    for _ in range(TRIES // PEOPLE):
        run = await person.publish()
        news = _news(publisher, run, luck)
        seen = await client.follow(run, publisher, news)
        assert [event.event_id for event in seen] == [*map(str, range(1, len(news) + 1)), None], seed
        polled = await run.read()
        assert [event.data for event in seen[:-1]] == polled["steps"], seed
        assert seen[-1].data["status"] == polled["status"]
    return client.connections


async def test_a_client_that_drops_at_random_points_sees_every_event_once_and_in_order(
    gateway: Gateway, second_gateway: Gateway, new_person: NewPerson, publisher: Publisher
) -> None:
    people = [await new_person(gateway) for _ in range(PEOPLE)]
    clients = [[_client(one, person) for one in (gateway, second_gateway)] for person in people]
    seeds = [str(random.randrange(10**6)) for _ in people]  # noqa: S311 - as above
    connections = await asyncio.gather(
        *(
            _tries(person, doors, publisher, seed)
            for person, doors, seed in zip(people, clients, seeds, strict=True)
        )
    )
    used = sum(connections, Counter())
    assert min(used[0], used[1]) > TRIES, f"both gateways were tried again and again: {used}"
    for door in (door for doors in clients for door in doors):
        await door.aclose()


async def test_two_clients_of_one_run_at_two_gateways_see_the_same(
    person: Person, gateway: Gateway, second_gateway: Gateway, publisher: Publisher
) -> None:
    run = await person.publish()
    async with (
        _client(gateway, person) as here,
        _client(second_gateway, person) as there,
        opened(here, run.run_id) as one,
        opened(there, run.run_id) as two,
    ):
        await publisher.tell(run, 1, RunStartedBody, mode="real")
        assert (await one.next_named()).data == (await two.next_named()).data
        await publisher.tell(run, 2, RunSucceededBody, mode="real")
        assert await one.named() == await two.named()


async def test_a_gateway_that_is_told_to_stop_ends_its_streams_and_the_client_goes_on_elsewhere(
    start_gateway: StartGateway, gateway: Gateway, new_person: NewPerson, publisher: Publisher
) -> None:
    leaving = start_gateway(RERING_AFTER_SECONDS="600")
    person = await new_person(leaving)
    run = await person.publish()
    async with opened(person.http, run.run_id) as stream:
        await publisher.tell(run, 1, RunStartedBody, mode="real")
        assert (await stream.next_named()).event_id == "1"
        os.kill(int(re.findall(r"server process \[(\d+)\]", leaving.log.read_text())[0]), signal.SIGTERM)
        async with asyncio.timeout(2):
            assert await stream.named() == [], "ended whole, not cut off"

    async def log() -> str:
        return leaving.log.read_text()

    text = await eventually(log, lambda found: "Finished server process" in found, seconds=5)
    assert '"level": "error"' not in text
    await publisher.tell(run, 2, RunSucceededBody, mode="real")
    async with _client(gateway, person) as elsewhere, opened(elsewhere, run.run_id, after="1") as stream:
        assert [event.event_id for event in await stream.named()] == ["2", None]

"""The publisher loses the way to Meta in the middle of runs, as when a cable is pulled."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from crash_lab.clients import Press
from e2e_compose import ComposeSystem
from e2e_crowd import Crowd
from e2e_docker import docker
from e2e_driver import Advertiser, eventually

from local_stack.services import ADS_PUBLISHER

RUNS = 30
CUT_AT = 12
WAITS = 30
"""So many take longer than a connection to another service is kept for the next call."""
WAITING = ("Meta cannot be reached", "Meta does not answer", "Meta's answer was lost")


@pytest_asyncio.fixture
async def cable(stack: ComposeSystem) -> AsyncIterator[tuple[str, str]]:
    """The network and the container that it connects; the container is as new in the end."""
    [container] = stack.containers(ADS_PUBLISHER)
    yield f"{stack.project}_{ADS_PUBLISHER}-out", container
    # Its published port for the tests' own questions is only set up anew with a start.
    await stack.restart(ADS_PUBLISHER)


@pytest.mark.timeout(300)
async def test_without_a_way_to_meta_runs_wait_and_say_so_and_go_on_when_it_is_back(
    stack: ComposeSystem, crowd: Crowd, cable: tuple[str, str]
) -> None:
    ledger = await crowd.ledger()
    cut = asyncio.Event()

    async def cut_and_mend(number: int) -> None:
        if number != CUT_AT:
            return
        docker("network", "disconnect", *cable)
        try:
            told = await eventually(lambda: newest_runs(crowd), lambda seen: sum(map(waits, seen)) >= WAITS)
            # To look up Meta's name takes longer than a call may take; that holds up no other call.
            blamed = [message for messages in told for message in messages if "connection service" in message]
            assert blamed == []
            cut.set()
        finally:
            docker("network", "connect", *cable)

    presses: list[Press] = await crowd.publish(RUNS, accepted=cut_and_mend)
    told = [press.told for press in presses if press.told]
    assert cut.is_set()
    assert [each.status for each in told] == ["success"] * RUNS
    assert await ledger.verdicts(told) == []


async def newest_runs(crowd: Crowd) -> list[list[str]]:
    """What each customer has read about their newest run."""
    return list(await asyncio.gather(*(newest_run(customer) for customer in crowd.customers)))


async def newest_run(customer: Advertiser) -> list[str]:
    runs = (await customer.status())["lastRuns"]
    return [step["message"] for step in (await customer.run(runs[0]["id"]))["steps"]] if runs else []


def waits(messages: list[str]) -> int:
    return sum(text in message for message in messages for text in WAITING)

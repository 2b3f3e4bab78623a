"""Any one container dies during fifty runs: nothing is lost or doubled, and nobody has to touch anything.

The sandbox is left out: it stands in for Meta, keeps its ledger in memory, and its death would say nothing
about us.
"""

import asyncio
import random
from collections.abc import Callable

import pytest
from crash_lab.clients import Press
from e2e_compose import ComposeSystem
from e2e_crowd import Crowd
from e2e_docker import docker, killer
from e2e_driver import eventually

from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH
from local_stack.stack import POSTGRES, VALKEY

RUNS = 50


async def disturb(crowd: Crowd, dice: random.Random, deed: Callable[[], object]) -> list[Press]:
    """Fifty runs, and the deed at a random moment of theirs."""
    at, later_seconds = dice.randrange(5, RUNS - 5), dice.uniform(0.0, 0.5)

    async def when_accepted(number: int) -> None:
        if number == at:
            await asyncio.sleep(later_seconds)
            await asyncio.to_thread(deed)

    return await crowd.publish(RUNS, accepted=when_accepted)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [POSTGRES, VALKEY, GATEWAY, META_AUTH, ADS_PUBLISHER])
async def test_a_container_that_dies_comes_back_by_itself_and_no_run_is_lost_or_doubled(
    stack: ComposeSystem, crowd: Crowd, dice: random.Random, name: str
) -> None:
    [container] = stack.containers(name)
    restarts = restarts_of(container)
    ledger = await crowd.ledger()
    with killer() as kill:
        presses = await disturb(crowd, dice, lambda: kill(container))
    await stack.wait_ready(name)
    told = [press.told for press in presses if press.told]
    assert len(told) == RUNS
    assert [each.status for each in told] == ["success"] * RUNS
    assert await ledger.verdicts(told) == []
    # The same container, started again by the engine and by nobody else.
    assert stack.containers(name) == [container]
    assert restarts_of(container) == restarts + 1


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [POSTGRES, VALKEY])
async def test_a_server_that_is_restarted_by_an_operator_costs_no_run(
    stack: ComposeSystem, crowd: Crowd, dice: random.Random, name: str
) -> None:
    [container] = stack.containers(name)
    ledger = await crowd.ledger()
    presses = await disturb(crowd, dice, lambda: docker("restart", container))
    await stack.wait_ready(name)
    told = [press.told for press in presses if press.told]
    assert [each.status for each in told] == ["success"] * RUNS
    assert await ledger.verdicts(told) == []


async def test_a_container_that_a_person_kills_stays_down_until_that_person_starts_it(
    stack: ComposeSystem,
) -> None:
    """Why the tests above do not use `docker kill`; an operator may rely on it too."""
    [container] = stack.containers(META_AUTH)
    docker("kill", container)

    async def state() -> str:
        return docker("inspect", "-f", "{{.State.Status}}", container).strip()

    await eventually(state, lambda seen: seen == "exited")
    await stack.start(META_AUTH)
    assert await state() == "running"


def restarts_of(container: str) -> int:
    return int(docker("inspect", "-f", "{{.RestartCount}}", container))

"""Every alert rule fires when its cause is there, in a real Prometheus, and none on a healthy stack."""

import json
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
from alert_causes import CAUSES, Cause, Scene
from alert_server import Discovery, Prometheus, rules
from e2e_driver import Advertiser, eventually
from e2e_system import EmbeddedSystem, sandbox_of

COMPRESSED_TIME = {
    "META_ADMIT_WINDOW_SECONDS": "3",
    "META_CLOCK_SKEW_SECONDS": "1",
    "META_SETTLE_SECONDS": "1",
    "META_CALL_TIMEOUT_SECONDS": "4",
    "LEASE_SECONDS": "3",
    "SWEEP_AFTER_SECONDS": "1,12,18,24,30",
    "LOG_FORMAT": "json",
}
HEALTHY_SECONDS = 8.0
FIRE_SECONDS = 45.0
SHOWN_SECONDS = 15.0
"""A rate needs two scrapes, a gauge is measured every 5 s."""
QUIET_SECONDS = 60.0
"""What another cause has left behind is out of every range by then."""
OBSERVABILITY = Path(__file__).parents[2] / "deploy" / "observability"

by_cause: dict[Cause, set[str]] = {}
for _alert, _cause in CAUSES.items():
    by_cause.setdefault(_cause, set()).add(_alert)


@pytest_asyncio.fixture(scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    made: list[Advertiser] = []
    async with (
        EmbeddedSystem(tmp_path_factory.mktemp("alerts"), overrides=COMPRESSED_TIME) as stack,
        sandbox_of(stack) as sandbox,
    ):
        accounts = iter(await sandbox.add_accounts("ben", 60))

        async def new_advertiser(account: str | None = None) -> tuple[Advertiser, str]:
            chosen = account or next(accounts)
            await sandbox.name_owner(chosen)
            advertiser = Advertiser(stack.gateway_url)
            made.append(advertiser)
            await advertiser.sign_up()
            await advertiser.set_up(chosen)
            return advertiser, chosen

        discovery = Discovery(tmp_path_factory.mktemp("discovery"), stack.ports)
        yield Scene(stack=stack, sandbox=sandbox, discovery=discovery, new_advertiser=new_advertiser)
        for advertiser in made:
            await advertiser.__aexit__(None, None, None)


@pytest.fixture(scope="module")
def prometheus(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    server = Prometheus(tmp_path_factory.mktemp("prometheus"), scene.discovery)
    with closing(server):
        server.child.spawn()
        server.child.wait_until(server.is_ready, 30)
        yield server


@pytest.mark.parametrize("check", [("rules", "alerts.yaml"), ("config", "prometheus.yaml")])
def test_prometheus_own_checker_finds_nothing(check: tuple[str, str]) -> None:
    kind, name = check
    done = subprocess.run(  # noqa: S603 - our own files
        ["promtool", "check", kind, OBSERVABILITY / name],  # noqa: S607 - found on the PATH, as prometheus is
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_a_cause_for_every_alert() -> None:
    assert {rule["alert"] for rule in rules()} == CAUSES.keys()


async def test_on_a_healthy_busy_stack_no_alert_fires(scene: Scene, prometheus: Prometheus) -> None:
    advertiser, _ = await scene.new_advertiser()
    await advertiser.publish_to_success()
    # Rules that were evaluated before the first scrape saw no service.
    await eventually(prometheus.firing, lambda alerts: not alerts, seconds=SHOWN_SECONDS)
    until = time.monotonic() + HEALTHY_SECONDS
    while time.monotonic() < until:
        await advertiser.publish_to_success()
        assert await prometheus.firing() == set()


async def test_every_query_of_the_dashboard_shows_something_on_a_busy_stack(
    scene: Scene, prometheus: Prometheus
) -> None:
    dashboard = json.loads((OBSERVABILITY / "grafana" / "auto-ads.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert queries
    advertiser, _ = await scene.new_advertiser()
    await advertiser.publish_to_success()

    async def unanswered() -> list[str]:
        return [query for query in queries if not await prometheus.answers(query)]

    await eventually(unanswered, lambda silent: not silent, seconds=SHOWN_SECONDS)


@pytest.mark.parametrize("cause", by_cause, ids=lambda cause: cause.__name__)
async def test_the_alerts_of_a_cause_fire_while_it_is_there(
    scene: Scene, prometheus: Prometheus, cause: Cause
) -> None:
    expected, seen = by_cause[cause], set[str]()
    await eventually(prometheus.firing, lambda alerts: not alerts & expected, seconds=QUIET_SECONDS)

    async def fired() -> set[str]:
        seen.update(await prometheus.firing())
        return seen

    async with cause(scene):
        await eventually(fired, lambda alerts: expected <= alerts, seconds=FIRE_SECONDS)

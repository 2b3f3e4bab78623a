"""The metrics that docs/observability.md lists are those that the processes show, no more and no fewer."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from local_stack.customer import DEMO_SETTINGS, Customer
from local_stack.ports import HOST
from local_stack.stack import Stack

PAGE = Path(__file__).parents[3] / "docs" / "observability.md"
MEASURED_SECONDS = 15.0
"""Gauges are measured every 5 s."""
PROCESSES = {"P": "ads_publisher", "G": "gateway", "M": "meta_auth"}
Shown = dict[str, dict[str, str]]
"""By process, the kind of each metric by name."""


def documented() -> Shown:
    section = PAGE.read_text().partition("## Metrics")[2].partition("\n## ")[0]
    rows = re.findall(
        r"^\| `(\w+)` \| (counter|gauge|histogram) \|[^|]*\| ([PGM ]+) \|", section, re.MULTILINE
    )
    assert len(rows) > 30
    return {
        process: {name: kind for name, kind, by in rows if letter in by.split()}
        for letter, process in PROCESSES.items()
    }


async def shown(stack: Stack) -> Shown:
    ports = {process: getattr(stack.ports, f"{process}_metrics") for process in PROCESSES.values()}
    async with httpx.AsyncClient(trust_env=False) as client:
        pages = {
            process: (await client.get(f"http://{HOST}:{port}/metrics")).text
            for process, port in ports.items()
        }
    return {
        process: {
            family.name + ("_total" if family.type == "counter" else ""): family.type
            for family in text_string_to_metric_families(page)
            if family.name != "target_info"
        }
        for process, page in pages.items()
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack on which somebody has published, synced, and been refused."""
    async with Stack(tmp_path_factory.mktemp("metrics")) as running:
        async with Customer(running.gateway_url) as customer:
            await customer.sign_up_or_log_in("metrics@example.com", "correct horse battery staple")
            await customer.connect()
            await customer.select_first_account()
            await customer.post("/ads/settings", DEMO_SETTINGS)
            assert (await customer.publish())["status"] == "success"
            await customer.post("/ads/sync", {})
        yield running


async def test_the_page_of_each_process_shows_what_the_documentation_lists(stack: Stack) -> None:
    expected, deadline = documented(), time.monotonic() + MEASURED_SECONDS
    while await shown(stack) != expected and time.monotonic() < deadline:  # noqa: ASYNC110 - other processes
        await asyncio.sleep(0.5)
    assert await shown(stack) == expected


async def test_a_publish_is_counted(stack: Stack) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        page = (await client.get(f"http://{HOST}:{stack.ports.ads_publisher_metrics}/metrics")).text
    values = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    for step in ("campaign", "adset"):
        created = (("outcome", "created"), ("step", step))
        assert values["autoads_step_outcomes_total", *created] == 1
    ended = (("error_code", ""), ("job_type", "publish"), ("outcome", "success"))
    assert values["autoads_runs_ended_total", *ended] == 1
    assert values["autoads_run_duration_seconds_count", ("job_type", "publish"), ("outcome", "success")] == 1


async def test_no_metric_is_on_a_public_port(stack: Stack) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"{stack.gateway_url}/metrics")).status_code == 404

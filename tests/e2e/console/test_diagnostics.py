"""Diagnostics: what was searched is said, older runs can be had, and a run goes out as a file."""

import json
from collections.abc import Callable

from e2e_driver import Advertiser
from e2e_person import Person
from playwright.async_api import Locator, expect

NewAccount = Callable[[], str]
NEWEST = 20
"""So many runs the page reads at first."""


async def test_a_failure_older_than_the_runs_shown_is_found_and_not_denied(
    person: Person, advertiser: Advertiser
) -> None:
    failed = await advertiser.publish()
    assert failed["status"] == "failed"
    await advertiser.post("/meta/dev-connect", {})
    for _ in range(NEWEST):
        started = await advertiser.post("/ads/sync", {})
        await advertiser.finished(started["runId"])
    await person.enter_as(advertiser, "/ads/diagnostics")
    await person.reads(f"Loaded runs: {NEWEST}")
    await person.field("Kind").select_option("Publish")
    await person.reads(f"None of the newest {NEWEST} runs match. Older ones are not searched yet.")
    await person.press("Search older runs")
    await person.reads(f"1 of all {NEWEST + 1} runs match.")
    await expect(person.page.get_by_role("row").filter(has_text=failed["errorMessage"])).to_be_visible()
    await person.press("Show all")
    await person.reads("These are all runs.")


async def test_a_failed_run_shows_its_times_and_is_handed_out_as_a_file(
    person: Person, advertiser: Advertiser, new_account: NewAccount
) -> None:
    await advertiser.set_up(new_account())
    run = await advertiser.publish()
    await person.enter_as(advertiser, "/ads/diagnostics")
    await row_of(person, "Failed").get_by_role("link").click()
    await person.is_at(f"/ads/diagnostics/{run['id']}", title="Publish run")
    await person.reads(run["errorMessage"])
    await expect(person.page.get_by_text(f"{run['traceId']}", exact=True)).to_be_visible()
    async with person.page.expect_download() as download:
        await person.press("Download the repro bundle")
    file = await download.value
    assert file.suggested_filename == f"run-{run['id']}.json"
    bundle = json.loads((await file.path()).read_text())
    assert run["id"] in json.dumps(bundle)
    assert bundle.keys() == (await advertiser.get(f"/ads/runs/{run['id']}/bundle")).keys()


def row_of(person: Person, status: str) -> Locator:
    return person.page.get_by_role("row").filter(has_text=status)

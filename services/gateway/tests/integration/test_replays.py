"""A failed run that an operator has opened again, as its owner sees it."""

from typing import Any

from gateway_harness import SETTINGS, Person, Publisher

from contracts.events import RunFailedBody, RunStartedBody, RunStepBody, RunSucceededBody

ACCOUNT = "act_1"
CRASHED: dict[str, Any] = {
    "mode": "real",
    "message": "Something went wrong on our side.",
    "error_code": "INTERNAL",
    "fixed_by": "operator",
}
OBJECTS: dict[str, Any] = {
    "mode": "real",
    "ad_account_id": ACCOUNT,
    "campaign_id": "11",
    "adset_id": "22",
}


async def test_a_replayed_run_is_open_again_and_then_ends_well(person: Person, publisher: Publisher) -> None:
    await person.post("/ads/settings", SETTINGS)
    run = await person.publish()
    await publisher.tell(run, 1, RunStartedBody, mode="real")
    await publisher.tell(run, 2, RunFailedBody, **CRASHED)
    assert (await run.told(2))["errorMessage"] == CRASHED["message"]
    await publisher.tell(run, 3, RunStartedBody, mode="real", replayed=True, message="Started again.")
    opened = await run.told(3)
    assert (opened["status"], opened["errorMessage"], opened["finishedAt"]) == ("running", None, None)
    again = await person.post("/ads/publish", {})
    assert again["runId"] == str(run.run_id), "a second press is the same run"
    await publisher.tell(run, 4, RunSucceededBody, **OBJECTS)
    done = await run.told(4)
    assert (done["status"], done["campaignId"], done["errorMessage"]) == ("success", "11", None)
    assert [step["message"] for step in done["steps"]][2] == "Started again."
    assert (await person.get("/ads/objects"))["campaignId"] == "11"


async def test_beside_an_open_run_a_replayed_one_stays_closed_and_its_end_counts_all_the_same(
    person: Person, publisher: Publisher
) -> None:
    await person.post("/ads/settings", SETTINGS)
    replayed = await person.publish()
    await publisher.tell(replayed, 1, RunFailedBody, **CRASHED)
    await replayed.told(1)
    newer = await person.publish()
    assert newer.run_id != replayed.run_id
    await publisher.tell(replayed, 2, RunStartedBody, mode="real", replayed=True)
    await publisher.tell(replayed, 3, RunStepBody, step="campaign", state="done", campaign_id="11")
    assert (await replayed.told(3))["status"] == "failed"
    await publisher.tell(replayed, 4, RunSucceededBody, **OBJECTS)
    assert (await replayed.told(4))["status"] == "success"
    assert (await newer.read())["status"] == "queued"
    await publisher.tell(newer, 1, RunSucceededBody, **OBJECTS)
    assert (await newer.told(1))["status"] == "success"


async def test_a_customers_sync_does_not_keep_a_replayed_publish_closed(
    person: Person, publisher: Publisher
) -> None:
    await person.post("/ads/settings", SETTINGS)
    run = await person.publish()
    await publisher.tell(run, 1, RunFailedBody, **CRASHED)
    await run.told(1)
    await person.sync()
    await publisher.tell(run, 2, RunStartedBody, mode="real", replayed=True)
    assert (await run.told(2))["status"] == "running"

"""What the publisher reports, written to the real stream, and what a user then sees."""

import random
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from gateway_harness import SETTINGS, Person, Publisher, Run, StartGateway, eventually

from chassis.outbox import STREAM_FIELD
from contracts.events import (
    RESULTS_STREAM,
    ObjectsSyncedBody,
    RunFailedBody,
    RunStartedBody,
    RunStepBody,
    RunSucceededBody,
    RunWaitingBody,
)

ACCOUNT = "act_1"
REFUSED: dict[str, Any] = {
    "mode": "real",
    "message": "100 (sub 1885272): Budget is too low. Raise the budget in Ads → Setup.",
    "hint": "Raise the budget in Ads → Setup.",
    "error_code": "META_100",
    "fixed_by": "user",
    "step": "adset",
    "meta_code": 100,
    "meta_subcode": 1885272,
    "ad_account_id": ACCOUNT,
    "campaign_id": "11",
}


async def _told(publisher: Publisher, run: Run, *bodies: tuple[type[Any], dict[str, Any]]) -> dict[str, Any]:
    """Report pieces of news one after the other; the run once all are there."""
    for version, (body, fields) in enumerate(bodies, start=1):
        await publisher.tell(run, version, body, **fields)
        await run.told(version)
    return await run.read()


def _step(step: str, state: str, **ids: str) -> tuple[type[RunStepBody], dict[str, Any]]:
    return RunStepBody, {"step": step, "state": state, "ad_account_id": ACCOUNT, **ids}


async def _published(publisher: Publisher, person: Person, campaign: str, adset: str, **more: Any) -> Run:
    run = await person.publish()
    fields = {"mode": "real", "ad_account_id": ACCOUNT, "campaign_id": campaign, "adset_id": adset, **more}
    await _told(publisher, run, (RunSucceededBody, fields))
    return run


async def test_a_publish_is_seen_step_by_step(person: Person, publisher: Publisher) -> None:
    await person.post("/ads/settings", SETTINGS)
    run = await person.publish()
    assert (await run.read())["steps"] == []
    started = await _told(publisher, run, (RunStartedBody, {"mode": "real"}))
    assert (started["status"], started["mode"]) == ("running", "real")
    assert started["startedAt"] is not None
    await publisher.tell(
        run, 2, RunStepBody, step="campaign", state="done", ad_account_id=ACCOUNT, campaign_id="11"
    )
    assert (await run.told(2))["campaignId"] == "11"
    objects = await person.get("/ads/objects")
    assert (objects["campaignId"], objects["adsetId"]) == ("11", None), "the id is there before the ad set is"
    assert objects["lastPublishStep"] == "campaign"
    await publisher.tell(run, 3, RunStepBody, step="adset", state="checking", message="Checking with Meta")
    assert (await run.told(3))["hint"] == "Checking with Meta"
    until = datetime.now(UTC)
    await publisher.tell(
        run, 4, RunWaitingBody, step="adset", until=until, message="Waiting for Meta until 10:42"
    )
    waiting = await run.told(4)
    assert (waiting["status"], waiting["hint"]) == ("running", "Waiting for Meta until 10:42")
    await publisher.tell(
        run, 5, RunSucceededBody, mode="real", ad_account_id=ACCOUNT, campaign_id="11", adset_id="22"
    )
    done = await run.told(5)
    assert (done["status"], done["campaignId"], done["adsetId"], done["hint"]) == (
        "success",
        "11",
        "22",
        None,
    )
    assert done["finishedAt"] >= done["startedAt"]
    assert [step["version"] for step in done["steps"]] == [1, 2, 3, 4, 5]
    assert list(done["steps"][1]) == ["version", "type", "step", "state", "message", "at", "data"]
    assert done["steps"][1]["data"] == {"adAccountId": ACCOUNT, "campaignId": "11"}
    objects = await person.http.get("/ads/objects")
    assert objects.text.count('"campaignId":"') == 1
    assert objects.text.count('"adsetId":"') == 1
    assert list(objects.json()) == [
        "id",
        "catalogId",
        "campaignId",
        "adsetId",
        "creativeId",
        "adId",
        "status",
        "lastPublishStep",
        "lastPublishError",
        "lastSyncedAt",
        "createdAt",
        "updatedAt",
    ]
    assert (objects.json()["status"], objects.json()["lastPublishError"]) == ("paused", None)
    status = await person.get("/ads/status")
    assert status["objects"] == objects.json()
    assert status["settings"]["status"] == "ready"
    assert status["settings"]["lastPublishedAt"] is not None


async def test_a_refusal_by_meta_shows_on_run_objects_and_settings_until_the_next_save(
    person: Person, publisher: Publisher
) -> None:
    await person.post("/ads/settings", SETTINGS)
    run = await person.publish()
    failed = await _told(
        publisher, run, _step("campaign", "done", campaign_id="11"), (RunFailedBody, REFUSED)
    )
    assert {
        key: failed[key] for key in ("status", "errorMessage", "hint", "errorCode", "fixedBy", "step")
    } == {
        "status": "failed",
        "errorMessage": REFUSED["message"],
        "hint": REFUSED["hint"],
        "errorCode": "META_100",
        "fixedBy": "user",
        "step": "adset",
    }
    assert failed["steps"][1]["data"]["metaSubcode"] == 1885272
    status = await person.get("/ads/status")
    assert status["objects"]["status"] == "error"
    assert (status["objects"]["campaignId"], status["objects"]["adsetId"]) == ("11", None)
    assert status["objects"]["lastPublishStep"] == "adset"
    assert status["objects"]["lastPublishError"] == REFUSED["message"]
    assert (status["settings"]["status"], status["settings"]["lastError"]) == ("error", REFUSED["message"])
    saved = await person.post("/ads/settings", SETTINGS)
    assert (saved["status"], saved["lastError"]) == ("ready", None)


async def test_the_next_success_clears_the_error(person: Person, publisher: Publisher) -> None:
    await person.post("/ads/settings", SETTINGS)
    run = await person.publish()
    await _told(publisher, run, (RunFailedBody, REFUSED))
    await _published(publisher, person, "11", "22")
    status = await person.get("/ads/status")
    assert (status["settings"]["status"], status["settings"]["lastError"]) == ("ready", None)
    assert (status["objects"]["status"], status["objects"]["lastPublishError"]) == ("paused", None)
    assert [entry["status"] for entry in status["lastRuns"]] == ["success", "failed"]


async def test_a_refused_campaign_shows_an_error_without_ids(person: Person, publisher: Publisher) -> None:
    run = await person.publish()
    fields = {**REFUSED, "step": "campaign", "campaign_id": None}
    await _told(publisher, run, (RunFailedBody, fields))
    objects = await person.get("/ads/objects")
    assert (objects["status"], objects["campaignId"]) == ("error", None)
    assert objects["lastPublishStep"] == "campaign"


async def test_a_missing_prerequisite_fails_the_run_and_leaves_the_objects_alone(
    person: Person, publisher: Publisher
) -> None:
    text = "No ad account selected. Select an ad account in Settings → Meta."
    missing = {
        "mode": "real",
        "message": text,
        "error_code": "MISSING_PREREQUISITE",
        "fixed_by": "user",
        "step": "connection",
    }
    run = await person.publish()
    failed = await _told(publisher, run, (RunFailedBody, missing))
    assert (failed["status"], failed["errorMessage"]) == ("failed", text)
    assert await person.get("/ads/objects") is None
    await person.post("/ads/settings", SETTINGS)
    await _published(publisher, person, "11", "22")
    run = await person.publish()
    await _told(publisher, run, (RunFailedBody, missing))
    status = await person.get("/ads/status")
    assert status["objects"]["status"] == "paused"
    assert (status["settings"]["status"], status["settings"]["lastError"]) == ("ready", text)


async def test_a_draft_saved_while_a_publish_ran_stays_a_draft(person: Person, publisher: Publisher) -> None:
    await person.post("/ads/settings", SETTINGS)
    run = await person.publish()
    await person.post("/ads/settings", {**SETTINGS, "geoRadiusKm": None})
    await _told(publisher, run, (RunSucceededBody, {"mode": "real", "campaign_id": "1", "adset_id": "2"}))
    settings = (await person.get("/ads/status"))["settings"]
    assert settings["status"] == "draft"
    assert settings["lastPublishedAt"] is not None


async def test_a_simulation_shows_its_placeholders_and_a_real_publish_replaces_them_all(
    person: Person, publisher: Publisher
) -> None:
    short = person.me["customerId"][:8]
    run = await person.publish()
    ids = {f"{kind}_id": f"dev-{kind}-{short}" for kind in ("campaign", "adset", "ad", "catalog")}
    await _told(publisher, run, (RunSucceededBody, {"mode": "sim", **ids}))
    objects = await person.get("/ads/objects")
    assert objects["campaignId"] == f"dev-campaign-{short}"
    assert objects["adsetId"] == f"dev-adset-{short}"
    assert objects["adId"] == f"dev-ad-{short}"
    assert objects["catalogId"] == f"dev-catalog-{short}"
    assert objects["status"] == "paused"
    run = await person.publish()
    await _told(
        publisher, run, (RunStartedBody, {"mode": "real"}), _step("campaign", "done", campaign_id="11")
    )
    objects = await person.get("/ads/objects")
    assert [objects[key] for key in ("campaignId", "adsetId", "adId", "catalogId")] == [
        "11",
        None,
        None,
        None,
    ]


async def test_ids_of_another_ad_account_do_not_stay(person: Person, publisher: Publisher) -> None:
    await _published(publisher, person, "11", "22")
    run = await person.publish()
    elsewhere = {"step": "campaign", "state": "done", "ad_account_id": "act_2", "campaign_id": "33"}
    await _told(publisher, run, (RunStartedBody, {"mode": "real"}), (RunStepBody, elsewhere))
    objects = await person.get("/ads/objects")
    assert (objects["campaignId"], objects["adsetId"]) == ("33", None)


async def test_a_sync_says_what_is_gone_and_what_meta_says(person: Person, publisher: Publisher) -> None:
    await person.post("/ads/settings", SETTINGS)
    await _published(publisher, person, "11", "22")
    cases = [
        (
            {"campaign_id": "11", "adset_id": "22", "campaign_status": "PAUSED", "adset_status": "PAUSED"},
            "paused",
        ),
        (
            {"campaign_id": "11", "adset_id": "22", "campaign_status": "ACTIVE", "adset_status": "ACTIVE"},
            "active",
        ),
        (
            {"campaign_id": "11", "adset_id": "22", "campaign_status": "ACTIVE", "adset_status": "PAUSED"},
            "paused",
        ),
        ({"campaign_id": "11", "adset_id": None, "campaign_status": "PAUSED"}, "error"),
        ({"campaign_id": None, "adset_id": None}, "error"),
    ]
    for fields, expected in cases:
        run = await person.sync()
        ids = {key: fields.get(key) for key in ("campaign_id", "adset_id")}
        done = await _told(
            publisher,
            run,
            (RunStartedBody, {"mode": "real"}),
            (ObjectsSyncedBody, {"ad_account_id": ACCOUNT, **fields}),
            (RunSucceededBody, {"mode": "real", **ids}),
        )
        assert (done["status"], done["jobType"]) == ("success", "sync")
        objects = await person.get("/ads/objects")
        assert (objects["campaignId"], objects["adsetId"]) == (fields["campaign_id"], fields["adset_id"])
        assert objects["status"] == expected
        assert objects["lastSyncedAt"] is not None
    assert (await person.get("/ads/status"))["settings"]["lastSyncedAt"] is not None


async def test_a_failed_sync_changes_neither_objects_nor_settings(
    person: Person, publisher: Publisher
) -> None:
    await person.post("/ads/settings", SETTINGS)
    await _published(publisher, person, "11", "22")
    before = await person.get("/ads/status")
    run = await person.sync()
    await _told(publisher, run, (RunFailedBody, {**REFUSED, "step": "sync"}))
    after = await person.get("/ads/status")
    assert (after["objects"], after["settings"]) == (before["objects"], before["settings"])


async def test_a_synced_report_that_comes_after_the_end_still_counts(
    person: Person, publisher: Publisher
) -> None:
    await _published(publisher, person, "11", "22")
    run = await person.sync()
    synced = publisher.event(
        run, 1, ObjectsSyncedBody, ad_account_id=ACCOUNT, campaign_id="11", campaign_status="PAUSED"
    )
    await publisher.tell(run, 2, RunSucceededBody, mode="real", campaign_id="11")
    await run.told(1)
    await publisher.send(synced)
    await run.told(2)
    assert (await person.get("/ads/objects"))["adsetId"] is None


@pytest.mark.parametrize("seed", range(5))
async def test_news_in_any_order_and_many_times_leads_to_the_same_end(
    person: Person, publisher: Publisher, seed: int
) -> None:
    await person.post("/ads/settings", SETTINGS)
    run = await person.publish()
    news = [
        publisher.event(run, 1, RunStartedBody, mode="real"),
        publisher.event(run, 2, RunStepBody, **_step("campaign", "started")[1]),
        publisher.event(run, 3, RunStepBody, **_step("campaign", "done", campaign_id="11")[1]),
        publisher.event(run, 4, RunStepBody, **_step("adset", "done", adset_id="22")[1]),
        publisher.event(
            run, 5, RunSucceededBody, mode="real", ad_account_id=ACCOUNT, campaign_id="11", adset_id="22"
        ),
    ]
    deliveries = news * 3
    random.Random(seed).shuffle(deliveries)  # noqa: S311 - an order, not a secret
    await publisher.send(*deliveries)
    done = await run.told(5)
    assert done["status"] == "success"
    assert [step["version"] for step in done["steps"]] == [1, 2, 3, 4, 5]
    objects = await person.get("/ads/objects")
    assert (objects["campaignId"], objects["adsetId"], objects["status"]) == ("11", "22", "paused")
    await publisher.send(*news)
    await publisher.tell(run, 6, RunFailedBody, **REFUSED)
    assert (await run.told(6))["status"] == "success", "an end is the end"


async def test_news_of_an_unknown_run_and_of_a_foreign_one_changes_nothing(
    person: Person, other: Person, publisher: Publisher
) -> None:
    run = await person.publish()
    foreign = publisher.event(run, 1, RunFailedBody, **REFUSED).model_copy(
        update={"customerid": other.customer}
    )
    unknown = publisher.event(
        Run(person=person, run_id=uuid4(), job_id=uuid4()), 1, RunStartedBody, mode="real"
    )
    await publisher.send(foreign, unknown)
    await publisher.tell(run, 2, RunStartedBody, mode="real")
    assert [step["version"] for step in (await run.told(1))["steps"]] == [2]
    assert (await run.read())["status"] == "running"


async def test_an_unreadable_entry_goes_to_the_dead_stream_and_holds_nobody_up(
    person: Person, publisher: Publisher
) -> None:
    run = await person.publish()
    before = await publisher.redis.xlen(f"{RESULTS_STREAM}.dead")
    for body in (b"not json", b"{}", b'{"type":"RUN_EXPLODED"}'):
        await publisher.redis.xadd(RESULTS_STREAM, {STREAM_FIELD: body})
    await publisher.tell(run, 1, RunStartedBody, mode="real")
    await run.told(1)

    async def dead() -> int:
        return int(await publisher.redis.xlen(f"{RESULTS_STREAM}.dead"))

    await eventually(dead, lambda count: count == before + 3)


async def test_two_gateways_share_the_work_and_a_command_is_not_doubled(
    start_gateway: StartGateway, person: Person, publisher: Publisher
) -> None:
    second = start_gateway(RERING_AFTER_SECONDS="600")
    async with second.client(cookies=person.http.cookies) as client:
        client.headers["x-customer-id"] = person.me["customerId"]
        run = await person.publish()
        assert (await client.post("/ads/publish", json={})).json()["runId"] == str(run.run_id)
        await publisher.tell(run, 1, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
        await run.until(lambda seen: seen["status"] == "success")
        assert (await client.get("/ads/objects")).json()["campaignId"] == "1"
    assert len(await eventually(lambda: publisher.commands(run), bool)) == 1

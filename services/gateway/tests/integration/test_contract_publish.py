"""`/ads/publish`, `/ads/sync`, and the lists of runs."""

import asyncio
import json
import re
from uuid import UUID, uuid4

import pytest
from gateway_harness import SETTINGS, Person, Publisher, Run, eventually

from chassis.database import Connection
from contracts.events import AdsPublish, AdsSync, RunStartedBody, RunSucceededBody

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
RUN_KEYS = ["id", "trigger", "status", "startedAt", "finishedAt", "errorMessage", "createdAt"]


# --- publish and sync


async def test_a_publish_is_accepted_and_put_on_the_stream_with_what_was_saved(
    person: Person, publisher: Publisher, admin: Connection
) -> None:
    await admin.execute(
        "INSERT INTO meta_connections_view VALUES ($1, 1, 'connected', '1', 'act_77', 'SEK', 1000)",
        person.me["customerId"],
    )
    await person.post("/ads/settings", SETTINGS)
    answer = await person.http.post(
        "/ads/publish", json={}, headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    )
    assert answer.status_code == 201
    assert list(answer.json()) == ["runId", "jobId"]
    run = Run(person=person, run_id=UUID(answer.json()["runId"]), job_id=UUID(answer.json()["jobId"]))
    [command] = await eventually(lambda: publisher.commands(run), bool)
    assert isinstance(command, AdsPublish)
    assert (command.id, command.subject, command.customerid) == (run.job_id, str(run.run_id), person.customer)
    assert command.data.settings is not None
    assert command.data.settings.formats == ("feed", "stories")
    assert command.data.settings.budget_override == 3000
    assert command.data.ad_account_id == "act_77"
    assert command.traceparent is not None
    assert command.traceparent.startswith(f"00-{'a' * 32}-"), "the caller's trace goes on"
    assert (await run.read())["traceId"] == "a" * 32


async def test_prerequisites_are_not_checked_when_publishing(person: Person, publisher: Publisher) -> None:
    run = await person.publish()
    [command] = await eventually(lambda: publisher.commands(run), bool)
    assert isinstance(command, AdsPublish)
    assert command.data.settings is None


async def test_a_second_press_is_the_same_run_until_it_ends(person: Person, publisher: Publisher) -> None:
    run = await person.publish()
    expected = f'{{"runId":"{run.run_id}","jobId":"{run.job_id}","deduped":true}}'
    for _ in range(2):
        again = await person.http.post("/ads/publish", json={})
        assert (again.status_code, again.text) == (200, expected)
    await publisher.tell(run, 1, RunStartedBody, mode="real")
    await run.until(lambda seen: seen["status"] == "running")
    assert (await person.http.post("/ads/publish", json={})).text == expected
    await publisher.tell(run, 2, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
    await run.until(lambda seen: seen["status"] == "success")
    assert (await person.publish()).run_id != run.run_id


async def test_twenty_presses_at_once_are_one_run_and_one_command(
    person: Person, publisher: Publisher, admin: Connection
) -> None:
    answers = await asyncio.gather(*(person.http.post("/ads/publish", json={}) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    [run_id] = {answer.json()["runId"] for answer in answers}
    count = await admin.fetchval("SELECT count(*) FROM outbox WHERE subject = $1", run_id)
    assert count == 1


async def test_a_sync_is_not_swallowed_by_a_queued_publish_nor_the_other_way_round(
    person: Person, publisher: Publisher
) -> None:
    published, synced = await person.publish(), await person.sync()
    assert published.run_id != synced.run_id
    [command] = await eventually(lambda: publisher.commands(synced), bool)
    assert isinstance(command, AdsSync)
    again = await person.post("/ads/sync", {}, status=200)
    assert again == {"runId": str(synced.run_id), "jobId": str(synced.job_id), "deduped": True}


async def test_two_customers_publish_independently(person: Person, other: Person) -> None:
    assert (await person.publish()).run_id != (await other.publish()).run_id


async def test_the_same_key_gets_the_same_answer_even_after_the_run_has_ended(
    person: Person, publisher: Publisher
) -> None:
    key = {"idempotency-key": f"key {uuid4()}"}
    first = await person.http.post("/ads/publish", json={}, headers=key)
    assert first.status_code == 201
    assert "idempotency-replayed" not in first.headers
    run = Run(person=person, run_id=UUID(first.json()["runId"]), job_id=UUID(first.json()["jobId"]))
    await publisher.finish(run)
    again = await person.http.post(
        "/ads/publish", content=b" { } ", headers={**key, "content-type": "application/json"}
    )
    assert (again.status_code, again.text) == (first.status_code, first.text)
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await person.get("/ads/runs"))["data"]) == 1


async def test_a_deduped_answer_is_kept_with_its_key_too(person: Person) -> None:
    run = await person.publish()
    key = {"idempotency-key": str(uuid4())}
    answers = [await person.http.post("/ads/publish", json={}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].text == answers[1].text
    assert answers[0].json() == {"runId": str(run.run_id), "jobId": str(run.job_id), "deduped": True}


async def test_the_same_key_with_another_body_or_route_is_a_conflict(person: Person) -> None:
    key = {"idempotency-key": str(uuid4())}
    assert (await person.http.post("/ads/publish", json={}, headers=key)).status_code == 201
    for path, body in (("/ads/publish", {"x": 1}), ("/ads/sync", {})):
        answer = await person.http.post(path, json=body, headers=key)
        assert answer.status_code == 409
        assert answer.json()["error"] == "CONFLICT"
        assert answer.json()["message"] == "This Idempotency-Key was used for another request"


async def test_one_key_ten_times_at_once_is_one_run_and_one_answer(person: Person) -> None:
    key = {"idempotency-key": str(uuid4())}
    answers = await asyncio.gather(
        *(person.http.post("/ads/publish", json={}, headers=key) for _ in range(10))
    )
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}


async def test_keys_of_two_customers_do_not_meet(person: Person, other: Person) -> None:
    key = {"idempotency-key": "the same"}
    one = await person.http.post("/ads/publish", json={}, headers=key)
    two = await other.http.post("/ads/publish", json={}, headers=key)
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json()["runId"] != two.json()["runId"]


@pytest.mark.parametrize("key", ["k" * 201, "clé", "a\tb"])
async def test_an_unusable_key_is_refused(reader: Person, key: str) -> None:
    headers = [(b"idempotency-key", key.encode("latin-1"))]
    answer = await reader.http.post("/ads/sync", json={}, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == "VALIDATION_ERROR"
    assert "Idempotency-Key" in answer.json()["message"]


async def test_a_refused_body_leaves_no_run_and_no_key(person: Person) -> None:
    key = {"idempotency-key": str(uuid4())}
    answer = await person.http.post("/ads/publish", json=["budget"], headers=key)
    assert answer.status_code == 400
    assert (await person.get("/ads/runs"))["data"] == []
    assert (await person.http.post("/ads/publish", json={}, headers=key)).status_code == 201


# --- runs


async def test_the_list_of_runs_begins_with_the_newest_and_its_fields_in_order(
    person: Person, publisher: Publisher
) -> None:
    first = await person.publish()
    await publisher.finish(first)
    second = await person.publish()
    answer = await person.http.get("/ads/runs")
    assert answer.text.startswith(f'{{"data":[{{"id":"{second.run_id}","trigger":"manual","status":"queued",')
    rows = answer.json()["data"]
    assert [list(row)[:7] for row in rows] == [RUN_KEYS, RUN_KEYS]
    assert rows[0]["jobId"] == str(second.job_id)
    assert (rows[0]["startedAt"], rows[0]["errorMessage"]) == (None, None)
    assert rows[1]["status"] == "success"
    assert all(TIME.fullmatch(rows[1][key]) for key in ("startedAt", "finishedAt", "createdAt"))
    assert "nextBefore" not in answer.json()


async def test_pages_of_runs_follow_each_other_without_gap_or_repetition(
    person: Person, publisher: Publisher
) -> None:
    expected = []
    for _ in range(5):
        run = await person.publish()
        await publisher.finish(run)
        expected.insert(0, str(run.run_id))
    seen: list[str] = []
    query = "/ads/runs?limit=2"
    for _ in range(3):
        page = await person.get(query)
        seen += [run["id"] for run in page["data"]]
        query = f"/ads/runs?limit=2&before={page.get('nextBefore')}"
    assert seen == expected
    assert "nextBefore" not in page


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "", "1e3", "99999999999999999999"])
@pytest.mark.parametrize("path", ["/ads/runs?", "/runs?type=ads&"])
async def test_a_junk_limit_is_a_400(reader: Person, path: str, limit: str) -> None:
    answer = await reader.http.get(f"{path}limit={limit}")
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")
    assert answer.json()["issues"][0]["path"] == ["limit"]


@pytest.mark.parametrize("limit", ["1", "200"])
async def test_limits_from_1_to_200_work(reader: Person, limit: str) -> None:
    await reader.get(f"/ads/runs?limit={limit}")


async def test_a_cursor_that_is_not_a_run_of_yours_is_refused(person: Person, other: Person) -> None:
    foreign = await other.publish()
    for cursor, status in ((foreign.run_id, 404), (uuid4(), 404), ("x", 400)):
        assert (await person.http.get(f"/ads/runs?before={cursor}")).status_code == status


async def test_a_run_of_another_customer_is_as_unknown_as_any(person: Person, other: Person) -> None:
    foreign = await other.publish()
    answers = [
        await person.http.get(f"/ads/runs/{run_id}")
        for run_id in (foreign.run_id, uuid4(), "nonsense", "%00")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (404, '{"error":"NOT_FOUND","message":"Run not found","hint":"List your runs with GET /ads/runs."}')
    }


async def test_all_runs_are_the_same_rows_with_their_kind(person: Person) -> None:
    await person.publish()
    [row] = (await person.get("/runs?type=ads&limit=5"))["data"]
    [ads_row] = (await person.get("/ads/runs"))["data"]
    assert row == {**ads_row, "type": "ads", "inventorySourceId": None, "templateConfigId": None}


@pytest.mark.parametrize("query", ["type=inventory", "type=", ""])
async def test_another_kind_of_runs_is_a_400(reader: Person, query: str) -> None:
    answer = await reader.http.get(f"/runs?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, "VALIDATION_ERROR")


async def test_objects_are_null_before_the_first_publish(person: Person) -> None:
    answer = await person.http.get("/ads/objects")
    assert (answer.status_code, answer.text) == (200, "null")


async def test_publishes_are_in_the_audit_log_once_each(person: Person, admin: Connection) -> None:
    run = await person.publish()
    await person.http.post("/ads/publish", json={})
    rows = await admin.fetch(
        "SELECT detail FROM audit_log WHERE customer_id = $1 AND action = 'ads_publish'",
        person.me["customerId"],
    )
    assert [json.loads(row["detail"]) for row in rows] == [{"run_id": str(run.run_id)}]


async def test_a_bundle_that_no_publisher_can_make_now_is_worth_another_try(person: Person) -> None:
    run = await person.publish()
    answer = await person.http.get(f"/ads/runs/{run.run_id}/bundle")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json() == {
        "error": "UNAVAILABLE",
        "message": "The publisher does not answer",
        "hint": "Try again in a moment.",
    }

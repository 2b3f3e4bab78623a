"""`GET /ads/runs/{id}/events`: what a client that follows a run gets, and what ends it."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from event_client import Stream, opened, path_of
from gateway_harness import Gateway, NewPerson, Person, Publisher, Run, StartGateway, eventually

from chassis.database import Connection
from contracts.events import RunFailedBody, RunStartedBody, RunStepBody, RunSucceededBody, RunWaitingBody

GAP_IS_OLD = "UPDATE ad_run_steps SET recorded_at = now() - interval '11 s' WHERE run_id = $1"
NOTIFY = "SELECT pg_notify('ad_run_news_gateway_tested', $1)"


@pytest.fixture(scope="session")
def quick_gateway(start_gateway: StartGateway) -> Gateway:
    """A gateway with frequent heartbeats and few places, which logs every look."""
    return start_gateway(
        RERING_AFTER_SECONDS="600",
        LOG_LEVEL="DEBUG",
        EVENT_HEARTBEAT_SECONDS="0.2",
        EVENT_STREAMS="3",
        EVENT_STREAMS_PER_CUSTOMER="2",
    )


async def _tell_a_whole_run(publisher: Publisher, run: Run) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    await publisher.tell(run, 1, RunStartedBody, mode="real")
    await publisher.tell(run, 2, RunStepBody, step="campaign", state="started")
    await publisher.tell(run, 3, RunWaitingBody, step="campaign", until=until, message="Waiting for Meta.")
    await publisher.tell(run, 4, RunStepBody, step="campaign", state="done", campaign_id="11")
    await publisher.tell(run, 5, RunSucceededBody, mode="real", campaign_id="11", adset_id="22")


async def test_a_client_sees_each_entry_as_it_comes_then_the_end_and_the_stream_is_over(
    person: Person, publisher: Publisher
) -> None:
    run = await person.publish()
    async with opened(person.http, run.run_id) as stream:
        first = await stream.next()
        assert first.fields == {"retry": "2000"}
        seen = []
        async with asyncio.timeout(4):  # the poll alone would not find one in this time
            for version in range(1, 4):
                await publisher.tell(run, version, RunStepBody, step="campaign", state="note")
                seen.append(await stream.next())
        assert [event.event_id for event in seen] == ["1", "2", "3"]
        await publisher.tell(run, 4, RunSucceededBody, mode="real", campaign_id="11", adset_id="22")
        last, end = await stream.rest()
    assert (last.name, last.event_id, last.data["type"]) == ("step", "4", "RUN_SUCCEEDED")
    assert (end.name, end.event_id) == ("end", None)
    assert end.data == (await person.get("/ads/runs?limit=1"))["data"][0]


async def test_a_late_client_gets_the_timeline_of_the_run_as_those_who_poll_see_it(
    person: Person, publisher: Publisher
) -> None:
    run = await person.publish()
    await _tell_a_whole_run(publisher, run)
    polled = await run.until(lambda seen: seen["status"] == "success" and len(seen["steps"]) == 5)
    async with opened(person.http, run.run_id) as stream:
        events = await stream.named()
    assert [event.data for event in events[:-1]] == polled["steps"]
    assert {event.name for event in events[:-1]} == {"step"}
    waiting = polled["steps"][2]
    assert waiting["message"] == "Waiting for Meta."
    assert waiting["data"]["until"].endswith("Z"), "the next look at Meta"


async def test_headers_forbid_keeping_and_buffering_and_let_the_frontend_read(
    person: Person, publisher: Publisher
) -> None:
    run = await person.publish()
    await publisher.finish(run)
    origin = {"origin": "http://localhost:3000"}
    answer = await person.http.get(path_of(run.run_id), headers=origin)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["access-control-allow-origin"] == origin["origin"]
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("after", range(6))
async def test_the_last_event_id_replays_what_follows_and_nothing_twice(
    person: Person, publisher: Publisher, after: int
) -> None:
    run = await person.publish()
    await _tell_a_whole_run(publisher, run)
    await run.told(5)
    async with opened(person.http, run.run_id, after=str(after)) as stream:
        events = await stream.named()
    assert [event.event_id for event in events] == [*map(str, range(after + 1, 6)), None]


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "", "1 2", "9" * 10, "٣".encode(), "2"])
async def test_an_id_that_is_no_event_of_the_run_is_refused_with_a_hint(
    person: Person, publisher: Publisher, after: str | bytes
) -> None:
    run = await person.publish()
    await publisher.tell(run, 1, RunStartedBody, mode="real")
    await run.told(1)
    answer = await person.http.get(path_of(run.run_id), headers=[(b"last-event-id", _bytes(after))])
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "VALIDATION_ERROR",
        "message": "Last-Event-ID must be the id of an event of this run",
        "hint": "Leave it out to get the whole timeline.",
    }


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


@pytest.mark.parametrize("order", [(3, 2, 1, 4), (2, 1, 4, 3), (4, 3, 2, 1)])
async def test_late_news_is_waited_for_and_put_in_its_place(
    person: Person, publisher: Publisher, order: tuple[int, ...]
) -> None:
    run = await person.publish()
    async with opened(person.http, run.run_id) as stream:
        for count, version in enumerate(order, start=1):
            if version == 4:
                await publisher.tell(run, 4, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
            else:
                await publisher.tell(run, version, RunStepBody, step="campaign", state="note")
            await run.told(count)
        events = await stream.named()
    assert [event.event_id for event in events] == ["1", "2", "3", "4", None]


async def test_a_gap_that_never_fills_does_not_hold_the_stream_up_for_ever(
    person: Person, publisher: Publisher, admin: Connection
) -> None:
    run = await person.publish()
    async with opened(person.http, run.run_id) as stream:
        await publisher.tell(run, 1, RunStartedBody, mode="real")
        assert (await stream.next_named()).event_id == "1"
        await publisher.tell(run, 3, RunStepBody, step="campaign", state="note")
        await run.told(2)
        following = asyncio.create_task(stream.next_named())
        held, _ = await asyncio.wait([following], timeout=1)
        assert not held, "what is behind the gap waits"
        await admin.execute(GAP_IS_OLD, run.run_id)
        await admin.execute(NOTIFY, str(run.run_id))
        assert (await following).event_id == "3"
        await publisher.tell(run, 2, RunStepBody, step="campaign", state="note")
        await run.told(3)
        await publisher.tell(run, 4, RunFailedBody, mode="real", error_code="META_1", message="No.")
        assert [event.event_id for event in await stream.named()] == ["4", None]
    async with opened(person.http, run.run_id, after="3") as again:
        assert [event.event_id for event in await again.named()] == ["4", None]
    async with opened(person.http, run.run_id) as fresh:
        assert [event.event_id for event in await fresh.named()] == ["1", "2", "3", "4", None]


async def test_a_gap_is_given_up_by_the_stream_itself_when_nobody_notifies_it(
    person: Person, publisher: Publisher
) -> None:
    run = await person.publish()
    async with opened(person.http, run.run_id) as stream:
        await publisher.tell(run, 2, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
        sent = asyncio.get_running_loop().time()
        events = await stream.named()
    assert [event.event_id for event in events] == ["2", None]
    assert 9 < asyncio.get_running_loop().time() - sent < 14


async def test_the_streams_poll_finds_what_no_notification_told(person: Person, admin: Connection) -> None:
    run = await person.publish()
    async with opened(person.http, run.run_id) as stream:
        assert (await stream.next()).fields == {"retry": "2000"}
        await admin.execute(
            "INSERT INTO ad_run_steps (run_id, version, type, message, at, data)"
            " VALUES ($1, 1, 'RUN_STARTED', 'unheard of', now(), '{}')",
            run.run_id,
        )
        async with asyncio.timeout(9):  # a heartbeat would look too, but later
            assert (await stream.next_named()).data["message"] == "unheard of"


async def test_the_listening_connection_is_made_again_when_it_is_lost(
    person: Person, publisher: Publisher, admin: Connection
) -> None:
    run = await person.publish()
    doorbells = "FROM pg_stat_activity WHERE application_name = 'doorbell' AND datname = current_database()"
    before = {row["pid"] for row in await admin.fetch(f"SELECT pid {doorbells}")}
    async with opened(person.http, run.run_id) as stream:
        await admin.execute(f"SELECT pg_terminate_backend(pid) {doorbells}")
        await publisher.tell(run, 1, RunStartedBody, mode="real")
        assert (await stream.next_named()).event_id == "1"

        async def pids() -> set[int]:
            return {row["pid"] for row in await admin.fetch(f"SELECT pid {doorbells} AND state = 'idle'")}

        await eventually(pids, lambda found: len(found) == len(before) and not found & before)


async def test_heartbeats_are_comments_and_come_while_nothing_happens(
    quick_gateway: Gateway, new_person: NewPerson
) -> None:
    person = await new_person(quick_gateway)
    run = await person.publish()
    async with opened(person.http, run.run_id) as stream:
        await stream.next()
        beats = [await stream.next() for _ in range(3)]
    assert [beat.fields for beat in beats] == [{"": "heartbeat"}] * 3


async def test_a_replayed_run_can_be_followed_again_from_where_it_had_failed(
    person: Person, publisher: Publisher
) -> None:
    run = await person.publish()
    await publisher.tell(run, 1, RunFailedBody, mode="real", error_code="INTERNAL", message="Our fault.")
    async with opened(person.http, run.run_id) as stream:
        assert [event.event_id for event in await stream.named()] == ["1", None]
    await publisher.tell(run, 2, RunStartedBody, mode="real", replayed=True)
    await run.until(lambda seen: seen["status"] == "running")
    async with opened(person.http, run.run_id, after="1") as stream:
        assert (await stream.next_named()).event_id == "2"
        await publisher.tell(run, 3, RunSucceededBody, mode="real", campaign_id="1", adset_id="2")
        assert [event.event_id for event in await stream.named()] == ["3", None]


async def _refusal(client: httpx.AsyncClient, run_id: UUID, **options: Any) -> tuple[int, dict[str, Any]]:
    answer = await client.get(path_of(run_id), **options)
    return answer.status_code, answer.json()


async def test_the_customer_may_be_named_in_the_query_as_an_event_source_must(
    person: Person, publisher: Publisher
) -> None:
    run = await person.publish()
    await publisher.finish(run)
    del person.http.headers["x-customer-id"]
    for name in (str(person.customer), str(person.customer).upper()):
        async with opened(person.http, run.run_id, params={"customerId": name}) as stream:
            assert (await stream.named())[-1].name == "end"


@pytest.mark.parametrize("where", ["header", "query"])
async def test_the_guard_says_the_same_whichever_way_the_customer_is_named(
    person: Person, other: Person, where: str
) -> None:
    run = await person.publish()
    del person.http.headers["x-customer-id"]

    def named(value: str) -> dict[str, Any]:
        return (
            {"headers": {"x-customer-id": value}} if where == "header" else {"params": {"customerId": value}}
        )

    missing = "Missing or invalid x-customer-id header (UUID required)"
    foreign = "Session customerId does not match x-customer-id header"
    for options in ({}, named(""), named("nonsense"), named(f"{person.customer}x")):
        status, body = await _refusal(person.http, run.run_id, **options)
        assert (status, body["message"], body["error"]["code"]) == (401, missing, "UNAUTHORIZED"), options
    for someone in (other.customer, uuid4()):
        status, body = await _refusal(person.http, run.run_id, **named(str(someone)))
        assert (status, body["message"], body["error"]["code"]) == (403, foreign, "FORBIDDEN")


async def test_a_header_and_a_parameter_that_differ_are_refused(person: Person, other: Person) -> None:
    run = await person.publish()
    for header, parameter in ((person, other), (other, person)):
        status, body = await _refusal(
            person.http,
            run.run_id,
            headers={"x-customer-id": str(header.customer)},
            params={"customerId": str(parameter.customer)},
        )
        assert (status, body["error"]["code"]) == (403, "FORBIDDEN")


async def test_no_other_route_takes_the_customer_from_the_query(person: Person) -> None:
    run = await person.publish()
    del person.http.headers["x-customer-id"]
    answer = await person.http.get(f"/ads/runs/{run.run_id}", params={"customerId": str(person.customer)})
    assert answer.status_code == 401


async def test_a_foreign_run_and_an_unknown_one_are_not_found_as_when_polled(
    person: Person, other: Person
) -> None:
    foreign = await other.publish()
    for run_id in (foreign.run_id, uuid4(), "nonsense"):
        polled = await person.http.get(f"/ads/runs/{run_id}")
        followed = await person.http.get(f"/ads/runs/{run_id}/events")
        assert (followed.status_code, followed.json()) == (404, polled.json())


async def test_the_stream_ends_when_its_session_does(quick_gateway: Gateway, new_person: NewPerson) -> None:
    person = await new_person(quick_gateway)
    run = await person.publish()
    async with opened(person.http, run.run_id) as stream:
        await stream.next()
        cookie = {"cookie": f"session={person.cookie}"}
        await person.post("/auth/logout", {})
        assert [event.name for event in await stream.rest() if event.name] == []
    status, body = await _refusal(person.http, run.run_id, headers=cookie)
    assert (status, body["message"]) == (401, "Session expired or invalid")


async def _open(stack: AsyncExitStack, person: Person, run: Run) -> Stream:
    stream = await stack.enter_async_context(opened(person.http, run.run_id))
    await stream.next()
    return stream


async def test_open_streams_are_bounded_by_customer_and_by_process_and_a_closed_one_frees_its_place(
    quick_gateway: Gateway, new_person: NewPerson
) -> None:
    one, two = await new_person(quick_gateway), await new_person(quick_gateway)
    of_one, of_two = await one.publish(), await two.publish()

    async def refused(person: Person, run: Run) -> str:
        answer = await person.http.get(path_of(run.run_id))
        assert (answer.status_code, answer.json()["error"]) == (429, "RATE_LIMITED")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["hint"]
        return str(answer.json()["message"])

    async with AsyncExitStack() as stack:
        for _ in range(2):
            await _open(stack, one, of_one)
        assert await refused(one, of_one) == "This customer follows too many runs at once"
        await _open(stack, two, of_two)
        assert await refused(two, of_two) == "Too many event streams are open"
    async with AsyncExitStack() as stack:

        async def opens_again() -> bool:
            try:
                await _open(stack, two, of_two)
            except AssertionError:
                return False
            return True

        await eventually(opens_again, bool)


async def test_one_that_is_refused_takes_no_place(quick_gateway: Gateway, new_person: NewPerson) -> None:
    person = await new_person(quick_gateway)
    run = await person.publish()
    for _ in range(5):
        assert (await person.http.get(path_of(uuid4()))).status_code == 404
        assert (await _refusal(person.http, run.run_id, headers={"last-event-id": "x"}))[0] == 400

    async def opens() -> bool:
        answer = await person.http.send(person.http.build_request("GET", path_of(run.run_id)), stream=True)
        await answer.aclose()
        return answer.status_code == 200

    assert await opens()


async def test_the_access_log_has_one_line_for_a_stream_without_its_query(
    quick_gateway: Gateway, new_person: NewPerson, publisher: Publisher
) -> None:
    person = await new_person(quick_gateway)
    run = await person.publish()
    await publisher.finish(run)
    async with opened(person.http, run.run_id, params={"customerId": str(person.customer)}) as stream:
        await stream.rest()

    async def lines() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in quick_gateway.log.read_text().splitlines() if "{" in line]
        return [line for line in found if line.get("path") == path_of(run.run_id)]

    (line,) = await eventually(lines, lambda found: len(found) == 1)
    assert (line["event"], line["status"], line["method"]) == ("http_request", 200, "GET")
    assert "customerId" not in quick_gateway.log.read_text()

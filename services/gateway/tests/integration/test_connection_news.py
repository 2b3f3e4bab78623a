"""What meta-auth tells of a connection, written to the real stream, and what becomes of it here."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from gateway_harness import Person, Publisher, eventually

from chassis.database import Connection
from chassis.outbox import STREAM_FIELD
from contracts.events import CONNECTIONS_STREAM, ConnectionChanged, ConnectionChangedBody

VIEW_VERSION = "SELECT version FROM meta_connections_view WHERE customer_id = $1"


async def test_a_change_of_the_connection_arrives_by_its_event_and_late_news_does_not(
    person: Person, publisher: Publisher, admin: Connection
) -> None:
    def changed(version: int, **fields: Any) -> ConnectionChanged:
        return ConnectionChanged(
            id=uuid4(),
            source="/meta-auth",
            time=datetime.now(UTC),
            subject=person.me["customerId"],
            customerid=person.customer,
            data=ConnectionChangedBody(version=version, **fields),
        )

    async def version() -> int:
        return int((await admin.fetchval(VIEW_VERSION, person.me["customerId"])) or 0)

    chosen = {"status": "connected", "selected_ad_account_id": "act_5", "currency": "SEK"}
    for event in (changed(5, **chosen), changed(4, status="disconnected")):
        await publisher.redis.xadd(CONNECTIONS_STREAM, {STREAM_FIELD: event.to_json()})
    await eventually(version, lambda seen: seen == 5)
    status = await person.get("/ads/status")
    assert status["prerequisites"]["meta"]["ok"] is True
    assert status["derived"]["budget"]["currency"] == "SEK"


async def test_a_change_of_the_connection_is_noted_once_whoever_tells_of_it(
    person: Person, publisher: Publisher, admin: Connection
) -> None:
    by_user = (
        "INSERT INTO audit_log (customer_id, action, result, detail) VALUES ($1, 'meta_select', 'ok', $2)"
    )
    await admin.execute(by_user, person.customer, '{"version": 2}')
    sent = [uuid4() for _ in range(5)]
    for event_id, number in zip(sent, (3, 1, 2, 3, 4), strict=True):
        event = ConnectionChanged(
            id=event_id,
            source="/meta-auth",
            time=datetime.now(UTC),
            subject=person.me["customerId"],
            customerid=person.customer,
            data=ConnectionChangedBody(version=number, status="connected"),
        )
        await publisher.redis.xadd(CONNECTIONS_STREAM, {STREAM_FIELD: event.to_json()})

    async def taken() -> int:
        return int(await admin.fetchval("SELECT count(*) FROM inbox WHERE event_id = ANY($1)", sent))

    await eventually(taken, lambda count: count == len(sent))
    rows = await admin.fetch(
        "SELECT detail->>'version' AS version FROM audit_log WHERE customer_id = $1"
        " AND starts_with(action, 'meta_') ORDER BY 1",
        person.customer,
    )
    assert [row["version"] for row in rows] == ["1", "2", "3", "4"]

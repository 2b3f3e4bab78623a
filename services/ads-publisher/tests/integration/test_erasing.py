"""A person's wish to be forgotten by us, as far as the publisher knows something of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from ads_publisher import erasure_store
from ads_publisher.erasing import Erasing
from chassis.database import Connection, Pool
from contracts.events import ConnectionChanged, ConnectionChangedBody

CANARIES = ("act_990011", "880011", "880022", "CanaryName", "CanaryPayor")


def wish(customer: UUID, *, before: datetime | None) -> ConnectionChanged:
    return ConnectionChanged(
        id=uuid4(),
        source="/meta-auth",
        time=datetime.now(UTC),
        subject=str(customer),
        customerid=customer,
        data=ConnectionChangedBody(version=2, status="disconnected", erase_before=before),
    )


async def add_job(admin: Connection, customer: UUID, *, status: str = "done", sent: bool = True) -> UUID:
    """A job with everything that comes from Meta on it; returns its run."""
    job_id, run_id = uuid4(), uuid4()
    await admin.execute(
        "INSERT INTO publish_jobs (id, run_id, customer_id, kind, lane, status, request, account)"
        " VALUES ($1, $2, $3, 'publish', 'act_990011', $4, $5, $6)",
        job_id,
        run_id,
        customer,
        status,
        {"adAccountId": "act_990011", "runId": str(run_id), "settings": {"formats": ["feed"]}},
        {"dsa_payor": "CanaryPayor"},
    )
    await admin.execute(
        "INSERT INTO publish_attempts (job_id, run_id, customer_id, ad_account_id, step, number, fence,"
        " parent_id, intent_at, proof_time, not_before, look_at, outcome, object_id)"
        " VALUES ($1, $2, $3, 'act_990011', 'campaign', 1, 1, '880022', now(), 1, now(), now(),"
        " 'created', '880011')",
        job_id,
        run_id,
        customer,
    )
    await admin.execute(
        "INSERT INTO meta_calls (job_id, at, method, path, params, answer, duration_ms)"
        " VALUES ($1, now(), 'POST', '/v25.0/act_990011/campaigns', $2, $3, 5)",
        job_id,
        {"name": "CanaryName"},
        {"id": "880011"},
    )
    await admin.execute(
        "INSERT INTO outbox (event_id, stream, subject, body, sent_at)"
        " VALUES ($1, 'ads.results', $2, 'act_990011 880011', CASE WHEN $3 THEN now() END)",
        uuid4(),
        str(run_id),
        sent,
    )
    await admin.execute(
        "INSERT INTO account_pauses (scope, until) VALUES ('act_990011', now()) ON CONFLICT DO NOTHING"
    )
    return run_id


async def found(admin: Connection) -> list[str]:
    """Which canaries are anywhere in the schema."""
    tables = ("publish_jobs", "publish_attempts", "meta_calls", "outbox", "account_pauses")
    rows = [row for table in tables for row in await admin.fetch(f"SELECT * FROM {table}")]
    text = "\n".join(str(value) for row in rows for value in row.values())
    return [each for each in CANARIES if each in text]


async def test_all_that_came_from_meta_goes_and_the_bare_facts_stay(pool: Pool, admin: Connection) -> None:
    customer = uuid4()
    run_id = await add_job(admin, customer)
    await add_job(admin, customer, status="failed")
    assert await found(admin) == list(CANARIES)
    event = wish(customer, before=datetime.now(UTC) + timedelta(seconds=1))
    for _ in range(2):
        await Erasing(pool=pool)(event)
    assert await found(admin) == []
    job = await admin.fetchrow("SELECT * FROM publish_jobs WHERE run_id = $1", run_id)
    assert job is not None
    assert (job["status"], job["lane"], job["account"]) == ("done", f"customer:{customer}", None)
    assert job["request"] == {"runId": str(run_id), "settings": {"formats": ["feed"]}}
    assert await admin.fetchval("SELECT count(*) FROM erasures") == 0


async def test_another_customer_and_what_was_begun_later_are_left_alone(
    pool: Pool, admin: Connection
) -> None:
    customer, other = uuid4(), uuid4()
    await add_job(admin, customer)
    await add_job(admin, other)
    # The moment of the wish is that of a newer grant: what came after it is somebody else's.
    await Erasing(pool=pool)(wish(customer, before=datetime.now(UTC) - timedelta(minutes=5)))
    assert await admin.fetchval("SELECT count(*) FROM publish_attempts") == 2
    await Erasing(pool=pool)(wish(customer, before=datetime.now(UTC) + timedelta(seconds=1)))
    rows = await admin.fetch("SELECT customer_id FROM publish_attempts")
    assert [row["customer_id"] for row in rows] == [other]
    assert await admin.fetchval("SELECT count(*) FROM account_pauses") == 1


async def test_a_job_that_is_open_or_whose_news_is_not_sent_goes_when_it_is_over(
    pool: Pool, admin: Connection
) -> None:
    customer = uuid4()
    run_id = await add_job(admin, customer, status="ready", sent=False)
    erasing = Erasing(pool=pool)
    await erasing(wish(customer, before=datetime.now(UTC) + timedelta(seconds=1)))
    assert await found(admin) == list(CANARIES)
    await admin.execute("UPDATE publish_jobs SET status = 'failed' WHERE run_id = $1", run_id)
    await erasing.erase_due()
    assert await found(admin) == ["act_990011", "880011"]  # in the news that waits for its stream
    await admin.execute("UPDATE outbox SET sent_at = now()")
    await erasing.erase_due()
    assert await found(admin) == []
    assert await erasure_store.customers_to_erase(admin) == []


async def test_other_news_about_a_connection_erases_nothing(pool: Pool, admin: Connection) -> None:
    customer = uuid4()
    await add_job(admin, customer)
    await Erasing(pool=pool)(wish(customer, before=None))
    assert await found(admin) == list(CANARIES)

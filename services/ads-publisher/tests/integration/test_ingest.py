"""Commands become jobs: those that came together in one transaction, each of them once."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg

from ads_publisher.consumers import Ingest
from chassis.database import Connection, Pool
from contracts.events import AdsSync, SyncRequest


def command(*, account: str | None = None, run_id: UUID | None = None) -> AdsSync:
    run_id = run_id or uuid4()
    return AdsSync(
        id=uuid4(),
        source="/gateway",
        time=datetime.now(UTC),
        subject=str(run_id),
        customerid=uuid4(),
        data=SyncRequest(run_id=run_id, ad_account_id=account),
    )


async def test_commands_that_came_together_are_one_transaction(pool: Pool, admin: Connection) -> None:
    woken: list[None] = []
    ingest = Ingest(pool=pool, wake=lambda: woken.append(None))
    commands = [command(account="act_1"), *(command() for _ in range(9))]
    await asyncio.gather(*map(ingest, commands))
    rows = await admin.fetch("SELECT id, run_id, customer_id, lane, xmin::text FROM publish_jobs")
    assert {(row["id"], row["run_id"], row["customer_id"]) for row in rows} == {
        (each.id, each.data.run_id, each.customerid) for each in commands
    }
    assert {row["lane"] for row in rows} == {
        "act_1",
        *(f"customer:{each.customerid}" for each in commands[1:]),
    }
    assert len({row["xmin"] for row in rows}) == 1
    assert len(woken) == 10


async def test_of_commands_that_came_together_only_the_known_has_its_news_sent_again(
    pool: Pool, admin: Connection
) -> None:
    ingest = Ingest(pool=pool, wake=lambda: None)
    known, new = command(), command()
    await ingest(known)
    for each in (known, new):
        await admin.execute(
            "INSERT INTO outbox (event_id, stream, subject, body, sent_at) VALUES ($1, 's', $2, '{}', now())",
            uuid4(),
            str(each.data.run_id),
        )
    await asyncio.gather(ingest(new), ingest(known), ingest(command(run_id=known.data.run_id)))
    assert await admin.fetchval("SELECT count(*) FROM publish_jobs") == 2
    unsent = await admin.fetch("SELECT subject FROM outbox WHERE sent_at IS NULL")
    assert [row["subject"] for row in unsent] == [str(known.data.run_id)]


async def test_a_command_that_cannot_be_kept_fails_alone(pool: Pool, admin: Connection) -> None:
    ingest = Ingest(pool=pool, wake=lambda: None)
    commands = [command(), command(account="a\0"), command()]
    outcomes = await asyncio.gather(*map(ingest, commands), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        asyncpg.CharacterNotInRepertoireError,
        type(None),
    ]
    rows = await admin.fetch("SELECT id FROM publish_jobs")
    assert {row["id"] for row in rows} == {commands[0].id, commands[2].id}

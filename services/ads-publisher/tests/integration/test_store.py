"""Leases, fences and lanes: the promises that the tables carry."""

import asyncio
from dataclasses import replace
from typing import Literal
from uuid import UUID, uuid4

import asyncpg
import pytest

from ads_publisher import store
from ads_publisher.report_store import Answer, Intent
from ads_publisher.reporting import Reports, report
from ads_publisher.saga import AttemptOutcome, Step
from ads_publisher.store import Job, LeaseLost
from chassis.database import Pool, across_customers
from contracts.events import RunStepBody


async def take_in(pool: Pool, lane: str, *, job_id: UUID | None = None, run_id: UUID | None = None) -> bool:
    async with across_customers(pool) as connection:
        return bool(
            await store.insert_jobs(
                connection,
                [
                    store.NewJob(
                        id=job_id or uuid4(),
                        run_id=run_id or uuid4(),
                        customer_id=uuid4(),
                        kind="publish",
                        lane=lane,
                        request={"runId": str(uuid4())},
                        traceparent=None,
                    )
                ],
            )
        )


async def claim(pool: Pool, *, limit: int = 10, lease_seconds: float = 30) -> list[Job]:
    async with across_customers(pool) as connection:
        return await store.claim_due_jobs(connection, limit=limit, lease_seconds=lease_seconds)


async def intend(
    pool: Pool, job: Job, *, step: Step = "campaign", number: int = 1, parent_id: str | None = None
) -> int:
    async with report(Reports(pool=pool), job) as news:
        news.draft.intent = Intent(
            ad_account_id="act_1",
            step=step,
            number=number,
            parent_id=parent_id,
            backdate_seconds=240,
            not_before_seconds=90,
        )
    assert news.journaled
    return news.journaled.attempt.id


async def answer(
    pool: Pool, job: Job, attempt_id: int, outcome: AttemptOutcome, object_id: str | None = None
) -> None:
    async with report(Reports(pool=pool), job) as news:
        news.draft.answer = Answer(attempt_id=attempt_id, outcome=outcome, object_id=object_id)


async def finish(pool: Pool, job: Job, status: Literal["done", "failed"] = "done") -> None:
    async with report(Reports(pool=pool), job) as news:
        news.end(status)


async def say(pool: Pool, job: Job) -> None:
    async with report(Reports(pool=pool), job) as news:
        news.tell(RunStepBody, step="campaign", state="note", message="m")


async def written(pool: Pool) -> tuple[int, int]:
    """How many events, and how many attempts."""
    async with across_customers(pool) as connection:
        row = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM outbox), (SELECT count(*) FROM publish_attempts)"
        )
    assert row
    return tuple(row)


async def test_a_redelivered_command_is_one_job(pool: Pool) -> None:
    job_id, run_id = uuid4(), uuid4()
    assert await take_in(pool, "a", job_id=job_id, run_id=run_id)
    assert not await take_in(pool, "a", job_id=job_id, run_id=run_id)
    assert not await take_in(pool, "a", run_id=run_id)


async def test_one_ad_account_is_worked_by_one_task_and_in_order(pool: Pool) -> None:
    first, second, other = uuid4(), uuid4(), uuid4()
    await take_in(pool, "a", job_id=first)
    await take_in(pool, "a", job_id=second)
    await take_in(pool, "b", job_id=other)
    claimed = await claim(pool)
    assert {job.id for job in claimed} == {first, other}
    assert await claim(pool) == []
    await finish(pool, next(job for job in claimed if job.id == first))
    assert [job.id for job in await claim(pool)] == [second]


async def test_a_waiting_job_keeps_its_place_in_the_lane(pool: Pool) -> None:
    await take_in(pool, "a")
    await take_in(pool, "a")
    [job] = await claim(pool)
    async with across_customers(pool) as connection:
        await store.defer_job(connection, job, seconds=60)
    assert await claim(pool) == []


async def test_two_claimers_never_get_the_same_job(pool: Pool) -> None:
    for number in range(40):
        await take_in(pool, f"lane-{number}")
    rounds = await asyncio.gather(*(claim(pool, limit=10) for _ in range(8)))
    ids = [job.id for claimed in rounds for job in claimed]
    assert len(ids) == len(set(ids)) == 40


async def test_an_expired_lease_is_claimed_again_with_a_higher_fence(pool: Pool) -> None:
    await take_in(pool, "a")
    [zombie] = await claim(pool, lease_seconds=0)
    [heir] = await claim(pool)
    assert heir.id == zombie.id
    assert heir.fence == zombie.fence + 1


async def test_a_zombie_can_write_nothing(pool: Pool) -> None:
    await take_in(pool, "a")
    [zombie] = await claim(pool, lease_seconds=0)
    [heir] = await claim(pool)
    async with across_customers(pool) as connection:
        for refused in (
            store.defer_job(connection, zombie, seconds=1),
            store.change_lane(connection, zombie, "b"),
        ):
            with pytest.raises(LeaseLost):
                await refused
    for refused in (say(pool, zombie), intend(pool, zombie), finish(pool, zombie, "failed")):
        with pytest.raises(LeaseLost):
            await refused
    assert await written(pool) == (0, 0)
    await say(pool, heir)
    await intend(pool, heir)
    assert await written(pool) == (1, 1)


async def test_a_report_counts_on_from_the_last_one_and_from_nothing_else(pool: Pool) -> None:
    await take_in(pool, "a")
    [job] = await claim(pool)
    await say(pool, job)
    await say(pool, job)
    assert job.version == 2
    with pytest.raises(LeaseLost):
        await say(pool, replace(job, version=1))
    assert await written(pool) == (2, 0)


async def test_renewing_keeps_only_leases_that_are_still_held(pool: Pool) -> None:
    await take_in(pool, "a")
    await take_in(pool, "b")
    lost, _ = await claim(pool, lease_seconds=0)
    await claim(pool)
    kept_ids = [(lost.id, lost.fence), (lost.id, lost.fence + 1)]
    async with across_customers(pool) as connection:
        assert await store.renew_leases(connection, kept_ids[:1], lease_seconds=30) == set()
        assert await store.renew_leases(connection, kept_ids, lease_seconds=30) == {lost.id}


async def test_an_attempt_is_journaled_once_and_answered_once(pool: Pool) -> None:
    await take_in(pool, "a")
    [job] = await claim(pool)
    attempt_id = await intend(pool, job)
    with pytest.raises(asyncpg.UniqueViolationError):
        await intend(pool, job)
    await answer(pool, job, attempt_id, "unknown")
    await answer(pool, job, attempt_id, "adopted", "11")
    with pytest.raises(LeaseLost):
        await answer(pool, job, attempt_id, "absent")


async def test_one_run_can_have_one_campaign_only(pool: Pool) -> None:
    await take_in(pool, "a")
    [job] = await claim(pool)
    first, second = await intend(pool, job), await intend(pool, job, number=2)
    await answer(pool, job, first, "created", "11")
    with pytest.raises(asyncpg.UniqueViolationError):
        await answer(pool, job, second, "created", "12")


async def test_what_was_below_a_vanished_campaign_is_gone_too(pool: Pool) -> None:
    await take_in(pool, "a")
    [job] = await claim(pool)
    campaign = await intend(pool, job)
    await answer(pool, job, campaign, "created", "11")
    adset = await intend(pool, job, step="adset", parent_id="11")
    await answer(pool, job, adset, "created", "12")
    async with across_customers(pool) as connection:
        await store.record_gone(connection, customer_id=job.customer_id, object_id="11")
        [journal] = await store.load_journals(connection, [(job.customer_id, "act_1")])
    assert [attempt.outcome for attempt in journal.attempts] == ["gone", "gone"]


async def test_the_proof_is_backdated_from_the_journaled_intent(pool: Pool) -> None:
    await take_in(pool, "a")
    [job] = await claim(pool)
    await intend(pool, job)
    async with across_customers(pool) as connection:
        [journal] = await store.load_journals(connection, [(job.customer_id, "act_1")])
        proof_time = await connection.fetchval("SELECT proof_time FROM publish_attempts")
    [attempt] = journal.attempts
    assert proof_time == int(attempt.intent_at.timestamp()) - 240
    assert (attempt.not_before - attempt.intent_at).total_seconds() == 90
    assert journal.now >= attempt.intent_at

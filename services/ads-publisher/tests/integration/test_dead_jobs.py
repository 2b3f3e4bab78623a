"""A run that crashes again and again, or that Meta never confirmed, ends; an operator can open it again."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from ads_publisher import store
from ads_publisher.dead_jobs import DeadJobs
from ads_publisher.endings import CRASHED, fail
from ads_publisher.executor import MAX_CRASHES, Executor
from ads_publisher.report_store import Answer, Intent
from ads_publisher.reporting import Reports, report
from ads_publisher.saga import MAX_ATTEMPTS, AttemptOutcome, Do, GiveUp, Settle, next_move
from ads_publisher.store import Job
from chassis.database import Pool, across_customers
from chassis.errors import Unavailable
from contracts.events import RunFailed, RunStarted, read_event

ACCOUNT = "act_1"
CUSTOMER = uuid4()


class Broken(Exception):
    """A bug."""


class Work:
    """Fails as it was told to, once each, and then finishes the job."""

    def __init__(self, pool: Pool, *failures: Exception) -> None:
        self._pool = pool
        self._failures = list(failures)
        self.calls = 0

    async def __call__(self, job: Job) -> None:
        self.calls += 1
        if self._failures:
            raise self._failures.pop()
        async with report(Reports(pool=self._pool), job) as told:
            told.end("done")


async def take_in(pool: Pool) -> UUID:
    job_id = uuid4()
    async with across_customers(pool) as connection:
        await store.insert_jobs(
            connection,
            [
                store.NewJob(
                    id=job_id,
                    run_id=uuid4(),
                    customer_id=CUSTOMER,
                    kind="publish",
                    lane=ACCOUNT,
                    request={"runId": str(uuid4())},
                    traceparent=None,
                )
            ],
        )
    return job_id


async def everywhere(pool: Pool, query: str, *values: Any) -> list[asyncpg.Record]:
    """Look at, or change, the rows of all customers."""
    async with across_customers(pool) as connection:
        return list(await connection.fetch(query, *values))


async def row(pool: Pool, job_id: UUID) -> dict[str, Any]:
    [found] = await everywhere(pool, "SELECT * FROM publish_jobs WHERE id = $1", job_id)
    return dict(found)


@asynccontextmanager
async def executing(pool: Pool, work: Callable[[Job], Awaitable[None]]) -> AsyncIterator[Executor]:
    async def give_up(job: Job) -> None:
        await fail(Reports(pool=pool), job, CRASHED, "real")

    executor = Executor(pool=pool, tasks=2, lease_seconds=15, work=work, give_up=give_up)
    task = asyncio.create_task(executor.run())
    try:
        yield executor
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def ended(pool: Pool, executor: Executor, job_id: UUID) -> dict[str, Any]:
    """Follow a job to its end; its pauses are cut short."""
    deadline = time.monotonic() + 20
    while (job := await row(pool, job_id))["status"] not in ("done", "failed"):
        assert time.monotonic() < deadline, job
        await everywhere(pool, "UPDATE publish_jobs SET due_at = now() WHERE status = 'ready'")
        executor.wake()
        await asyncio.sleep(0.02)
    return job


async def crash_to_death(pool: Pool) -> UUID:
    job_id = await take_in(pool)
    async with executing(pool, Work(pool, *[Broken()] * MAX_CRASHES)) as executor:
        await ended(pool, executor, job_id)
    return job_id


async def claim(pool: Pool) -> Job:
    async with across_customers(pool) as connection:
        [job] = await store.claim_due_jobs(connection, limit=1, lease_seconds=30)
    return job


async def news(pool: Pool) -> list[Any]:
    return [
        read_event(found["body"]) for found in await everywhere(pool, "SELECT body FROM outbox ORDER BY id")
    ]


async def journal(
    pool: Pool, job: Job, outcome: AttemptOutcome, *, number: int = 1, object_id: str | None = None
) -> None:
    async with report(Reports(pool=pool), job) as told:
        told.draft.intent = Intent(
            ad_account_id=ACCOUNT,
            step="campaign",
            number=number,
            parent_id=None,
            backdate_seconds=0,
            not_before_seconds=0,
        )
    assert told.journaled
    await answer(pool, job, told.journaled.attempt.id, outcome, object_id)


async def answer(
    pool: Pool, job: Job, attempt_id: int, outcome: AttemptOutcome, object_id: str | None = None
) -> None:
    async with report(Reports(pool=pool), job) as told:
        told.draft.answer = Answer(attempt_id=attempt_id, outcome=outcome, object_id=object_id)


async def move(pool: Pool, job: Job) -> object:
    async with across_customers(pool) as connection:
        [journaled] = await store.load_journals(connection, [(CUSTOMER, ACCOUNT)])
    tries = MAX_ATTEMPTS * (1 + job.replays)
    return next_move(journaled.attempts, job_id=job.id, now=journaled.now, max_attempts=tries)


async def unconfirmed(pool: Pool) -> UUID:
    """A job that has given up, with five creates that Meta does not show."""
    job_id = await take_in(pool)
    job = await claim(pool)
    for number in range(1, MAX_ATTEMPTS + 1):
        await journal(pool, job, "absent", number=number)
    assert await move(pool, job) == GiveUp(step="campaign")
    async with report(Reports(pool=pool), job) as told:
        told.end("failed", dead_reason="unconfirmed")
    return job_id


async def replay(pool: Pool, job_id: UUID) -> bool:
    dead = DeadJobs(pool, "real")
    found = await dead.find(str(job_id))
    return bool(found) and await dead.replay(found[0])


async def test_a_run_that_always_crashes_is_given_up_after_five_times(pool: Pool) -> None:
    job_id = await take_in(pool)
    work = Work(pool, *[Broken()] * (MAX_CRASHES + 1))
    async with executing(pool, work) as executor:
        job = await ended(pool, executor, job_id)
    assert (job["status"], job["dead_reason"]) == ("failed", "crashed")
    assert job["crashes"] == work.calls == MAX_CRASHES
    [told] = await news(pool)
    assert isinstance(told, RunFailed)
    assert told.data.message == (
        "Something went wrong on our side. Nothing more is tried; an operator has been told."
    )
    assert (told.data.error_code, told.data.fixed_by) == ("INTERNAL", "operator")


async def test_a_run_that_crashes_four_times_still_ends_well(pool: Pool) -> None:
    job_id = await take_in(pool)
    async with executing(pool, Work(pool, *[Broken()] * (MAX_CRASHES - 1))) as executor:
        job = await ended(pool, executor, job_id)
    assert (job["status"], job["dead_reason"], job["crashes"]) == ("done", None, MAX_CRASHES - 1)


async def test_what_does_not_answer_is_waited_for_and_is_no_crash(pool: Pool) -> None:
    job_id = await take_in(pool)
    async with executing(pool, Work(pool, *[Unavailable("away")] * (MAX_CRASHES + 2))) as executor:
        job = await ended(pool, executor, job_id)
    assert (job["status"], job["crashes"]) == ("done", 0)


async def test_a_crash_of_one_run_does_not_count_for_another(pool: Pool) -> None:
    await crash_to_death(pool)
    other = await take_in(pool)
    async with executing(pool, Work(pool)) as executor:
        assert (await ended(pool, executor, other))["crashes"] == 0


async def test_dead_jobs_are_listed_with_the_newest_first_and_found_by_job_or_run(pool: Pool) -> None:
    older, newer = await unconfirmed(pool), await crash_to_death(pool)
    dead = DeadJobs(pool, "real")
    letters = [letter async for letter in dead.newest_first()]
    assert [(letter.id, letter.error) for letter in letters] == [
        (str(newer), "crashed"),
        (str(older), "unconfirmed"),
    ]
    assert await dead.find(letters[0].facts["run_id"]) == await dead.find(str(newer)) == letters[:1]
    assert await dead.find("no id") == await dead.find(str(uuid4())) == []


async def test_a_replayed_run_is_ready_again_and_says_so_with_a_higher_version(pool: Pool) -> None:
    job_id = await crash_to_death(pool)
    assert await replay(pool, job_id)
    job = await row(pool, job_id)
    assert (job["status"], job["crashes"], job["replays"]) == ("ready", 0, 1)
    assert (job["dead_reason"], job["finished_at"]) == (None, None)
    failed, started = await news(pool)
    assert isinstance(started, RunStarted)
    assert started.data.replayed
    assert started.data.version > failed.data.version
    async with executing(pool, Work(pool)) as executor:
        assert (await ended(pool, executor, job_id))["status"] == "done"


async def test_a_replayed_run_that_crashes_again_is_given_up_again(pool: Pool) -> None:
    job_id = await crash_to_death(pool)
    assert await replay(pool, job_id)
    work = Work(pool, *[Broken()] * (MAX_CRASHES + 1))
    async with executing(pool, work) as executor:
        job = await ended(pool, executor, job_id)
    assert (job["dead_reason"], work.calls) == ("crashed", MAX_CRASHES)


async def test_two_operators_at_once_replay_a_run_once(pool: Pool) -> None:
    job_id = await crash_to_death(pool)
    assert sorted(await asyncio.gather(*(replay(pool, job_id) for _ in range(4)))) == [
        False,
        False,
        False,
        True,
    ]
    assert (await row(pool, job_id))["replays"] == 1
    assert [event.type for event in await news(pool)] == ["RUN_FAILED", "RUN_STARTED"]


async def test_a_run_that_is_not_dead_cannot_be_replayed(pool: Pool) -> None:
    job_id = await take_in(pool)
    assert not await replay(pool, job_id)
    job = await claim(pool)
    async with report(Reports(pool=pool), job) as told:
        told.end("failed")
    assert not await replay(pool, job_id)


async def test_only_a_failed_job_can_be_dead(pool: Pool) -> None:
    job_id = await take_in(pool)
    with pytest.raises(asyncpg.CheckViolationError):
        await everywhere(pool, "UPDATE publish_jobs SET dead_reason = 'crashed' WHERE id = $1", job_id)


async def test_a_replayed_unconfirmed_run_looks_again_before_it_creates_again(pool: Pool) -> None:
    assert await replay(pool, await unconfirmed(pool))
    job = await claim(pool)
    looked_at = await move(pool, job)
    assert isinstance(looked_at, Settle)
    assert looked_at.attempt.number == MAX_ATTEMPTS
    await answer(pool, job, looked_at.attempt.id, "absent")
    assert await move(pool, job) == Do(step="campaign", number=MAX_ATTEMPTS + 1, parent_id=None)


async def test_a_replay_allows_five_more_creates_and_no_more(pool: Pool) -> None:
    assert await replay(pool, await unconfirmed(pool))
    job = await claim(pool)
    looked_at = await move(pool, job)
    assert isinstance(looked_at, Settle)
    await answer(pool, job, looked_at.attempt.id, "absent")
    for number in range(MAX_ATTEMPTS + 1, 2 * MAX_ATTEMPTS + 1):
        assert await move(pool, job) == Do(step="campaign", number=number, parent_id=None)
        await journal(pool, job, "absent", number=number)
    assert await move(pool, job) == GiveUp(step="campaign")


async def test_a_replay_does_not_look_for_a_lost_campaign_when_another_run_has_made_one(pool: Pool) -> None:
    dead = await unconfirmed(pool)
    await take_in(pool)
    other = await claim(pool)
    await journal(pool, other, "created", object_id="11")
    async with report(Reports(pool=pool), other) as told:
        told.end("done")
    assert await replay(pool, dead)
    outcomes = await everywhere(pool, "SELECT outcome FROM publish_attempts WHERE job_id = $1", dead)
    assert {found["outcome"] for found in outcomes} == {"absent"}

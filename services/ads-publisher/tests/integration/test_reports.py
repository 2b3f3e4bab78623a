"""Reports of several runs that are ready together are one transaction, and each keeps its own promises."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest

from ads_publisher import store
from ads_publisher.journals import READS_AT_ONCE, Journals
from ads_publisher.report_store import Answer, Draft, Intent, write_reports
from ads_publisher.reporting import Reports, report
from ads_publisher.store import Job, LeaseLost
from chassis.database import Connection, Pool, across_customers, transaction
from chassis.errors import Unavailable
from contracts.events import RunStepBody


async def claimed(pool: Pool, count: int) -> list[Job]:
    """Jobs of as many customers, by id."""
    async with across_customers(pool) as connection:
        for number in range(count):
            await store.insert_jobs(
                connection,
                [
                    store.NewJob(
                        id=uuid4(),
                        run_id=uuid4(),
                        customer_id=uuid4(),
                        kind="publish",
                        lane=f"act_{number}",
                        request={},
                        traceparent=None,
                    )
                ],
            )
        jobs = await store.claim_due_jobs(connection, limit=count, lease_seconds=30)
    return sorted(jobs, key=lambda job: job.id)


def an_intent(number: int = 1) -> Intent:
    return Intent(
        ad_account_id="act_1",
        step="campaign",
        number=number,
        parent_id=None,
        backdate_seconds=240,
        not_before_seconds=90,
    )


async def say(
    reports: Reports, job: Job, *, intent: Intent | None = None, answer: Answer | None = None
) -> int | None:
    """One report; returns the id of its attempt."""
    async with report(reports, job) as news:
        news.tell(RunStepBody, step="campaign", state="note", message="m")
        news.draft.intent, news.draft.answer = intent, answer
    return news.journaled and news.journaled.attempt.id


async def together(pool: Pool, batch: Sequence[tuple[Job, Draft]]) -> None:
    async with across_customers(pool) as connection:
        await write_reports(connection, batch)


async def heard(admin: Connection) -> dict[UUID, tuple[int, int]]:
    """For each job, how many events it told and how many attempts it journaled."""
    rows = await admin.fetch(
        "SELECT id, (SELECT count(*) FROM outbox WHERE subject = run_id::text) AS told,"
        " (SELECT count(*) FROM publish_attempts WHERE job_id = publish_jobs.id) AS meant FROM publish_jobs"
    )
    return {row["id"]: (row["told"], row["meant"]) for row in rows}


async def transactions(admin: Connection, table: str) -> int:
    """How many have written the rows that are there."""
    count: int = await admin.fetchval(f"SELECT count(DISTINCT xmin::text) FROM {table}")
    return count


@asynccontextmanager
async def locked(admin: Connection, job: Job) -> AsyncIterator[None]:
    """Whoever wants to change this job has to wait."""
    async with admin.transaction():
        await admin.execute("SELECT FROM publish_jobs WHERE id = $1 FOR UPDATE", job.id)
        yield


async def until_waiting(admin: Connection) -> None:
    """Until somebody waits for a lock."""
    async with asyncio.timeout(5):
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not await admin.fetchval(waits):  # noqa: ASYNC110 - Postgres sets no event of ours
            await asyncio.sleep(0.01)


async def test_reports_that_are_ready_together_are_one_transaction(pool: Pool, admin: Connection) -> None:
    jobs, reports = await claimed(pool, 12), Reports(pool=pool)
    attempts = await asyncio.gather(*(say(reports, job, intent=an_intent()) for job in reversed(jobs)))
    assert await heard(admin) == {job.id: (1, 1) for job in jobs}
    for table in ("publish_jobs", "outbox", "publish_attempts"):
        assert await transactions(admin, table) == 1
    rows = await admin.fetch("SELECT id, job_id, customer_id, ad_account_id FROM publish_attempts")
    by_job = {row["job_id"]: row for row in rows}
    assert [by_job[job.id]["id"] for job in reversed(jobs)] == attempts
    assert [by_job[job.id]["customer_id"] for job in jobs] == [job.customer_id for job in jobs]
    assert {job.version for job in jobs} == {1}
    answers = [Answer(attempt_id=id_, outcome="created", object_id="1") for id_ in attempts if id_]
    await asyncio.gather(
        *(say(reports, job, answer=answer) for job, answer in zip(reversed(jobs), answers, strict=True))
    )
    assert await transactions(admin, "publish_jobs") == await transactions(admin, "publish_attempts") == 1
    assert await admin.fetchval("SELECT count(*) FROM publish_attempts WHERE outcome = 'created'") == 12


async def test_one_without_its_lease_loses_alone(pool: Pool, admin: Connection) -> None:
    jobs, reports = await claimed(pool, 4), Reports(pool=pool)
    zombie = jobs[1]
    await admin.execute("UPDATE publish_jobs SET fence = fence + 1 WHERE id = $1", zombie.id)
    outcomes = await asyncio.gather(
        *(say(reports, job, intent=an_intent()) for job in jobs), return_exceptions=True
    )
    assert isinstance(outcomes[1], LeaseLost)
    assert [isinstance(outcome, int) for outcome in outcomes] == [True, False, True, True]
    assert await heard(admin) == {job.id: (0, 0) if job is zombie else (1, 1) for job in jobs}
    assert [job.version for job in jobs] == [1, 0, 1, 1]


async def test_zombie_and_heir_of_one_job_in_one_batch(pool: Pool, admin: Connection) -> None:
    """Its own lease may have run out on the process that claims it again."""
    [job, other], reports = await claimed(pool, 2), Reports(pool=pool)
    await admin.execute("UPDATE publish_jobs SET fence = fence + 1 WHERE id = $1", job.id)
    heir = replace(job, fence=job.fence + 1)
    outcomes = await asyncio.gather(
        *(say(reports, each) for each in (job, heir, other)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [LeaseLost, type(None), type(None)]
    assert await heard(admin) == {job.id: (1, 0), other.id: (1, 0)}


async def test_one_whose_attempt_is_settled_loses_alone_and_writes_nothing(
    pool: Pool, admin: Connection
) -> None:
    jobs, reports = await claimed(pool, 3), Reports(pool=pool)
    attempts = [await say(reports, job, intent=an_intent()) for job in jobs]
    await admin.execute("UPDATE publish_attempts SET outcome = 'absent' WHERE id = $1", attempts[0])
    outcomes = await asyncio.gather(
        *(
            say(reports, job, answer=Answer(attempt_id=attempt, outcome="created", object_id="1"))
            for job, attempt in zip(jobs, attempts, strict=True)
            if attempt
        ),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [LeaseLost, type(None), type(None)]
    assert [(await heard(admin))[job.id][0] for job in jobs] == [1, 2, 2]
    rows = await admin.fetch("SELECT outcome FROM publish_attempts ORDER BY job_id")
    assert [row["outcome"] for row in rows] == ["absent", "created", "created"]


async def test_one_that_had_the_same_thought_as_another_fails_alone(pool: Pool, admin: Connection) -> None:
    jobs, reports = await claimed(pool, 3), Reports(pool=pool)
    await say(reports, jobs[2], intent=an_intent())
    outcomes = await asyncio.gather(
        *(say(reports, job, intent=an_intent()) for job in jobs), return_exceptions=True
    )
    assert [isinstance(outcome, int) for outcome in outcomes] == [True, True, False]
    assert isinstance(outcomes[2], asyncpg.UniqueViolationError)
    assert await heard(admin) == {job.id: (1, 1) for job in jobs}


async def test_one_whose_run_is_stopped_harms_nobody(pool: Pool, admin: Connection) -> None:
    jobs, reports = await claimed(pool, 3), Reports(pool=pool)
    async with locked(admin, jobs[2]):
        tasks = [asyncio.create_task(say(reports, job)) for job in jobs]
        await until_waiting(admin)
        tasks[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
    assert await asyncio.gather(*tasks[1:]) == [None, None]
    assert [job.version for job in jobs] == [0, 1, 1]


async def test_nothing_is_told_before_the_commit(pool: Pool, admin: Connection) -> None:
    jobs, reports = await claimed(pool, 3), Reports(pool=pool)
    told: list[UUID] = []

    async def tell(job: Job) -> None:
        async with report(reports, job) as news:
            news.tell(RunStepBody, step="campaign", state="note", message="m")
            news.after_commit(lambda: told.append(job.id))

    async with locked(admin, jobs[2]):
        tasks = [asyncio.create_task(tell(job)) for job in jobs]
        await until_waiting(admin)
        assert told == []
        assert [job.version for job in jobs] == [0, 0, 0]
    await asyncio.gather(*tasks)
    assert set(told) == {job.id for job in jobs}


async def test_when_the_connection_is_lost_each_is_told_so(pool: Pool, admin: Connection) -> None:
    jobs, reports = await claimed(pool, 3), Reports(pool=pool)
    async with locked(admin, jobs[2]):
        tasks = [asyncio.create_task(say(reports, job)) for job in jobs]
        await until_waiting(admin)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
        )
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert await heard(admin) == {job.id: (0, 0) for job in jobs}


async def test_a_report_with_changes_of_its_own_goes_with_them(pool: Pool, admin: Connection) -> None:
    [job, zombie, *others], reports = await claimed(pool, 4), Reports(pool=pool)

    async def pause(job: Job, scope: str) -> None:
        async with report(reports, job) as news:
            news.tell(RunStepBody, step="campaign", state="note", message="m")
            news.change(store.save_pause, scope=scope, seconds=60)

    await admin.execute("UPDATE publish_jobs SET fence = fence + 1 WHERE id = $1", zombie.id)
    outcomes = await asyncio.gather(
        pause(job, "act_one"),
        pause(zombie, "act_other"),
        *(say(reports, each) for each in others),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), LeaseLost, type(None), type(None)]
    [pause_of_one] = await admin.fetch(
        "DELETE FROM account_pauses WHERE scope IN ('act_one', 'act_other') RETURNING scope, xmin::text"
    )
    assert pause_of_one["scope"] == "act_one"
    rows = await admin.fetch("SELECT subject, xmin::text FROM outbox")
    written = {row["subject"]: row["xmin"] for row in rows}
    assert written.pop(str(job.run_id)) == pause_of_one["xmin"]
    assert set(written) == {str(each.run_id) for each in others}
    assert len(set(written.values())) == 1


async def test_no_report_reaches_into_the_rows_of_another_customer(pool: Pool, admin: Connection) -> None:
    """Row security is no help where all customers are seen: the statement has to say whose rows it means."""
    [whose, mine, other], reports = await claimed(pool, 3), Reports(pool=pool)
    foreign = await say(reports, whose, intent=an_intent())
    assert foreign
    misled = replace(mine, customer_id=uuid4())
    answer = Answer(attempt_id=foreign, outcome="absent")
    for batch in ([(misled, Draft()), (other, Draft())], [(mine, Draft(answer=answer)), (other, Draft())]):
        with pytest.raises(LeaseLost):
            await together(pool, batch)
    assert await admin.fetchval("SELECT outcome FROM publish_attempts WHERE id = $1", foreign) is None


@pytest.mark.parametrize("what", ["reports", "leases"])
async def test_jobs_are_locked_in_one_order(pool: Pool, admin: Connection, what: str) -> None:
    """Else reports and the renewal of leases, which all want several, could wait for each other for ever."""
    jobs = await claimed(pool, 2)
    first, second = jobs

    async def want_both() -> None:
        if what == "reports":
            await together(pool, [(second, Draft()), (first, Draft())])
            return
        async with across_customers(pool) as connection:
            held = [(job.id, job.fence) for job in (second, first)]
            await store.renew_leases(connection, held, lease_seconds=30)

    async with locked(admin, first):
        wanting = asyncio.create_task(want_both())
        await until_waiting(admin)
        async with transaction(pool, customer=second.customer_id) as connection:
            # Nobody has it yet.
            await connection.execute("SELECT FROM publish_jobs WHERE id = $1 FOR UPDATE NOWAIT", second.id)
    await wanting


async def test_journals_that_are_asked_for_together_are_one_read_and_each_is_its_own(
    pool: Pool, admin: Connection
) -> None:
    jobs, reports, journals = await claimed(pool, 12), Reports(pool=pool), Journals(pool=pool)
    attempts = await asyncio.gather(*(say(reports, job, intent=an_intent()) for job in jobs[1:]))
    async with transaction(pool) as connection:
        await store.save_pause(connection, scope="act_2", seconds=60)
    accounts = [(job.customer_id, "act_1") for job in jobs] + [(jobs[1].customer_id, "act_2")]
    async with asyncio.TaskGroup() as group, admin.transaction():
        await admin.execute("LOCK TABLE publish_attempts")
        loads = [group.create_task(journals.load(*account)) for account in accounts]
        await until_waiting(admin)
        assert await admin.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") <= READS_AT_ONCE
    *found, elsewhere = (load.result() for load in loads)
    assert [[attempt.id for attempt in each.attempts] for each in found] == [[], *([id_] for id_ in attempts)]
    assert {each.paused_until for each in found} == {None}
    assert elsewhere.attempts == []
    assert elsewhere.paused_until
    assert elsewhere.paused_until > elsewhere.now

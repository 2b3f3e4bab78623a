"""Calls to Meta are kept with the news about their run, for a while, and go with it."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from ads_publisher import call_store, jobs_store, store
from ads_publisher.calls import CallLog, answered, failed
from ads_publisher.reporting import Reports, report
from ads_publisher.store import Job, LeaseLost
from chassis.database import Pool, across_customers
from contracts.events import RunStepBody

REQUEST = httpx.Client().build_request(
    "POST", "https://graph.example/v25.0/act_1/campaigns", data={"name": "a\0b"}
)
ODD = b'{"error":{"code":1e999,"error_subcode":' + b"9" * 400 + rb',"message":"a\u0000\ud800b"}}'
ACCOUNT = {"currency": "SEK"}


def log_of_two() -> CallLog:
    odd = answered(REQUEST, 0.1, (400, ODD, {"x-app-usage": "1"}), ("secret",))
    return CallLog(calls=[odd, failed(REQUEST, 0.0, TimeoutError())], account=ACCOUNT)


async def everywhere(pool: Pool, query: str, *values: Any) -> list[asyncpg.Record]:
    """Look at, or change, the rows of all customers."""
    async with across_customers(pool) as connection:
        return list(await connection.fetch(query, *values))


async def claimed(pool: Pool) -> Job:
    run_id = uuid4()
    async with across_customers(pool) as opened:
        await store.insert_jobs(
            opened,
            [
                store.NewJob(
                    id=uuid4(),
                    run_id=run_id,
                    customer_id=uuid4(),
                    kind="publish",
                    lane="act_1",
                    request={},
                    traceparent=None,
                )
            ],
        )
        [job] = await store.claim_due_jobs(opened, limit=1, lease_seconds=30)
    return job


async def tell(pool: Pool, job: Job, log: CallLog) -> None:
    async with report(Reports(pool=pool), job, log=log, step="campaign", attempt=3) as news:
        news.tell(RunStepBody, step="campaign", state="note", message="m")


async def kept(pool: Pool, job_id: UUID) -> list[dict[str, object]]:
    async with across_customers(pool) as acquired:
        return await jobs_store.calls_of(acquired, job_id)


async def test_calls_are_written_with_the_next_report_and_only_once(pool: Pool) -> None:
    job, log = await claimed(pool), log_of_two()
    await tell(pool, job, log)
    await tell(pool, job, log)
    first, second = await kept(pool, job.id)
    assert (first["step"], first["attempt"], first["status"], first["duration_ms"]) == (
        "campaign",
        3,
        400,
        100,
    )
    assert first["answer"] == {"error": {"code": None, "error_subcode": None, "message": "a  b"}}
    assert first["params"] == {"name": "a b"}
    assert (second["failure"], second["status"], second["answer"]) == ("TimeoutError", None, None)
    async with across_customers(pool) as acquired:
        assert await jobs_store.account_of(acquired, job.id) == ACCOUNT


async def test_the_calls_of_a_report_that_is_refused_wait_for_the_next(pool: Pool) -> None:
    job, log = await claimed(pool), log_of_two()
    await everywhere(pool, "UPDATE publish_jobs SET fence = fence + 1")
    with pytest.raises(LeaseLost):
        await tell(pool, job, log)
    assert await kept(pool, job.id) == []
    assert len(log.calls) == 2


async def test_calls_are_removed_after_thirty_days(pool: Pool) -> None:
    job = await claimed(pool)
    await tell(pool, job, log_of_two())
    await everywhere(
        pool, "UPDATE meta_calls SET at = now() - interval '30 days 1 minute' WHERE failure IS NOT NULL"
    )
    await everywhere(pool, "UPDATE meta_calls SET at = now() - interval '29 days' WHERE failure IS NULL")
    async with across_customers(pool) as acquired:
        await call_store.remove_old_calls(acquired)
    assert [call["status"] for call in await kept(pool, job.id)] == [400]


async def test_calls_go_with_their_job(pool: Pool) -> None:
    job = await claimed(pool)
    await tell(pool, job, log_of_two())
    await everywhere(pool, "DELETE FROM publish_jobs")
    assert await everywhere(pool, "SELECT FROM meta_calls") == []


async def another(pool: Pool, kind: str) -> None:
    async with across_customers(pool) as opened:
        await store.insert_jobs(
            opened,
            [
                store.NewJob(
                    id=uuid4(),
                    run_id=uuid4(),
                    customer_id=uuid4(),
                    kind=kind,
                    lane="act_1",
                    request={},
                    traceparent=None,
                )
            ],
        )


async def test_a_job_says_for_which_runs_of_its_lane_it_waits(pool: Pool) -> None:
    running = await claimed(pool)
    await another(pool, "publish")
    await another(pool, "sync")
    async with across_customers(pool) as opened:
        [third, second, first] = await jobs_store.list_jobs(opened, status=None, lane="act_1", limit=5)
        assert first.run_id == running.run_id
        assert await jobs_store.ahead_of(opened, third.job_id) == [first.run_id, second.run_id]
        assert await jobs_store.ahead_of(opened, second.job_id) == [first.run_id]
        assert await jobs_store.ahead_of(opened, first.job_id) == []
    async with report(Reports(pool=pool), running) as told:
        told.end("done")
    async with across_customers(pool) as opened:
        await store.claim_due_jobs(opened, limit=1, lease_seconds=30)
        assert await jobs_store.ahead_of(opened, first.job_id) == []


async def test_jobs_are_found_by_status_and_lane_and_their_pauses_with_them(pool: Pool) -> None:
    running = await claimed(pool)
    await another(pool, "sync")
    async with across_customers(pool) as opened:
        await store.save_pause(opened, scope="act_1", seconds=60)
        await store.save_pause(opened, scope="act_2", seconds=60)
        [ready] = await jobs_store.list_jobs(opened, status="ready", lane=None, limit=5)
        assert (ready.kind, ready.status) == ("sync", "ready")
        [newest] = await jobs_store.list_jobs(opened, status=None, lane="act_1", limit=1)
        assert newest == ready
        assert await jobs_store.list_jobs(opened, status=None, lane="act_9", limit=5) == []
        assert [pause["scope"] for pause in await jobs_store.pauses_of(opened, "act_1")] == ["act_1"]
        for known in (running.id, running.run_id):
            found = await jobs_store.find_job(opened, known)
            assert found is not None
            assert found.job_id == running.id
    await everywhere(pool, "DELETE FROM account_pauses")

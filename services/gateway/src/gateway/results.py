"""Use case: take in what the publisher reports about a run."""

import asyncio
from dataclasses import asdict
from functools import partial
from typing import Any, Final
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from chassis.database import Connection, Pool, transaction
from chassis.failpoints import failpoint
from chassis.inbox import first_time
from chassis.telemetry import annotate, customer_hash, get_logger, trace_id_of
from chassis.tracing import keep_trace
from contracts.events import OperatorActed, RunEvent, RunFailed, RunStarted, RunStep, RunSucceeded
from gateway.projection import is_publish_failure, project_objects, project_run
from gateway.store import ads, runs
from gateway.store.audit import add_audit_entry, pseudonym
from gateway.store.erasures import erase_what_is_over

SHOWN_APART: Final = {"run_id", "job_id", "version", "message", "step", "state"}
"""Fields of an event that the timeline shows outside of `data`."""

_log = get_logger(__name__)


class Results:
    """The projection of `ads.results` onto runs, settings and objects."""

    def __init__(self, *, pool: Pool, ring_seconds: float) -> None:
        self._pool = pool
        self._in_order: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()
        self._ring_seconds = ring_seconds

    async def record(self, event: RunEvent) -> None:
        """Apply one piece of news, in one transaction; a redelivery changes nothing.

        News of one run is taken in the order of the stream, so that an end is not shown before its timeline.
        """
        ids = {"run_id": str(event.data.run_id), "customer_id": str(event.customerid)}
        annotate(run_id=ids["run_id"], customer_hash=customer_hash(event.customerid))
        with structlog.contextvars.bound_contextvars(**ids):
            async with self._in_order.setdefault(event.data.run_id, asyncio.Lock()):
                await self._record(event)
        if isinstance(event, RunFailed):
            keep_trace(trace_id_of(event.traceparent))

    async def _record(self, event: RunEvent) -> None:
        async with transaction(self._pool, customer=event.customerid) as conn:
            if not await first_time(conn, event.id):
                return
            run = await runs.lock_run(conn, event.data.run_id)
            if run is None or run.customer_id != event.customerid:
                _log.warning("news_of_unknown_run", type=event.type)
                return
            await runs.add_step(conn, run.id, _step(event))
            after = project_run(run, event)
            if after.is_open and not run.is_open and await _other_run_is_open(conn, run):
                after = run  # a replay stays closed beside it; its end will be applied all the same
            is_late = after == run
            await _record_objects(conn, after, event, is_late=is_late)
            if not is_late:
                await runs.update_run(conn, after, ring_seconds=self._ring_seconds)
                await _record_settings(conn, after, event)
            await _record_audit(conn, run, after, event)
            if not after.is_open:
                await erase_what_is_over(conn, run.customer_id)
            await failpoint("gateway.result.before_commit")
        await failpoint("gateway.result.before_ack")
        if run.is_open and not after.is_open:
            _log.info("run_finished", status=after.status, error_code=after.error_code)


async def _other_run_is_open(conn: Connection, run: runs.AdRun) -> bool:
    # One that is being added just now is met by the index ad_runs_one_open: the news is delivered again.
    return await runs.open_run(conn, run.customer_id, run.job_type) is not None


async def _record_objects(conn: Connection, run: runs.AdRun, event: RunEvent, *, is_late: bool) -> None:
    objects = await ads.find_objects(conn, run.customer_id, lock=True)
    if state := project_objects(objects, run, event, is_late=is_late):
        await ads.save_objects(conn, run.customer_id, **asdict(state))


async def _record_settings(conn: Connection, run: runs.AdRun, event: RunEvent) -> None:
    match event:
        case RunSucceeded() if run.job_type == "publish":
            await ads.settings_published(conn, run.customer_id, event.time)
        case RunSucceeded():
            await ads.settings_synced(conn, run.customer_id, event.time)
        case RunFailed(data=failed) if run.job_type == "publish":
            status = "error" if is_publish_failure(failed) else None
            await ads.settings_failed(conn, run.customer_id, failed.message, status=status)
        case _:
            pass


async def _record_audit(conn: Connection, before: runs.AdRun, run: runs.AdRun, event: RunEvent) -> None:
    """Note how a run ended, that an operator opened it again, and what was deleted at Meta."""
    note = partial(add_audit_entry, conn, customer_id=run.customer_id, run_id=str(run.id))
    match event:
        case RunStarted(data=started) if started.replayed:
            await note("run_replay", actor="operator")
        case RunStep(data=step) if step.extra:
            extra = pseudonym(run.customer_id, step.extra_id or "")
            await note("meta_extra_object", result=step.extra, actor="publisher", extra_object=extra)
        case RunSucceeded() if run != before:
            await note("run_end", actor="publisher")
        case RunFailed(data=failed) if run != before:
            await note("run_end", result="failed", actor="publisher", error_code=failed.error_code)
        case _:
            pass


async def record_operator(pool: Pool, event: OperatorActed) -> None:
    """Note what an operator did at the publisher; a redelivery changes nothing."""
    customer_id = event.customerid if event.customerid.int else None
    async with transaction(pool, customer=customer_id) as conn:
        if await first_time(conn, event.id):
            await add_audit_entry(
                conn,
                f"operator_{event.data.action}",
                customer_id=customer_id,
                actor="operator",
                target=event.data.target,
                place=event.data.place,
            )


def _step(event: RunEvent) -> runs.RunStep:
    body: dict[str, Any] = event.data.model_dump(
        mode="json", by_alias=True, exclude=SHOWN_APART, exclude_none=True
    )
    return runs.RunStep(
        version=event.data.version,
        type=event.type,
        step=getattr(event.data, "step", None),
        state=getattr(event.data, "state", None),
        message=event.data.message,
        at=event.time,
        data=body,
    )

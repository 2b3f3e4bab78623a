"""Use case: take in what the publisher reports about a run."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from chassis.batches import Batches
from chassis.database import Connection, Pool, transaction, transaction_of
from chassis.failpoints import failpoint
from chassis.inbox import first_time
from chassis.telemetry import annotate, customer_hash, get_logger, trace_id_of
from chassis.tracing import keep_trace
from contracts.events import OperatorActed, RunEvent, RunFailed, RunStarted, RunStep, RunSucceeded
from gateway.projection import is_publish_failure, project_objects, project_run, with_state
from gateway.store import ads, news, runs
from gateway.store.audit import add_audit_entry, pseudonym
from gateway.store.erasures import erase_what_is_over

SHOWN_APART: Final = {"run_id", "job_id", "version", "message", "step", "state"}
"""Fields of an event that the timeline shows outside of `data`."""

_log = get_logger(__name__)


class Results:
    """The projection of `ads.results` onto runs, settings and objects."""

    def __init__(self, *, pool: Pool, ring_seconds: float) -> None:
        self._pool = pool
        self._batches = Batches(self._record, at_once=1)
        self._ring_seconds = ring_seconds

    async def record(self, event: RunEvent) -> None:
        """Apply one piece of news; a redelivery changes nothing.

        News is taken in the order of the stream, so that an end is not shown before its timeline; what
        arrives while other news is written is written together, in one transaction.
        """
        annotate(run_id=str(event.data.run_id), customer_hash=customer_hash(event.customerid))
        if ended := await self._batches.write(event):
            ids = {"run_id": str(ended.id), "customer_id": str(ended.customer_id)}
            _log.info("run_finished", status=ended.status, error_code=ended.error_code, **ids)
        if isinstance(event, RunFailed):
            keep_trace(trace_id_of(event.traceparent))

    async def _record(self, events: Sequence[RunEvent]) -> list[runs.AdRun | None]:
        """Write what is new in one transaction; for each event the run, if it has ended that."""
        arrived = [
            news.Arrived(event_id=event.id, run_id=event.data.run_id, customer_id=event.customerid)
            for event in events
        ]
        customers, begin = (one.customer_id for one in arrived), news.locking(arrived)
        async with transaction_of(self._pool, customers, begin=begin) as conn:
            taken = await news.take_in(conn, arrived)
            new = {event.id: event for event in events if event.id in taken.new}
            if not new:
                return [None] * len(events)
            changes = await self._apply(conn, taken, new.values())
            over = {run.customer_id for run in changes.runs.values() if not run.is_open}
            if over:
                await erase_what_is_over(conn, sorted(over))
            await failpoint("gateway.result.before_commit")
        await failpoint("gateway.result.before_ack")
        return [changes.ended.get(event.id) for event in events]

    async def _apply(self, conn: Connection, taken: news.TakenIn, events: Iterable[RunEvent]) -> news.Changes:
        """Write what the news makes of the runs that it is about, and of the objects at Meta."""
        changes, settings, objects = news.Changes(), list[ads.SettingsNews](), dict(taken.objects)
        for event in events:
            before = changes.runs.get(event.data.run_id) or taken.runs.get(event.data.run_id)
            if before is None or before.customer_id != event.customerid:
                _log.warning("news_of_unknown_run", type=event.type, run_id=str(event.data.run_id))
                continue
            run = await _after(conn, before, event)
            is_late = run == before
            stood = objects.get(run.customer_id)
            if told := project_objects(stood, run, event, is_late=is_late):
                changes.objects[run.customer_id] = told
                objects[run.customer_id] = with_state(stood, told, at=datetime.now(UTC))
            changes.runs[run.id] = run
            if not is_late:
                changes.changed.add(run.id)
                settings += _settings_news(run, event)
            if before.is_open and not run.is_open:
                changes.ended[event.id] = run
            changes.notes += _audit_notes(before, run, event)
            changes.steps.append((run.id, _step(event)))
        if settings:
            await ads.tell_settings(conn, settings)
        if changes.steps:
            await news.write(conn, changes, ring_seconds=self._ring_seconds)
        return changes


async def _after(conn: Connection, before: runs.AdRun, event: RunEvent) -> runs.AdRun:
    run = project_run(before, event)
    if run.is_open and not before.is_open and await runs.open_run(conn, run.customer_id, run.job_type):
        # A replay stays closed beside another run; its end will be applied all the same. A run that is being
        # added just now is met by the index ad_runs_one_open: the news is delivered again.
        return before
    return run


def _settings_news(run: runs.AdRun, event: RunEvent) -> Sequence[ads.SettingsNews]:
    tell = partial(ads.SettingsNews, customer_id=run.customer_id)
    match event:
        case RunSucceeded() if run.job_type == "publish":
            return [tell(published_at=event.time)]
        case RunSucceeded():
            return [tell(synced_at=event.time)]
        case RunFailed(data=failed) if run.job_type == "publish":
            return [tell(error=failed.message, status="error" if is_publish_failure(failed) else None)]
        case _:
            return []


def _audit_notes(before: runs.AdRun, run: runs.AdRun, event: RunEvent) -> Sequence[news.AuditNote]:
    """How a run ended, that an operator opened it again, and what was deleted at Meta."""

    def note(action: str, actor: str, result: str = "ok", **detail: Any) -> Sequence[news.AuditNote]:
        detail |= {"run_id": str(run.id), "actor": actor}
        return [news.AuditNote(customer_id=run.customer_id, action=action, result=result, detail=detail)]

    match event:
        case RunStarted(data=started) if started.replayed:
            return note("run_replay", "operator")
        case RunStep(data=step) if step.extra:
            extra = pseudonym(run.customer_id, step.extra_id or "")
            return note("meta_extra_object", "publisher", step.extra, extra_object=extra)
        case RunSucceeded() if run != before:
            return note("run_end", "publisher")
        case RunFailed(data=failed) if run != before:
            return note("run_end", "publisher", "failed", error_code=failed.error_code)
        case _:
            return []


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

"""News about a run, written in the transaction of the change that it tells of."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID, uuid4, uuid5

from ads_publisher import call_store, store
from ads_publisher.calls import CallLog
from ads_publisher.store import Job
from chassis.database import Connection, Pool, transaction
from chassis.outbox import add_event
from chassis.telemetry import current_traceparent, get_logger
from contracts.events import (
    RESULTS_STREAM,
    ObjectsSynced,
    ObjectsSyncedBody,
    OperatorActed,
    OperatorActedBody,
    RunFailed,
    RunFailedBody,
    RunStarted,
    RunStartedBody,
    RunStep,
    RunStepBody,
    RunSucceeded,
    RunSucceededBody,
    RunWaiting,
    RunWaitingBody,
)

SOURCE = "/ads-publisher"
NOBODY: Final = UUID(int=0)
_log = get_logger(__name__)
_LOGGED: Final = (
    "step",
    "state",
    "attempt",
    "mode",
    "until",
    "error_code",
    "fixed_by",
    "campaign_id",
    "adset_id",
    "meta_code",
    "fbtrace_id",
    "replayed",
)
"""What a log line says of an event. Not its text, which may name people."""
_EVENTS: dict[type[Any], type[Any]] = {
    RunStartedBody: RunStarted,
    RunStepBody: RunStep,
    RunWaitingBody: RunWaiting,
    RunSucceededBody: RunSucceeded,
    RunFailedBody: RunFailed,
    ObjectsSyncedBody: ObjectsSynced,
}


class Report:
    """One transaction about one run. Every report proves by its version number that the lease is held."""

    def __init__(self, connection: Connection, job: Job, *, after_end: bool = False) -> None:
        self.connection = connection
        self._job = job
        self._number = store.next_version_after_end if after_end else store.next_version
        self._is_over = after_end
        self._after: list[Callable[[], None]] = []

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Count or log something once it is sure to have happened."""
        self._after.append(tell)

    def committed(self) -> None:
        for tell in self._after:
            tell()

    async def tell(self, body: type[Any], **fields: Any) -> None:
        """Number one event and put it into the outbox.

        Raises:
            LeaseLost: the run belongs to another process now.
        """
        job = self._job
        version = await self._number(self.connection, job)
        event = _EVENTS[body](
            # Derived, so that news sent twice has the same id.
            id=event_id(job.id, version),
            source=SOURCE,
            time=datetime.now(UTC),
            subject=str(job.run_id),
            traceparent=current_traceparent() or job.traceparent,
            customerid=job.customer_id,
            data=body(run_id=job.run_id, job_id=job.id, version=version, **fields),
        )
        await add_event(self.connection, RESULTS_STREAM, event)
        told = {name: fields[name] for name in _LOGGED if fields.get(name) is not None}
        if not self._is_over:  # whoever tells of a run that is over says so in its own words
            self.after_commit(partial(_log.info, event.type.lower(), run_version=version, **told))


async def tell_operator_acted(
    connection: Connection,
    action: Literal["dead_replay", "bundle"],
    *,
    target: str,
    customer_id: UUID | None,
    place: str | None = None,
) -> None:
    """Have the gateway's audit log note what an operator does here; rather in the deed's own transaction."""
    event = OperatorActed(
        id=uuid4(),
        source=SOURCE,
        time=datetime.now(UTC),
        subject=target,
        customerid=customer_id or NOBODY,
        data=OperatorActedBody(action=action, target=target, place=place),
    )
    await add_event(connection, RESULTS_STREAM, event)


def event_id(job_id: UUID, version: int) -> UUID:
    return uuid5(job_id, str(version))


@asynccontextmanager
async def report(
    pool: Pool,
    job: Job,
    *,
    after_end: bool = False,
    log: CallLog | None = None,
    step: str | None = None,
    attempt: int | None = None,
) -> AsyncIterator[Report]:
    """Open the transaction of one report; `after_end` is for news about a run that is over.

    `log` holds the calls to Meta since the last report, for `step` and `attempt`: kept with this one.

    Raises:
        LeaseLost: the run belongs to another process now; nothing was written.
        Unavailable: the database does not answer.
    """
    async with transaction(pool, customer=job.customer_id) as connection:
        news = Report(connection, job, after_end=after_end)
        yield news
        if log:
            await call_store.insert_calls(connection, job.id, log, step=step, attempt=attempt)
    if log:
        log.calls.clear()
    news.committed()

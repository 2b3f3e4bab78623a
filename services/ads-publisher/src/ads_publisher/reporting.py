"""News about a run, written in the transaction of the change that it tells of."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Concatenate, Final, Literal, ParamSpec
from uuid import UUID, uuid4, uuid5

from ads_publisher import store
from ads_publisher.calls import CallLog
from ads_publisher.report_store import Draft, Journaled, write_reports
from ads_publisher.store import DeadReason, Job
from chassis.batches import Batches
from chassis.database import Connection, Pool, transaction, transaction_of
from chassis.outbox import add_event
from chassis.telemetry import current_traceparent, get_logger
from contracts.events import (
    RESULTS_STREAM,
    RUN_EVENT_OF,
    OperatorActed,
    OperatorActedBody,
)

SOURCE = "/ads-publisher"
NOBODY: Final = UUID(int=0)
WRITES_AT_ONCE: Final = 2
"""Four gather less, and cost Postgres a tenth more with 100 runs in hand. One could be held up by a lock."""
Arguments = ParamSpec("Arguments")
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


class Report:
    """What is going to be said and changed at once, if the lease is still held."""

    def __init__(self, job: Job, draft: Draft) -> None:
        self.draft = draft
        self.journaled: Journaled | None = None
        """The intent of the draft, once the report is written."""
        self._job = job
        self._after: list[Callable[[], None]] = []

    def change(
        self,
        statement: Callable[Concatenate[Connection, Arguments], Awaitable[None]],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> None:
        """Change what only some reports do. It is undone, too, when the lease turns out to be lost."""
        self.draft.changes.append(lambda connection: statement(connection, *args, **kwargs))

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Count or log something once it is sure to have happened."""
        self._after.append(tell)

    def committed(self) -> None:
        self._job.version += len(self.draft.events)
        for tell in self._after:
            tell()

    def tell(self, body: type[Any], **fields: Any) -> None:
        """Number one event, to be put into the outbox."""
        version = self._job.version + len(self.draft.events) + 1
        event = _event(self._job, version, body, fields)
        self.draft.events.append(event)
        told = {name: fields[name] for name in _LOGGED if fields.get(name) is not None}
        self.after_commit(partial(_log.info, event.type.lower(), run_version=version, **told))

    def wait(self, seconds: float) -> None:
        """Give the job back for some seconds; counts as one more deferral in a row."""
        self.draft.status, self.draft.wait_seconds = "ready", seconds

    def end(self, status: Literal["done", "failed"], *, dead_reason: DeadReason | None = None) -> None:
        """End the job; with a reason, an operator may open it again."""
        self.draft.status, self.draft.dead_reason = status, dead_reason


class LateReport:
    """News about a run that is over: nothing of it changes but its number of news."""

    def __init__(self, connection: Connection, job: Job) -> None:
        self.connection = connection
        self._job = job

    async def tell(self, body: type[Any], **fields: Any) -> None:
        """Number one event and put it into the outbox.

        Raises:
            LeaseLost: the run is not over.
        """
        version = await store.next_version_after_end(self.connection, self._job)
        await add_event(self.connection, RESULTS_STREAM, _event(self._job, version, body, fields))


def _event(job: Job, version: int, body: type[Any], fields: Mapping[str, Any]) -> Any:
    return RUN_EVENT_OF[body](
        # Derived, so that news sent twice has the same id.
        id=event_id(job.id, version),
        source=SOURCE,
        time=datetime.now(UTC),
        subject=str(job.run_id),
        traceparent=current_traceparent() or job.traceparent,
        customerid=job.customer_id,
        data=body(run_id=job.run_id, job_id=job.id, version=version, **fields),
    )


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


class Reports:
    """Writes the reports of all runs of this process: in one transaction those that are ready together."""

    def __init__(self, *, pool: Pool) -> None:
        self._pool = pool
        self._batches = Batches(self._write, at_once=WRITES_AT_ONCE)

    async def write(self, job: Job, draft: Draft) -> Journaled | None:
        """Write one report; returns its intent as journaled, if it has one.

        Raises:
            LeaseLost: the job belongs to another process now; nothing of this report was written.
            Unavailable: the database does not answer.
        """
        if draft.changes:
            [journaled] = await self._write([(job, draft)])
            return journaled
        return await self._batches.write((job, draft))

    async def _write(self, reports: Sequence[tuple[Job, Draft]]) -> list[Journaled | None]:
        async with transaction_of(self._pool, (job.customer_id for job, _ in reports)) as connection:
            for _, draft in reports:
                for change in draft.changes:
                    await change(connection)
            return await write_reports(connection, reports)


@asynccontextmanager
async def report(
    reports: Reports,
    job: Job,
    *,
    log: CallLog | None = None,
    step: str | None = None,
    attempt: int | None = None,
) -> AsyncIterator[Report]:
    """Draft one report, and write it at the end of the block, in a transaction that proves the lease.

    `log` holds the calls to Meta since the last report, for `step` and `attempt`: kept with this one.

    Raises:
        LeaseLost: the run belongs to another process now; nothing was written.
        Unavailable: the database does not answer.
    """
    draft = Draft(step=step, attempt=attempt)
    news = Report(job, draft)
    yield news
    if log:
        draft.calls, draft.account = tuple(log.calls), log.account
    news.journaled = await reports.write(job, draft)
    if log:
        log.calls.clear()
    news.committed()


@asynccontextmanager
async def report_after_end(pool: Pool, job: Job) -> AsyncIterator[LateReport]:
    """Open the transaction of news about a run that is over.

    Raises:
        LeaseLost: it is not; nothing was written.
        Unavailable: the database does not answer.
    """
    async with transaction(pool, customer=job.customer_id) as connection:
        yield LateReport(connection, job)

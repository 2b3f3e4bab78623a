"""The sweeper: after an answer was lost, looks again and again whether an extra object came to light.

The protocol lets none arise while Meta honours the proof's expiry and shows a create in time. Should it not,
the extra is PAUSED and unspent, and it is deleted here, but only when it is certainly ours and untouched.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from ads_publisher import call_store, metrics, store, sweep_store
from ads_publisher.calls import CallLog
from ads_publisher.checks import connection_problem
from ads_publisher.grants import Grants
from ads_publisher.graph import Access, GraphClient
from ads_publisher.meta_calls import about
from ads_publisher.meta_errors import advise
from ads_publisher.outcomes import Created, ReadFailed, Refused
from ads_publisher.reconcile import CREATED_MARGIN_SECONDS, find_by_marker
from ads_publisher.reporting import report_after_end
from ads_publisher.run import NAMES
from ads_publisher.saga import Attempt
from ads_publisher.settings import Settings
from ads_publisher.store import Job, LeaseLost
from chassis.database import Pool, across_customers, transaction
from chassis.errors import Unavailable
from chassis.failpoints import failpoint
from chassis.telemetry import customer_hash, get_logger, span
from contracts.events import RunStepBody

EVERY_SECONDS: Final = 5.0
BATCH: Final = 10
LEASE_SECONDS: Final = 60.0
"""A sweep that died is taken up again after this."""

_log = get_logger(__name__)


@dataclass(kw_only=True)
class Sweeper:
    """Sweeps what is due; any process may, each attempt is leased while it is swept."""

    pool: Pool
    settings: Settings
    grants: Grants
    graph: GraphClient

    async def sweep_due(self) -> None:
        """One round.

        Raises:
            Unavailable: the database does not answer.
        """
        async with across_customers(self.pool) as acquired:
            due = await sweep_store.claim_due_sweeps(
                acquired,
                limit=BATCH,
                lease_seconds=LEASE_SECONDS,
                first_after_seconds=self.settings.sweep_after_seconds[0],
            )
        for attempt, job, ad_account_id, sweeps in due:
            log = CallLog()
            try:
                extra = await self._sweep_in_span(attempt, job, ad_account_id, log)
            except (ReadFailed, Unavailable, LeaseLost) as exc:
                metrics.sweeps.add(1, {"result": "delayed"})
                _log.warning("sweep_delayed", run_id=str(job.run_id), reason=str(exc))
                continue
            metrics.sweeps.add(1, {"result": "extra" if extra else "clean"})
            schedule = self.settings.sweep_after_seconds[sweeps + 1 :]
            async with transaction(self.pool, customer=job.customer_id) as acquired:
                await sweep_store.record_sweep(
                    acquired,
                    attempt.id,
                    next_after_seconds=schedule[0] if schedule else None,
                    extra_ids=extra,
                )
                await call_store.insert_calls(
                    acquired, job.id, log, step=attempt.step, attempt=attempt.number
                )

    async def _sweep_in_span(self, attempt: Attempt, job: Job, ad_account_id: str, log: CallLog) -> list[str]:
        attributes = {"run.id": str(job.run_id), "customer.hash": customer_hash(job.customer_id)}
        ids = {"run_id": str(job.run_id), "customer_id": str(job.customer_id)}
        with (
            structlog.contextvars.bound_contextvars(**ids),
            span("sweep", traceparent=job.traceparent, attributes=attributes),
            about(attempt.step, attempt=attempt.number),
        ):
            extra = await self._sweep(attempt, job, ad_account_id, log)
            _log.info("swept", step=attempt.step, extra=len(extra))
            return extra

    async def _sweep(self, attempt: Attempt, job: Job, ad_account_id: str, log: CallLog) -> list[str]:
        """Look at one attempt's marker; returns the ids that were one too many."""
        grant = await self.grants.grant(job.customer_id, job.run_id)
        if connection_problem(grant) or grant.access_token is None:
            return []
        access = Access(ad_account_id=ad_account_id, token=grant.access_token.get_secret_value(), log=log)
        found = await find_by_marker(self.graph, access, attempt)
        async with transaction(self.pool, customer=job.customer_id) as acquired:
            [journal] = await store.load_journals(acquired, [(job.customer_id, ad_account_id)])
        same_step = [a for a in journal.attempts if a.run_id == attempt.run_id and a.step == attempt.step]
        if any(a.unsettled for a in same_step):
            return []  # The run itself is still looking.
        known = {a.object_id for a in same_step}
        extra = [object_id for object_id in found if object_id not in known]
        for object_id in extra:
            reason = await self._reason_to_leave(access, attempt, object_id)
            if reason is None:
                reason = await self._delete(access, object_id)
            await self._tell(job, attempt, object_id, reason)
        return extra

    async def _reason_to_leave(self, access: Access, attempt: Attempt, object_id: str) -> str | None:
        """Why this object must not be deleted by us; None when it may be."""
        node = await self.graph.read_object(access, object_id, "id,status,created_time")
        ads = await self.graph.read_edge(access, f"/{object_id}/ads", {"fields": "id", "limit": "1"})
        insights = await self.graph.read_edge(access, f"/{object_id}/insights", {"fields": "spend"})
        if node.get("status") != "PAUSED":
            return f"its status is {node.get('status')}"
        if ads:
            return "it has ads"
        if any(float(row.get("spend") or 0) > 0 for row in insights):
            return "it has spent money"
        if not _in_window(attempt, node):
            return "it was not created when this run tried to"
        return None

    async def _delete(self, access: Access, object_id: str) -> str | None:
        await failpoint("publisher.sweep.before_delete")
        outcome = await self.graph.delete(access, object_id)
        await failpoint("publisher.sweep.after_delete")
        gone = isinstance(outcome, Refused) and advise(outcome.error).kind == "gone"
        if isinstance(outcome, Created) or gone:
            return None
        raise ReadFailed(f"delete: {type(outcome).__name__}")

    async def _tell(self, job: Job, attempt: Attempt, object_id: str, reason: str | None) -> None:
        name = NAMES[attempt.step]
        message = (
            f"A second {name} {object_id} had come of a lost answer; it was PAUSED and has been deleted."
            if reason is None
            else f"Meta has a second {name} {object_id} of this run. It was left alone because {reason}."
        )
        action = "deleted" if reason is None else "left"
        metrics.findings.add(1, {"step": attempt.step, "action": action})
        _log.warning("extra_object", object_id=object_id, left_because=reason)
        async with report_after_end(self.pool, job) as news:
            await news.tell(
                RunStepBody,
                step=attempt.step,
                state="note",
                message=message,
                extra=action,
                extra_id=object_id,
            )


def _in_window(attempt: Attempt, node: dict[str, Any]) -> bool:
    try:
        created = datetime.fromisoformat(str(node.get("created_time")))
    except ValueError:
        return False
    return created >= attempt.intent_at - timedelta(seconds=CREATED_MARGIN_SECONDS)

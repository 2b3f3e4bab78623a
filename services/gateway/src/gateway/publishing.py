"""Use cases: accept a publish or a sync, and read runs.

Accepting is one transaction: the run, the idempotency key with its answer, and the event for the publisher.
Whether a publish can succeed is not looked at here; what is missing shows on the run.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Literal
from uuid import UUID, uuid4

from opentelemetry.trace import SpanKind

from chassis.database import Connection, Pool, transaction
from chassis.errors import Conflict, NotFound, RateLimited, Unavailable, ValidationFailed
from chassis.failpoints import failpoint
from chassis.metrics import labelled
from chassis.telemetry import annotate, current_traceparent, get_logger, span, trace_id_of
from contracts.events import (
    PUBLISH_STREAM,
    AdSettingsSnapshot,
    AdsPublish,
    AdsSync,
    PublishRequest,
    SyncRequest,
)
from gateway.accounts import Session
from gateway.metrics import accepted, deduped
from gateway.settings import GatewaySettings
from gateway.store import accepting, ads, runs

SOURCE: Final = "/gateway"
MAX_KEY: Final = 200
RATE_SECONDS: Final = 60
ACCEPT_TRIES: Final = 3
"""An open run may end between our refused insert and our look at it."""

JobType = Literal["publish", "sync"]

_ACCEPT: Final = {
    "db.system.name": "postgresql",
    "db.operation.name": "TRANSACTION",
    "db.query.summary": "INSERT ad_runs INSERT outbox",
}

_log = get_logger(__name__)


class UnknownRun(NotFound):
    """No such run, or one of another customer: both get this answer."""

    def __init__(self) -> None:
        super().__init__("Run not found", hint="List your runs with GET /ads/runs.")


class TooManyRuns(RateLimited):
    """This customer has started as many runs of a type as a minute may have."""

    def __init__(self, job_type: JobType, wait_seconds: float = 1.0) -> None:
        what = "publishes" if job_type == "publish" else "syncs"
        super().__init__(
            f"Too many {what} within a minute",
            hint="Wait as long as Retry-After says.",
            retry_after_seconds=wait_seconds,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Acceptance:
    """`is_new`: not answered by a run that was open already. `replayed`: the same key came before."""

    run_id: UUID
    job_id: UUID
    is_new: bool
    replayed: bool = False


class Publishing:
    """Accepts publishes and syncs, and tells about runs."""

    def __init__(self, *, pool: Pool, settings: GatewaySettings) -> None:
        self._pool = pool
        self._settings = settings

    async def request(
        self, job_type: JobType, session: Session, *, body: Mapping[str, Any], key: str | None
    ) -> Acceptance:
        """Accept a run, or answer with the one that is open already.

        Raises:
            ValidationFailed: the key is unusable.
            Conflict: the key came before with another body or for another route.
            TooManyRuns: the customer has started too many within the last minute.
        """
        with span(f"accept {job_type}", kind=SpanKind.CLIENT, attributes=_ACCEPT):
            acceptance = await self._accept_or_replay(job_type, session, body=body, key=key)
            annotate(run_id=str(acceptance.run_id))
        annotate(run_id=str(acceptance.run_id))
        _tell(acceptance, job_type, session)
        return acceptance

    async def _accept_or_replay(
        self, job_type: JobType, session: Session, *, body: Mapping[str, Any], key: str | None
    ) -> Acceptance:
        async with transaction(self._pool, customer=session.customer_id) as conn:
            replay = await _claim_key(conn, session.customer_id, key, job_type, body) if key else None
            if replay:
                return replay
            acceptance = await self._accept(conn, job_type, session)
            if key:
                await _keep_answer(conn, session.customer_id, key, acceptance)
            await failpoint("gateway.accept.before_commit")
        await failpoint("gateway.accept.after_commit")
        return acceptance

    async def list_runs(
        self, customer_id: UUID, *, limit: int, before: UUID | None
    ) -> tuple[list[runs.AdRun], bool]:
        """The newest runs, or those older than the run `before`; True when there are still older ones.

        Raises:
            UnknownRun: `before` is not a run of this customer.
        """
        async with transaction(self._pool, customer=customer_id) as conn:
            cursor = await runs.find_run(conn, customer_id, before) if before else None
            if before and cursor is None:
                raise UnknownRun
            found = await runs.list_runs(conn, customer_id, limit=limit + 1, before=cursor)
        return found[:limit], len(found) > limit

    async def run(self, customer_id: UUID, run_id: UUID) -> tuple[runs.AdRun, list[runs.RunStep]]:
        """One run with its timeline.

        Raises:
            UnknownRun: not a run of this customer.
        """
        async with transaction(self._pool, customer=customer_id) as conn:
            found = await runs.find_run_with_steps(conn, customer_id, run_id)
        if found is None:
            raise UnknownRun
        return found

    async def objects(self, customer_id: UUID) -> ads.AdObjects | None:
        """What stands at Meta for a customer."""
        async with transaction(self._pool, customer=customer_id) as conn:
            return await ads.find_objects(conn, customer_id)

    async def _accept(self, conn: Connection, job_type: JobType, session: Session) -> Acceptance:
        for _ in range(ACCEPT_TRIES):
            run_id, job_id = uuid4(), uuid4()
            begun = await accepting.begin_run(
                conn,
                session.customer_id,
                run_id=run_id,
                job_id=job_id,
                job_type=job_type,
                trace_id=trace_id_of(current_traceparent()),
                ring_seconds=self._settings.rering_after_seconds,
            )
            if begun.added:
                await self._tell(
                    conn, job_type, session, self._event(job_type, session, run_id, job_id, begun)
                )
                return Acceptance(run_id=run_id, job_id=job_id, is_new=True)
            if open_run := await runs.open_run(conn, session.customer_id, job_type):
                return Acceptance(run_id=open_run[0], job_id=open_run[1], is_new=False)
        raise Unavailable("Runs of this customer start and end too quickly. Try again in a moment.")

    async def _tell(
        self, conn: Connection, job_type: JobType, session: Session, event: AdsPublish | AdsSync
    ) -> None:
        # Only new runs are counted: an open run and a key that came before answer without getting here.
        wait_seconds = await accepting.tell_run(
            conn,
            session.customer_id,
            stream=PUBLISH_STREAM,
            event=event,
            user_id=session.user_id,
            action=f"ads_{job_type}",
            detail={"run_id": event.subject},
            job_type=job_type,
            allowed=self._settings.runs_per_minute,
            window_seconds=RATE_SECONDS,
        )
        if wait_seconds:
            raise TooManyRuns(job_type, wait_seconds)

    def _event(
        self, job_type: JobType, session: Session, run_id: UUID, job_id: UUID, begun: accepting.Begun
    ) -> AdsPublish | AdsSync:
        envelope: dict[str, Any] = {
            "id": job_id,
            "source": SOURCE,
            "time": datetime.now(UTC),
            "subject": str(run_id),
            "traceparent": current_traceparent(),
            "customerid": session.customer_id,
        }
        account = begun.ad_account_id
        if job_type == "sync":
            return AdsSync(**envelope, data=SyncRequest(run_id=run_id, ad_account_id=account))
        return AdsPublish(
            **envelope,
            data=PublishRequest(
                run_id=run_id,
                ad_account_id=account,
                settings=_snapshot(begun.settings),
                default_monthly_budget=self._settings.default_monthly_budget,
            ),
        )


def _tell(acceptance: Acceptance, job_type: JobType, session: Session) -> None:
    is_new = acceptance.is_new and not acceptance.replayed
    reason = None if is_new else "idempotency_key" if acceptance.replayed else "open_run"
    if is_new:
        accepted.add(1, {"job_type": job_type})
    else:
        deduped.add(1, {"job_type": job_type, "reason": str(reason)})
    _log.info(
        "run_accepted" if is_new else "run_deduped",
        run_id=str(acceptance.run_id),
        job_type=job_type,
        customer_id=str(session.customer_id),
        **labelled(reason=reason),
    )


def _snapshot(settings: ads.AdSettings | None) -> AdSettingsSnapshot | None:
    if settings is None:
        return None
    return AdSettingsSnapshot(
        geo_mode="radius" if settings.geo_mode == "radius" else "regions",
        geo_center_text=settings.geo_center_text,
        geo_radius_km=settings.geo_radius_km,
        geo_regions=tuple(settings.geo_regions or ()),
        formats=tuple(settings.formats),
        cta_type=settings.cta_type,
        budget_override=settings.budget_override,
    )


async def _claim_key(
    conn: Connection, customer_id: UUID, key: str, job_type: JobType, body: Mapping[str, Any]
) -> Acceptance | None:
    if not key.isascii() or not key.isprintable() or len(key) > MAX_KEY:
        raise ValidationFailed(f"Idempotency-Key must be printable ASCII of at most {MAX_KEY} characters")
    fingerprint = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    used = await runs.claim_key(conn, customer_id, key, route=job_type, fingerprint=fingerprint)
    if used is None:
        return None
    if (used.route, used.fingerprint) != (job_type, fingerprint):
        raise Conflict(
            "This Idempotency-Key was used for another request", hint="Use a new key for a new request."
        )
    return Acceptance(
        run_id=UUID(used.response["runId"]),
        job_id=UUID(used.response["jobId"]),
        is_new=used.status == HTTPStatus.CREATED,
        replayed=True,
    )


async def _keep_answer(conn: Connection, customer_id: UUID, key: str, accepted: Acceptance) -> None:
    await runs.keep_answer(
        conn,
        customer_id,
        key,
        status=HTTPStatus.CREATED if accepted.is_new else HTTPStatus.OK,
        response={"runId": str(accepted.run_id), "jobId": str(accepted.job_id)},
    )

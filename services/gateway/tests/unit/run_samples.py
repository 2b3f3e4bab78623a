"""A run, and news about it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts.events import (
    RUN_EVENT_OF,
    RunEvent,
)
from gateway.projection import project_run
from gateway.store.runs import AdRun

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
RUN_ID, JOB_ID, CUSTOMER = uuid4(), uuid4(), uuid4()
QUEUED = AdRun(
    id=RUN_ID,
    customer_id=CUSTOMER,
    job_id=JOB_ID,
    job_type="publish",
    trigger="manual",
    status="queued",
    mode=None,
    ad_account_id=None,
    campaign_id=None,
    adset_id=None,
    step=None,
    hint=None,
    error_code=None,
    fixed_by=None,
    error_message=None,
    trace_id=None,
    last_version=0,
    created_at=NOON,
    started_at=None,
    finished_at=None,
)


def a_run(**changed: Any) -> AdRun:
    return replace(QUEUED, **changed)


def news(version: int, body: type[Any], **fields: Any) -> RunEvent:
    fields.setdefault("message", f"news {version}")
    event: RunEvent = RUN_EVENT_OF[body](
        id=UUID(int=version),
        source="/ads-publisher",
        time=NOON + timedelta(seconds=version),
        subject=str(RUN_ID),
        customerid=CUSTOMER,
        data=body(run_id=RUN_ID, job_id=JOB_ID, version=version, **fields),
    )
    return event


def after(run: AdRun, *events: RunEvent) -> AdRun:
    for event in events:
        run = project_run(run, event)
    return run

"""What a piece of news makes of a run and of the objects at Meta. Pure: rows in, rows out.

Versions rise with each news of a run, but may arrive in another order. Older news only fills what is still
empty. A run that has ended well never changes again; one that has failed does when an operator replays it:
newer news opens it, or ends it anew.
"""

from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Final, assert_never
from uuid import uuid4

from contracts.events import (
    ObjectsSynced,
    ObjectsSyncedBody,
    RunEvent,
    RunFailed,
    RunFailedBody,
    RunStarted,
    RunStep,
    RunStepBody,
    RunSucceeded,
    RunSucceededBody,
    RunWaiting,
)
from gateway.store.ads import AdObjects
from gateway.store.news import ObjectsState
from gateway.store.runs import AdRun

PLACEHOLDER: Final = "dev-"
"""Ids of the simulation begin with this and never count as existing objects in real mode."""
META_STEPS: Final = ("campaign", "adset")
TROUBLED: Final = frozenset({"WITH_ISSUES", "DISAPPROVED"})
GONE: Final = frozenset({"DELETED", "ARCHIVED"})


def project_run(run: AdRun, event: RunEvent) -> AdRun:
    """The run after this news; the same run when the news changes nothing."""
    is_late = event.data.version <= run.last_version
    if run.is_open:
        return _fill_gaps(run, event) if is_late else _move_on(run, event)
    return run if is_late or not _is_of_a_replay(run, event) else _move_on(run, event)


def _is_of_a_replay(run: AdRun, event: RunEvent) -> bool:
    """True for news that comes after the end of a run only when the run was replayed.

    A new end counts without the start before it: the start may come later, or the run be kept closed.
    """
    if run.status != "failed":
        return False
    match event:
        case RunStarted(data=started):
            return started.replayed
        case RunSucceeded() | RunFailed():
            return True
        case _:
            return False


def _move_on(run: AdRun, event: RunEvent) -> AdRun:
    running = replace(
        run,
        status="running",
        started_at=run.started_at or event.time,
        finished_at=None,
        last_version=event.data.version,
        hint=None,
        error_code=None,
        error_message=None,
        fixed_by=None,
    )
    match event:
        case RunStarted(data=started):
            return replace(running, mode=started.mode)
        case RunStep(data=step):
            hint = step.message if step.state == "checking" else None
            return replace(_with_ids(running, step), step=step.step, hint=hint)
        case RunWaiting(data=waiting):
            return replace(running, step=waiting.step, hint=waiting.message)
        case RunSucceeded(data=succeeded):
            done = replace(running, status="success", mode=succeeded.mode, finished_at=event.time)
            return _with_ids(done, succeeded)
        case RunFailed(data=failed):
            return _failed(running, failed, event.time)
        case ObjectsSynced(data=synced):
            return replace(running, campaign_id=synced.campaign_id, adset_id=synced.adset_id)
        case _:
            assert_never(event)


def project_objects(
    objects: AdObjects | None, run: AdRun, event: RunEvent, *, is_late: bool
) -> ObjectsState | None:
    """What to write into the objects row; None when this news does not concern it.

    `run` is the run after `project_run`, so its ids are complete. News that is late for its run may still be
    the only one to say what Meta says: it counts, unless the row has been changed since it was written.
    """
    if is_late and not (isinstance(event, ObjectsSynced) and _is_newer(event, objects)):
        return None
    match event:
        case RunStep() if run.job_type == "publish":
            return _step_taken(objects, run)
        case RunSucceeded(data=succeeded) if run.job_type == "publish":
            return replace(
                _kept(objects, run),
                campaign_id=run.campaign_id,
                adset_id=run.adset_id,
                catalog_id=succeeded.catalog_id,
                ad_id=succeeded.ad_id,
                status="paused",
                last_publish_error=None,
            )
        case RunFailed(data=failed) if run.job_type == "publish" and is_publish_failure(failed):
            return _publish_failed(_kept(objects, run), failed)
        case ObjectsSynced(data=synced):
            return _seen_at_meta(objects, run, synced, event.time)
        case _:
            return None


def with_state(objects: AdObjects | None, state: ObjectsState, *, at: datetime) -> AdObjects:
    """The objects row once this state is written into it."""
    if objects is None:
        return AdObjects(id=uuid4(), creative_id=None, created_at=at, updated_at=at, **asdict(state))
    return replace(objects, creative_id=None, updated_at=at, **asdict(state))


def _is_newer(event: ObjectsSynced, objects: AdObjects | None) -> bool:
    return objects is None or objects.updated_at < event.time


def is_publish_failure(failed: RunFailedBody) -> bool:
    """True when the publish itself failed, at Meta; False when something had to be set up before."""
    return failed.meta_code is not None or failed.error_code == "META_API_ERROR" or failed.step in META_STEPS


def _fill_gaps(run: AdRun, event: RunEvent) -> AdRun:
    match event:
        case RunStarted(data=started):
            first = min(run.started_at or event.time, event.time)
            return replace(run, mode=run.mode or started.mode, started_at=first)
        case RunStep(data=step):
            return replace(
                run,
                campaign_id=run.campaign_id or step.campaign_id,
                adset_id=run.adset_id or step.adset_id,
                ad_account_id=run.ad_account_id or step.ad_account_id,
            )
        case _:
            return run


def _with_ids(run: AdRun, told: RunStepBody | RunSucceededBody | RunFailedBody) -> AdRun:
    return replace(
        run,
        ad_account_id=told.ad_account_id or run.ad_account_id,
        campaign_id=told.campaign_id or run.campaign_id,
        adset_id=told.adset_id or run.adset_id,
    )


def _failed(run: AdRun, failed: RunFailedBody, at: datetime) -> AdRun:
    return replace(
        _with_ids(run, failed),
        status="failed",
        mode=failed.mode,
        step=failed.step or run.step,
        finished_at=at,
        error_message=failed.message,
        error_code=failed.error_code,
        hint=failed.hint,
        fixed_by=failed.fixed_by,
    )


def _as_stored(objects: AdObjects) -> ObjectsState:
    return ObjectsState(**{field.name: getattr(objects, field.name) for field in fields(ObjectsState)})


def _kept(objects: AdObjects | None, run: AdRun) -> ObjectsState:
    """What stays of the stored row beside the run's own ids.

    Ids of another ad account, of a simulation (unless this is one) and below another campaign do not.
    """
    campaign, adset = run.campaign_id, run.adset_id
    if objects is None:
        return ObjectsState(ad_account_id=run.ad_account_id, campaign_id=campaign, adset_id=adset)
    stored = replace(_as_stored(objects), ad_account_id=run.ad_account_id or objects.ad_account_id)
    if not _counts(objects, run):
        return replace(
            stored, catalog_id=None, campaign_id=campaign, adset_id=adset, ad_id=None, last_synced_at=None
        )
    return replace(stored, adset_id=run.adset_id or objects.adset_id)


def _counts(objects: AdObjects, run: AdRun) -> bool:
    is_placeholder = (objects.campaign_id or "").startswith(PLACEHOLDER)
    return (
        is_placeholder == (run.mode == "sim")
        and objects.ad_account_id in (None, run.ad_account_id or objects.ad_account_id)
        and run.campaign_id in (None, objects.campaign_id)
    )


def _step_taken(objects: AdObjects | None, run: AdRun) -> ObjectsState | None:
    if run.step not in META_STEPS or not (objects or run.campaign_id):
        return None
    return replace(_kept(objects, run), last_publish_step=run.step)


def _publish_failed(kept: ObjectsState, failed: RunFailedBody) -> ObjectsState:
    return replace(
        kept,
        status="error",
        # With a campaign, what is said about the ad set is the whole truth: none may be left.
        adset_id=failed.adset_id if failed.campaign_id else kept.adset_id,
        last_publish_step=failed.step or kept.last_publish_step,
        last_publish_error=failed.message,
    )


def _seen_at_meta(
    objects: AdObjects | None, run: AdRun, synced: ObjectsSyncedBody, at: datetime
) -> ObjectsState | None:
    if objects is None and synced.campaign_id is None:
        return None
    kept = _kept(objects, run)
    return replace(
        kept,
        ad_account_id=synced.ad_account_id or kept.ad_account_id,
        campaign_id=synced.campaign_id,
        adset_id=synced.adset_id,
        status=_status_at_meta(synced),
        last_synced_at=at,
    )


def _status_at_meta(synced: ObjectsSyncedBody) -> str:
    statuses = {synced.campaign_status, synced.adset_status}
    if synced.campaign_id is None or synced.adset_id is None or statuses & (TROUBLED | GONE):
        return "error"
    return "active" if statuses == {"ACTIVE"} else "paused"

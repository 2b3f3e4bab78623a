"""`/ads/*` and `/runs`: settings, publishing, and what became of it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Header, Query, Response

from chassis.errors import Conflict, ValidationFailed
from gateway.ad_settings import save_settings
from gateway.bodies.ads import (
    Accepted,
    AdSettingsBody,
    AdSettingsView,
    AdsStatus,
    AnyRun,
    AnyRunList,
    ObjectsView,
    RunList,
    RunStepView,
    RunWithSteps,
)
from gateway.context import ContextDep
from gateway.guard import CustomerDep, OptionalCustomerDep
from gateway.openapi import customer_get, customer_post
from gateway.overview import objects_view, run_view, settings_view
from gateway.publishing import MAX_KEY, Acceptance, UnknownRun

KEY_REUSED = Conflict(
    "This Idempotency-Key was used for another request", hint="Use a new key for a new request."
)
BAD_KEY = ValidationFailed(f"Idempotency-Key must be printable ASCII of at most {MAX_KEY} characters")
BAD_LIMIT = ValidationFailed("limit must be a whole number")
NO_RUN = UnknownRun()
OPEN_RUN: dict[int | str, dict[str, Any]] = {
    200: {"model": Accepted, "description": "The open run answers for this request too (`deduped`)."}
}

NoFields = Annotated[dict[str, Any], Body(examples=[{}])]
Key = Annotated[
    str | None,
    Header(
        alias="idempotency-key",
        description="The same key with the same body gets the same answer again. Printable ASCII.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=200)]
Before = Annotated[UUID | None, Query(description="A run id: only older runs, as `nextBefore` says.")]

router = APIRouter(tags=["ads"])


@router.get("/ads/status", responses=customer_get(), summary="Everything at a glance")
async def status(session: CustomerDep, context: ContextDep) -> AdsStatus:
    return await context.status_page.read(session.customer_id)


@router.post(
    "/ads/settings",
    status_code=201,
    responses={
        200: {"model": AdSettingsView, "description": "There were settings before."},
        **customer_post(ValidationFailed("At least one format required")),
    },
    summary="Replace the ad settings",
)
async def save(
    body: AdSettingsBody, session: CustomerDep, context: ContextDep, response: Response
) -> AdSettingsView:
    settings, is_new = await save_settings(context.pool, session.customer_id, body)
    if not is_new:
        response.status_code = 200
    return settings_view(settings)


@router.post(
    "/ads/publish",
    status_code=201,
    responses={**OPEN_RUN, **customer_post(KEY_REUSED, BAD_KEY)},
    summary="Publish",
    description="Creates what is missing at Meta, PAUSED. What stands in the way shows on the run.",
)
async def publish(
    body: NoFields, session: CustomerDep, context: ContextDep, response: Response, key: Key = None
) -> Accepted:
    return _answer(await context.publishing.request("publish", session, body=body, key=key), response)


@router.post(
    "/ads/sync",
    status_code=201,
    responses={**OPEN_RUN, **customer_post(KEY_REUSED, BAD_KEY)},
    summary="Look at Meta again",
)
async def sync(
    body: NoFields, session: CustomerDep, context: ContextDep, response: Response, key: Key = None
) -> Accepted:
    return _answer(await context.publishing.request("sync", session, body=body, key=key), response)


@router.get(
    "/ads/runs",
    responses=customer_get(BAD_LIMIT, NO_RUN),
    summary="Runs, newest first",
)
async def list_runs(
    session: CustomerDep, context: ContextDep, limit: Limit = 50, before: Before = None
) -> RunList:
    found, has_more = await context.publishing.list_runs(session.customer_id, limit=limit, before=before)
    return RunList(data=[run_view(run) for run in found], next_before=found[-1].id if has_more else None)


@router.get(
    "/ads/runs/{run_id}",
    responses=customer_get(NO_RUN),
    summary="One run with its timeline",
)
async def run(run_id: str, session: CustomerDep, context: ContextDep) -> RunWithSteps:
    try:
        wanted = UUID(run_id)
    except ValueError as exc:
        raise UnknownRun from exc
    found, steps = await context.publishing.run(session.customer_id, wanted)
    return RunWithSteps(
        **dict(run_view(found)),
        steps=[RunStepView.model_validate(step, from_attributes=True) for step in steps],
    )


@router.get(
    "/runs",
    responses=customer_get(BAD_LIMIT, NO_RUN),
    summary="Runs of a kind, newest first",
)
async def list_any_runs(
    kind: Annotated[Literal["ads"], Query(alias="type")],
    session: OptionalCustomerDep,
    context: ContextDep,
    limit: Limit = 50,
    before: Before = None,
) -> AnyRunList:
    assert kind == "ads"  # noqa: S101 - the only kind so far
    found, has_more = await context.publishing.list_runs(session.customer_id, limit=limit, before=before)
    return AnyRunList(
        data=[AnyRun(**dict(run_view(run))) for run in found],
        next_before=found[-1].id if has_more else None,
    )


@router.get(
    "/ads/objects",
    response_model=ObjectsView | None,
    responses=customer_get(),
    summary="What was created",
)
async def objects(session: CustomerDep, context: ContextDep) -> ObjectsView | None:
    found = await context.publishing.objects(session.customer_id)
    return objects_view(found) if found else None


def _answer(accepted: Acceptance, response: Response) -> Accepted:
    if accepted.replayed:
        response.headers["idempotency-replayed"] = "true"
    if not accepted.is_new:
        response.status_code = 200
    return Accepted(run_id=accepted.run_id, job_id=accepted.job_id, deduped=None if accepted.is_new else True)

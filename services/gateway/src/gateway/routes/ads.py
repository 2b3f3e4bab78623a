"""`/ads/*` and `/runs`: settings, publishing, and what became of it."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Header, Query, Response
from fastapi.responses import JSONResponse
from sse_starlette import EventSourceResponse

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
    RunView,
    RunWithSteps,
)
from gateway.bundles import NoBundle, no_publisher
from gateway.context import ContextDep
from gateway.guard import CookieValue, CustomerByQueryDep, CustomerDep, OptionalCustomerDep
from gateway.openapi import customer_get, customer_post, event_stream, leads_to, operation_id
from gateway.overview import objects_view, run_view, settings_view, step_view
from gateway.progress import (
    CUSTOMER_FULL,
    LINE_END,
    PROCESS_FULL,
    RunStream,
    TooManyStreams,
    UnknownEvent,
    last_version,
)
from gateway.publishing import MAX_KEY, Acceptance, TooManyRuns, UnknownRun

KEY_REUSED = Conflict(
    "This Idempotency-Key was used for another request", hint="Use a new key for a new request."
)
BAD_KEY = ValidationFailed(f"Idempotency-Key must be printable ASCII of at most {MAX_KEY} characters")
BAD_LIMIT = ValidationFailed("limit must be a whole number")
NO_RUN = UnknownRun()
OPEN_RUN: dict[int | str, dict[str, Any]] = {
    200: {"model": Accepted, "description": "The open run answers for this request too (`deduped`)."},
    **leads_to(
        201,
        ads_run={"run_id": "$response.body#/runId"},
        ads_follow={"run_id": "$response.body#/runId"},
        ads_bundle={"run_id": "$response.body#/runId"},
        ads_list_runs={"before": "$response.body#/runId"},
    ),
}
TO_RUNS: Final = leads_to(
    200,
    ads_run={"run_id": "$response.body#/data/0/id"},
    ads_follow={"run_id": "$response.body#/data/0/id"},
    ads_bundle={"run_id": "$response.body#/data/0/id"},
    ads_list_runs={"before": "$response.body#/nextBefore"},
    ads_list_any_runs={"before": "$response.body#/nextBefore"},
)

BUNDLE: Final[dict[str, Any]] = {
    "description": "The bundle, as an attachment.",
    "content": {"application/json": {"schema": {"type": "object"}}},
}

FOLLOW: Final = """
The whole timeline first, then each entry as it comes; the stream ends with the run. After a cut, connect
again with `Last-Event-ID` (an EventSource does) to any gateway: nothing is missed, nothing comes twice.

- `step`: an entry of `steps`, as in `GET /ads/runs/{run_id}`. Its id is its `version`; versions rise.
- `end`: the run, as in `GET /ads/runs`. No more will come: close the EventSource, or it connects again.

An entry that is missing is waited for, 10 s at most; one that comes later still is only in
`GET /ads/runs/{run_id}`. Every 15 s there is a comment. The stream also ends when the session does.
In a browser: `new EventSource(url + "?customerId=" + customerId, { withCredentials: true })`.
"""
STOP_SECONDS: Final = 2.0
"""When the process stops, a stream gets this long to end by itself before it is cut."""

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
LastEventId = Annotated[
    str | None,
    Header(alias="last-event-id", description="The id of the last event that was seen: only what follows."),
]


async def _run_in_path(run_id: str) -> UUID:
    try:
        return UUID(run_id)
    except ValueError as exc:
        raise UnknownRun from exc


async def _take_place(session: CustomerByQueryDep, context: ContextDep) -> AsyncIterator[None]:
    with context.places.take(session.customer_id):
        yield  # until the last byte was sent, or the client has gone


RunId = Annotated[UUID, Depends(_run_in_path)]

router = APIRouter(tags=["ads"], generate_unique_id_function=operation_id)


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
    settings, is_new = await save_settings(context.pool, session, body)
    if not is_new:
        response.status_code = 200
    return settings_view(settings)


@router.post(
    "/ads/publish",
    status_code=201,
    responses={**OPEN_RUN, **customer_post(KEY_REUSED, BAD_KEY, TooManyRuns("publish"))},
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
    responses={**OPEN_RUN, **customer_post(KEY_REUSED, BAD_KEY, TooManyRuns("sync"))},
    summary="Look at Meta again",
)
async def sync(
    body: NoFields, session: CustomerDep, context: ContextDep, response: Response, key: Key = None
) -> Accepted:
    return _answer(await context.publishing.request("sync", session, body=body, key=key), response)


@router.get(
    "/ads/runs",
    responses={**TO_RUNS, **customer_get(BAD_LIMIT, NO_RUN)},
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
async def run(session: CustomerDep, run_id: RunId, context: ContextDep) -> RunWithSteps:
    found, steps = await context.publishing.run(session.customer_id, run_id)
    return RunWithSteps(
        **dict(run_view(found)),
        steps=[step_view(step) for step in steps],
    )


@router.get(
    "/ads/runs/{run_id}/events",
    response_class=EventSourceResponse,
    responses={
        200: event_stream(step=RunStepView, end=RunView),
        **customer_get(UnknownEvent(), NO_RUN, TooManyStreams(CUSTOMER_FULL), TooManyStreams(PROCESS_FULL)),
    },
    dependencies=[Depends(_take_place)],
    summary="Follow a run live, by server-sent events",
    description=FOLLOW,
)
async def follow(
    session: CustomerByQueryDep,
    run_id: RunId,
    context: ContextDep,
    cookie: CookieValue,
    last_event_id: LastEventId = None,
) -> EventSourceResponse:
    async def is_allowed() -> bool:
        now = await context.accounts.session(cookie)
        return now is not None and now.customer_id == session.customer_id

    stream = RunStream(
        pool=context.pool,
        doorbell=context.doorbell,
        is_allowed=is_allowed,
        customer_id=session.customer_id,
        run_id=run_id,
        after=last_version(last_event_id),
        heartbeat_seconds=context.settings.event_heartbeat_seconds,
    )
    await stream.check()
    return EventSourceResponse(
        stream.events(),
        ping=0,  # the stream has heartbeats of its own, each after a look at the session
        sep=LINE_END,
        shutdown_event=stream.stopping,
        shutdown_grace_period=STOP_SECONDS,
    )


@router.get(
    "/ads/runs/{run_id}/bundle",
    response_class=JSONResponse,
    responses={200: BUNDLE, **customer_get(NO_RUN, NoBundle(), no_publisher())},
    summary="All about one run in one file, for whoever looks into it",
    description="The timeline, the journal and each call to Meta as curl. It holds no token and no secret.",
)
async def bundle(session: CustomerDep, run_id: RunId, context: ContextDep) -> Response:
    content = await context.bundles.of_run(session.customer_id, run_id)
    headers = {"content-disposition": f'attachment; filename="run-{run_id}.json"'}
    return Response(content, media_type="application/json", headers=headers)


@router.get(
    "/runs",
    responses={**TO_RUNS, **customer_get(BAD_LIMIT, NO_RUN)},
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

"""Bodies of `/ads/*` and `/runs`."""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, StrictInt, StringConstraints

from contracts.events import FixedBy, PublishMode
from contracts.wire import UtcTime, WireModel
from gateway.bodies.wire import Number, RequestBody, Text, example, is_none

MAX_BUDGET: Final = Decimal(1_000_000_000)
"""Per month; more than any account may spend, and small enough for every count of minor units."""

RunStatus = Literal["queued", "running", "success", "failed"]
SettingsStatus = Literal["draft", "ready", "active", "error"]
ObjectsStatus = Literal["draft", "active", "paused", "error"]
GeoMode = Literal["radius", "regions"]
AdFormat = Literal["feed", "stories", "reels", "video"]
CtaType = Literal["learn_more", "shop_now", "sign_up", "download"]

_SETTINGS: Final = {
    "geoMode": "radius",
    "geoCenterText": "Stockholm",
    "geoRadiusKm": 25,
    "geoRegionsJson": None,
    "formatsJson": ["feed", "stories"],
    "ctaType": "learn_more",
    "budgetOverride": 3000,
}
_RUN: Final = {
    "id": "5b0f3a52-6a0e-4a43-a2a5-6c8f0a9b1c33",
    "trigger": "manual",
    "status": "success",
    "startedAt": "2026-01-31T12:00:00.420Z",
    "finishedAt": "2026-01-31T12:00:01.730Z",
    "errorMessage": None,
    "createdAt": "2026-01-31T12:00:00.400Z",
    "jobId": "b6a7c1de-0f53-4b5a-9d0c-2b1f6f7e8d44",
    "jobType": "publish",
    "mode": "real",
    "adAccountId": "act_1234567890",
    "campaignId": "120210000000000001",
    "adsetId": "120210000000000002",
    "step": "adset",
    "hint": None,
    "errorCode": None,
    "fixedBy": None,
    "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
}
_OBJECTS: Final = {
    "id": "c0d9a4c5-2f7e-4d64-8f2b-7a3e5d6c7b55",
    "catalogId": None,
    "campaignId": "120210000000000001",
    "adsetId": "120210000000000002",
    "creativeId": None,
    "adId": None,
    "status": "paused",
    "lastPublishStep": "adset",
    "lastPublishError": None,
    "lastSyncedAt": None,
    "createdAt": "2026-01-31T12:00:01.000Z",
    "updatedAt": "2026-01-31T12:00:01.730Z",
}


def _formats(value: Any) -> Any:
    if value is None or value == []:
        raise ValueError("At least one format required")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("budgetOverride must be a number")  # noqa: TRY004 - pydantic takes ValueError
    return value


class AdSettingsBody(RequestBody):
    """All settings at once; left out or null means unset. `budgetOverride` is per month, in major units."""

    geo_mode: GeoMode
    geo_center_text: Text | None = None
    geo_radius_km: Annotated[StrictInt, Field(ge=1, le=80)] | None = None
    geo_regions_json: (
        Annotated[
            list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]],
            Field(max_length=200),
        ]
        | None
    ) = None
    formats_json: Annotated[
        list[AdFormat], BeforeValidator(_formats), Field(max_length=20, json_schema_extra={"minItems": 1})
    ]
    cta_type: CtaType | None = None
    budget_override: Annotated[Decimal, BeforeValidator(_number), Field(gt=0, le=MAX_BUDGET)] | None = None

    model_config = example(_SETTINGS)


class AdSettingsView(WireModel):
    """The saved settings. `draft` until they are complete; `error` after a publish that Meta refused."""

    id: UUID
    geo_mode: GeoMode
    geo_center_text: str | None
    geo_radius_km: int | None
    geo_regions_json: list[str] | None
    formats_json: list[str]
    cta_type: CtaType
    budget_override: Number | None
    status: SettingsStatus
    last_synced_at: UtcTime | None
    last_published_at: UtcTime | None
    last_error: str | None
    created_at: UtcTime
    updated_at: UtcTime

    model_config = example(
        {
            "id": "1d2c3b4a-9f8e-4d7c-8b6a-5a4b3c2d1e66",
            **_SETTINGS,
            "status": "ready",
            "lastSyncedAt": None,
            "lastPublishedAt": "2026-01-31T12:00:01.730Z",
            "lastError": None,
            "createdAt": "2026-01-31T11:58:00.000Z",
            "updatedAt": "2026-01-31T12:00:01.730Z",
        }
    )


class ObjectsView(WireModel):
    """What was created at Meta. Everything in it is PAUSED when `status` is `paused`."""

    id: UUID
    catalog_id: str | None
    campaign_id: str | None
    adset_id: str | None
    creative_id: str | None
    ad_id: str | None
    status: ObjectsStatus
    last_publish_step: str | None
    last_publish_error: str | None
    last_synced_at: UtcTime | None
    created_at: UtcTime
    updated_at: UtcTime

    model_config = example(_OBJECTS)


class RunView(WireModel):
    """One press of Publish or Sync. Scripts match on the order of the first seven fields."""

    id: UUID
    trigger: Literal["manual", "scheduled"]
    status: RunStatus
    started_at: UtcTime | None
    finished_at: UtcTime | None
    error_message: str | None
    created_at: UtcTime
    job_id: UUID
    job_type: Literal["publish", "sync"]
    mode: PublishMode | None
    """Decided by the publisher when it executes the run."""
    ad_account_id: str | None
    campaign_id: str | None
    adset_id: str | None
    step: str | None
    hint: str | None
    error_code: str | None
    fixed_by: FixedBy | None
    """Who can do something about a failure."""
    trace_id: str | None

    model_config = example(_RUN)


class RunStepView(WireModel):
    """One line of a run's timeline."""

    version: int
    type: str
    step: str | None
    state: str | None
    message: str
    at: UtcTime
    data: dict[str, Any]

    model_config = example(
        {
            "version": 3,
            "type": "RUN_STEP",
            "step": "campaign",
            "state": "done",
            "message": "Created the campaign, PAUSED",
            "at": "2026-01-31T12:00:01.000Z",
            "data": {"campaignId": "120210000000000001"},
        }
    )


class RunWithSteps(RunView):
    steps: list[RunStepView]

    model_config = example({**_RUN, "steps": []})


class RunList(WireModel):
    """Newest first. `nextBefore` is there when there are older runs: send it as `before`."""

    data: list[RunView]
    next_before: UUID | None = Field(default=None, exclude_if=is_none)

    model_config = example({"data": [_RUN], "nextBefore": _RUN["id"]})


class AnyRun(RunView):
    """A run as the list of all kinds of runs shows it."""

    type: Literal["ads"] = "ads"
    inventory_source_id: None = None
    template_config_id: None = None

    model_config = example({**_RUN, "type": "ads", "inventorySourceId": None, "templateConfigId": None})


class AnyRunList(WireModel):
    data: list[AnyRun]
    next_before: UUID | None = Field(default=None, exclude_if=is_none)


class Accepted(WireModel):
    """The run that will do it. `deduped` when that run had been accepted before and is still open."""

    run_id: UUID
    job_id: UUID
    deduped: bool | None = Field(default=None, exclude_if=is_none)

    model_config = example({"runId": _RUN["id"], "jobId": _RUN["jobId"]})


class LinkedPrerequisite(WireModel):
    ok: bool
    hint: str | None
    link: str
    required: bool


class CountedPrerequisite(WireModel):
    ok: bool
    count: int
    hint: str | None
    required: bool


class Prerequisites(WireModel):
    """Website, inventory and templates belong to later steps and hold nothing up."""

    website: LinkedPrerequisite
    inventory: CountedPrerequisite
    templates: LinkedPrerequisite
    meta: LinkedPrerequisite


class Budget(WireModel):
    """Per month, in major units of `currency`; `effective` is what a publish would use."""

    default_monthly: Number
    currency: str
    effective: Number


class PublisherView(WireModel):
    """The newest report of a running publisher. Not `seen`: nobody would execute a run now."""

    seen: bool
    mode: PublishMode | None
    version: str | None
    graph_version: str | None
    last_seen_at: UtcTime | None
    hint: str | None


class Derived(WireModel):
    budget: Budget
    meta_write_mode: PublishMode
    """What the running publisher would do; `disabled` when none has been seen lately."""
    publisher: PublisherView


class AdsStatus(WireModel):
    """The page that a frontend polls."""

    prerequisites: Prerequisites
    derived: Derived
    settings: AdSettingsView | None
    objects: ObjectsView | None
    last_runs: list[RunView]

"""The events on the Redis streams, each a CloudEvents 1.0 envelope around one typed body.

Fields are only added, with a default. A breaking change is a new class with a new `dataschema`,
and both are read for a while. Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter

from contracts.wire import UtcTime, WireModel

PUBLISH_STREAM: Final = "ads.publish"
"""Commands from the gateway to the publisher."""
RESULTS_STREAM: Final = "ads.results"
"""What the publisher reports about a run."""
CONNECTIONS_STREAM: Final = "meta.connections"
"""Changes of a customer's Meta connection."""

PublishMode = Literal["real", "sim", "disabled"]
FixedBy = Literal["user", "ad_account_admin", "operator", "meta"]
"""Who can do something about a failure."""
StepName = Literal["settings", "connection", "campaign", "adset", "sync"]
StepState = Literal["started", "checking", "done", "note", "failed"]


class Envelope(WireModel):
    """CloudEvents attributes. `subject` is the run id, `id` makes a redelivery harmless."""

    id: UUID
    source: str
    specversion: Literal["1.0"] = "1.0"
    time: UtcTime
    subject: str
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = None
    customerid: UUID


class AdSettingsSnapshot(WireModel):
    """The ad settings as they were when the user pressed Publish. Budgets are per month, in major units."""

    geo_mode: Literal["radius", "regions"]
    geo_center_text: str | None = None
    geo_radius_km: int | None = None
    geo_regions: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    cta_type: str = "learn_more"
    budget_override: Decimal | None = None


class PublishRequest(WireModel):
    run_id: UUID
    ad_account_id: str | None = None
    """What the gateway believed to be selected; a scheduling hint, never the truth."""
    settings: AdSettingsSnapshot | None = None
    default_monthly_budget: Decimal = Decimal(3000)


class SyncRequest(WireModel):
    run_id: UUID
    ad_account_id: str | None = None


class RunEventBody(WireModel):
    """Common to all news of a run: `version` rises by one with each, so late news never goes back."""

    run_id: UUID
    job_id: UUID
    version: int = Field(ge=1)
    message: str
    """A sentence for the person who looks at the run."""


class RunStartedBody(RunEventBody):
    """`replayed`: the run had failed, and an operator has opened it again."""

    mode: PublishMode
    replayed: bool = False


class RunStepBody(RunEventBody):
    """`extra`: what was done with a second object that had come of a lost answer, whose id is `extra_id`."""

    step: StepName
    state: StepState
    ad_account_id: str | None = None
    campaign_id: str | None = None
    adset_id: str | None = None
    attempt: int | None = None
    fbtrace_id: str | None = None
    extra: Literal["deleted", "left"] | None = None
    extra_id: str | None = None


class RunWaitingBody(RunEventBody):
    step: StepName
    until: UtcTime


class RunSucceededBody(RunEventBody):
    """`campaign_id` and `adset_id` are those that stand now, created by this run or found again."""

    mode: PublishMode
    ad_account_id: str | None = None
    campaign_id: str | None = None
    adset_id: str | None = None
    catalog_id: str | None = None
    ad_id: str | None = None


class RunFailedBody(RunEventBody):
    """`message` is the text for the run; ids are what exists all the same."""

    mode: PublishMode
    error_code: str
    hint: str | None = None
    fixed_by: FixedBy | None = None
    step: StepName | None = None
    ad_account_id: str | None = None
    campaign_id: str | None = None
    adset_id: str | None = None
    meta_code: int | None = None
    meta_subcode: int | None = None
    blame_fields: tuple[str, ...] = ()
    fbtrace_id: str | None = None


class ObjectsSyncedBody(RunEventBody):
    """What Meta says about the created objects; an id is null when that object is gone."""

    ad_account_id: str | None = None
    campaign_id: str | None = None
    adset_id: str | None = None
    campaign_status: str | None = None
    adset_status: str | None = None


class OperatorActedBody(WireModel):
    """An operator's command that changed something or took data out; `target` is the id that it was about."""

    action: Literal["dead_replay", "bundle"]
    target: str
    place: str | None = None


ConnectionState = Literal["disconnected", "connected", "error"]


ConnectionReason = Literal[
    "token_expiring",
    "token_expired",
    "token_revoked",
    "scope_lost",
    "data_access_expiring",
    "deauthorized",
    "data_deletion",
]
"""What Meta, not the user, did to a connection."""


class ConnectionChangedBody(WireModel):
    """`version` rises with each change of the connection, so late news never goes back.

    `erase_before` counts whatever the version: all that came from Meta for this customer before that time is
    to be deleted.
    """

    version: int = Field(ge=1)
    status: ConnectionState
    meta_user_id: str | None = None
    selected_ad_account_id: str | None = None
    currency: str | None = None
    min_daily_budget_minor: int | None = None
    reason: ConnectionReason | None = None
    expires_in_days: int | None = None
    erase_before: UtcTime | None = None


class AdsPublish(Envelope):
    """Publish: create what is missing, PAUSED, in the customer's ad account."""

    type: Literal["ADS_PUBLISH"] = "ADS_PUBLISH"
    dataschema: Literal["urn:project-auto:ads-publish:v1"] = "urn:project-auto:ads-publish:v1"
    data: PublishRequest


class AdsSync(Envelope):
    """Refresh what Meta says about the created objects."""

    type: Literal["ADS_SYNC"] = "ADS_SYNC"
    dataschema: Literal["urn:project-auto:ads-sync:v1"] = "urn:project-auto:ads-sync:v1"
    data: SyncRequest


class RunStarted(Envelope):
    type: Literal["RUN_STARTED"] = "RUN_STARTED"
    dataschema: Literal["urn:project-auto:run-started:v1"] = "urn:project-auto:run-started:v1"
    data: RunStartedBody


class RunStep(Envelope):
    type: Literal["RUN_STEP"] = "RUN_STEP"
    dataschema: Literal["urn:project-auto:run-step:v1"] = "urn:project-auto:run-step:v1"
    data: RunStepBody


class RunWaiting(Envelope):
    type: Literal["RUN_WAITING"] = "RUN_WAITING"
    dataschema: Literal["urn:project-auto:run-waiting:v1"] = "urn:project-auto:run-waiting:v1"
    data: RunWaitingBody


class RunSucceeded(Envelope):
    type: Literal["RUN_SUCCEEDED"] = "RUN_SUCCEEDED"
    dataschema: Literal["urn:project-auto:run-succeeded:v1"] = "urn:project-auto:run-succeeded:v1"
    data: RunSucceededBody


class RunFailed(Envelope):
    type: Literal["RUN_FAILED"] = "RUN_FAILED"
    dataschema: Literal["urn:project-auto:run-failed:v1"] = "urn:project-auto:run-failed:v1"
    data: RunFailedBody


class ObjectsSynced(Envelope):
    type: Literal["OBJECTS_SYNCED"] = "OBJECTS_SYNCED"
    dataschema: Literal["urn:project-auto:objects-synced:v1"] = "urn:project-auto:objects-synced:v1"
    data: ObjectsSyncedBody


class OperatorActed(Envelope):
    """For the audit log. `subject` is the target; the customer is all zeros where none is known."""

    type: Literal["OPERATOR_ACTED"] = "OPERATOR_ACTED"
    dataschema: Literal["urn:project-auto:operator-acted:v1"] = "urn:project-auto:operator-acted:v1"
    data: OperatorActedBody


class ConnectionChanged(Envelope):
    """`subject` is the customer id: a customer has one connection."""

    type: Literal["CONNECTION_CHANGED"] = "CONNECTION_CHANGED"
    dataschema: Literal["urn:project-auto:connection-changed:v1"] = "urn:project-auto:connection-changed:v1"
    data: ConnectionChangedBody


AdsCommand = Annotated[AdsPublish | AdsSync, Field(discriminator="type")]
"""Everything on `ads.publish`."""
RunEvent = Annotated[
    RunStarted | RunStep | RunWaiting | RunSucceeded | RunFailed | ObjectsSynced, Field(discriminator="type")
]
"""News of a run on `ads.results`."""
RUN_EVENT_OF: Final[dict[type[Any], type[Any]]] = {
    RunStartedBody: RunStarted,
    RunStepBody: RunStep,
    RunWaitingBody: RunWaiting,
    RunSucceededBody: RunSucceeded,
    RunFailedBody: RunFailed,
    ObjectsSyncedBody: ObjectsSynced,
}
"""Which of them carries which body."""
ResultEvent = Annotated[RunEvent | OperatorActed, Field(discriminator="type")]
"""Everything on `ads.results`."""
AnyEvent = (
    AdsPublish
    | AdsSync
    | RunStarted
    | RunStep
    | RunWaiting
    | RunSucceeded
    | RunFailed
    | ObjectsSynced
    | OperatorActed
    | ConnectionChanged
)

_ANY: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])


def read_event(body: str | bytes) -> AnyEvent:
    """Read one event of any known type and version.

    Raises:
        pydantic.ValidationError: not JSON, an unknown type or version, or a missing field.
    """
    return _ANY.validate_json(body)

"""Find out at Meta what became of a create whose answer was lost, and whether an old object still stands."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ads_publisher.graph import Access, GraphClient
from ads_publisher.meta_errors import advise
from ads_publisher.outcomes import OBJECT_ID, ReadFailed
from ads_publisher.payloads import ADSET_NAME, CAMPAIGN_NAME, marker
from ads_publisher.saga import Attempt

ALL_STATUSES: Final = (
    "ACTIVE",
    "PAUSED",
    "DELETED",
    "PENDING_REVIEW",
    "DISAPPROVED",
    "PREAPPROVED",
    "PENDING_BILLING_INFO",
    "CAMPAIGN_PAUSED",
    "ARCHIVED",
    "ADSET_PAUSED",
    "IN_PROCESS",
    "WITH_ISSUES",
)
"""Meta's lists hide archived and deleted objects unless every status is asked for."""
CREATED_MARGIN_SECONDS: Final = 86_400
"""Objects are looked for from a day before the intent: a clock may be hours off, and the marker decides."""


async def find_by_marker(client: GraphClient, access: Access, attempt: Attempt) -> list[str]:
    """Ids of the objects that this attempt's run created for its step, oldest first.

    The list is narrowed by name and time at Meta; the marker is compared here, exactly.

    Raises:
        ReadFailed: Meta refused the list or could not be reached.
    """
    created_after = int(attempt.intent_at.timestamp()) - CREATED_MARGIN_SECONDS
    name = CAMPAIGN_NAME if attempt.step == "campaign" else ADSET_NAME
    filtering = [
        {"field": "name", "operator": "EQUAL", "value": name},
        {"field": "created_time", "operator": "GREATER_THAN", "value": created_after},
    ]
    parent = access.ad_account_id if attempt.step == "campaign" else attempt.parent_id
    edge = "campaigns" if attempt.step == "campaign" else "adsets"
    rows = await client.read_edge(
        access,
        f"/{parent}/{edge}",
        {
            "fields": "id,created_time,status,adlabels{name}",
            "filtering": json.dumps(filtering, separators=(",", ":")),
            "effective_status": json.dumps(ALL_STATUSES, separators=(",", ":")),
            "limit": "100",
        },
    )
    wanted = marker(attempt.run_id)
    hits = [
        row
        for row in rows
        if wanted in _labels(row)
        and row.get("status") != "DELETED"
        and OBJECT_ID.fullmatch(str(row.get("id", "")))
    ]
    return [str(row["id"]) for row in sorted(hits, key=lambda row: str(row.get("created_time", "")))]


def _labels(row: Mapping[str, Any]) -> set[str]:
    labels = row.get("adlabels") or []
    # A field that is expanded with its own fields may come as an edge.
    rows = labels.get("data", []) if isinstance(labels, dict) else labels
    return {str(label.get("name")) for label in rows if isinstance(label, dict)}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What Meta says of an object: `status` is null when it is gone."""

    object_id: str
    status: str | None

    @property
    def gone(self) -> bool:
        return self.status in (None, "DELETED", "ARCHIVED")


async def look_at(client: GraphClient, access: Access, object_id: str) -> Standing:
    """Whether an object of an earlier run still stands in this ad account.

    Raises:
        ReadFailed: Meta could not be reached, or refused for a reason that does not mean "gone".
    """
    try:
        node = await client.read_object(access, object_id, "id,status,account_id")
    except ReadFailed as exc:
        if exc.error is not None and advise(exc.error).kind == "gone":
            return Standing(object_id=object_id, status=None)
        raise
    foreign = str(node.get("account_id", "")) not in ("", access.ad_account_id.removeprefix("act_"))
    return Standing(object_id=object_id, status=None if foreign else str(node.get("status")))

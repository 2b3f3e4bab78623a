"""Which campaigns and ad sets a list shows: by `effective_status`, `filtering`, completion and time.

Source: https://developers.facebook.com/docs/marketing-api/reference/ad-account/campaigns
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from graph_sandbox.call import Call
from graph_sandbox.catalog import DATE_PRESETS, EFFECTIVE_STATUSES
from graph_sandbox.listing import matches, read_filters
from graph_sandbox.markets import timestamp
from graph_sandbox.params import decode
from graph_sandbox.refusals import TIME_RANGE_TOO_OLD, invalid_param
from graph_sandbox.state import AdObject, Kind

HIDDEN_BY_DEFAULT = frozenset({"ARCHIVED", "DELETED"})
OWN_FIELDS = frozenset(
    {
        "id",
        "name",
        "status",
        "effective_status",
        "created_time",
        "updated_time",
        "adlabels",
        "objective",
        "buying_type",
        "optimization_goal",
        "billing_event",
        "daily_budget",
        "lifetime_budget",
    }
)
FILTER_FIELDS = OWN_FIELDS | {f"{kind}.{name}" for kind in ("campaign", "adset") for name in OWN_FIELDS}
"""Source: inferred; no page lists them all."""

OLDEST_RANGE = timedelta(days=37 * 30.4375)
"""Meta keeps 37 months."""

Keep = Callable[[AdObject], bool]


def objects_in(call: Call, account_id: str, kind: Kind) -> list[AdObject]:
    """The account's objects, newest first."""
    ids = call.world.by_account.get((account_id, kind), [])
    return [call.world.objects[object_id] for object_id in reversed(ids)]


def listing_filter(call: Call) -> Keep:
    """Visible by now, matching the filters, and archived or deleted only when asked for."""
    world, now = call.world, call.world.now()
    filters = read_filters(call, FILTER_FIELDS)
    statuses = _statuses(call)
    done = _is_completed(call)
    check_period(call)
    status_filtered = any(one.field.endswith("effective_status") for one in filters)

    def keep(found: AdObject) -> bool:
        if found.visible_at > now or (done is not None and done != _has_ended(found, now)):
            return False
        status = world.effective_status(found)
        if statuses is not None and status not in statuses:
            return False
        if statuses is None and not status_filtered and status in HIDDEN_BY_DEFAULT:
            return False
        return all(matches(one, _filter_value(call, found, one.field)) for one in filters)

    return keep


def check_period(call: Call) -> None:
    """`date_preset` and `time_range`, which choose among results; here there are none to choose from.

    Raises:
        GraphError: 100 for what is no period; 3018 for one that began more than 37 months ago.
    """
    preset = call.params.text("date_preset")
    if preset is not None and preset not in DATE_PRESETS:
        raise invalid_param("date_preset", f"must be one of {{{', '.join(DATE_PRESETS)}}} - got {preset}.")
    raw = call.params.get("time_range")
    if raw is None:
        return
    period = decode("time_range", raw, "object")
    try:
        since, until = (date.fromisoformat(str(period[name])) for name in ("since", "until"))
    except (KeyError, ValueError):
        raise invalid_param("time_range", "must have since and until as YYYY-MM-DD.") from None
    if until < since:
        raise invalid_param("time_range", "must not end before it begins.")
    if datetime.fromtimestamp(call.world.now(), UTC).date() - since > OLDEST_RANGE:
        raise TIME_RANGE_TOO_OLD.error()


def label_handles(call: Call, found: AdObject) -> list[str]:
    """Ids and names: searches accept either, and match whole names only."""
    return [*found.label_ids, *call.world.label_names_of(found.label_ids)]


def _statuses(call: Call) -> set[str] | None:
    raw = call.params.get("effective_status")
    if raw is None:
        return None
    statuses = set(map(str, decode("effective_status", raw, "list")))
    for status in statuses:
        if status not in EFFECTIVE_STATUSES:
            raise invalid_param(
                "effective_status", f"must be one of {{{', '.join(EFFECTIVE_STATUSES)}}} - got {status}."
            )
    return statuses


def _is_completed(call: Call) -> bool | None:
    raw = call.params.get("is_completed")
    return None if raw is None else bool(decode("is_completed", raw, "bool"))


def _has_ended(found: AdObject, now: float) -> bool:
    end = timestamp(found.values.get("end_time") or found.values.get("stop_time"))
    return bool(end) and end is not None and end <= now


def _filter_value(call: Call, found: AdObject, name: str) -> Any:
    kind, _, own = name.rpartition(".")
    if kind == "campaign" and found.parent_id:
        found = call.world.objects[found.parent_id]
    if own == "adlabels":
        return label_handles(call, found)
    if own == "effective_status":
        return call.world.effective_status(found)
    plain = {
        "id": found.object_id,
        "created_time": int(found.created_at),
        "updated_time": int(found.updated_at),
    }
    return plain[own] if own in plain else found.values.get(own)

"""Campaigns and ad sets: create, list, read, change, delete.

Sources: https://developers.facebook.com/docs/marketing-api/reference/ad-account/campaigns (and /adsets),
https://developers.facebook.com/docs/marketing-api/reference/ad-campaign
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graph_sandbox.call import Body, Call
from graph_sandbox.catalog import (
    ADSET_CHANGES,
    ADSET_PARAMS,
    CAMPAIGN_CHANGES,
    CAMPAIGN_PARAMS,
    EFFECTIVE_STATUSES,
)
from graph_sandbox.listing import matches, page_body, parse_fields, read_filters, take_page
from graph_sandbox.nodes import HIDDEN_BY_DEFAULT, object_node
from graph_sandbox.params import decode, decode_known
from graph_sandbox.personas import Account
from graph_sandbox.refusals import invalid_param, missing_param, unsupported
from graph_sandbox.rule import On
from graph_sandbox.rules import validate
from graph_sandbox.state import AdObject, Kind
from graph_sandbox.violations import Draft

PARAM_TYPES: dict[On, dict[str, str]] = {
    "campaign": CAMPAIGN_PARAMS,
    "adset": ADSET_PARAMS,
    "campaign_update": CAMPAIGN_CHANGES,
    "adset_update": ADSET_CHANGES,
}
UPDATE_OF: dict[Kind, On] = {"campaign": "campaign_update", "adset": "adset_update"}
NOT_STORED = frozenset({"adlabels", "execution_options", "campaign_id", "account_id"})
FILTER_FIELDS = frozenset(
    {
        "id",
        "name",
        "status",
        "effective_status",
        "created_time",
        "updated_time",
        "adlabels",
        "campaign.id",
        "campaign.name",
    }
)


@dataclass(frozen=True, slots=True)
class Change:
    """A call that passed every check; nothing has happened until `apply` runs."""

    apply: Callable[[], Body]


def create_campaign(call: Call) -> Body | Change:
    return _create(call, "campaign")


def create_adset(call: Call) -> Body | Change:
    return _create(call, "adset")


def list_campaigns(call: Call) -> Body:
    return list_objects(call, objects_of(call, "campaign"))


def list_adsets(call: Call) -> Body:
    return list_objects(call, objects_of(call, "adset"))


def list_adsets_of_campaign(call: Call) -> Body:
    target = target_of(call)
    return list_objects(call, [call.world.objects[child] for child in reversed(target.children)])


def list_ads_of_object(call: Call) -> Body:
    """Ads are not created here; a person's are put there by `/_sandbox/objects/{id}`."""
    return {"data": [{"id": ad_id} for ad_id in target_of(call).ad_ids]}


def read_insights(call: Call) -> Body:
    """One row with the spend, or none while nothing was delivered, as Meta answers."""
    spend = target_of(call).spend
    return {"data": [{"spend": spend}] if spend != "0" else []}


def campaigns_by_labels(call: Call) -> Body:
    return _by_labels(call, "campaign")


def adsets_by_labels(call: Call) -> Body:
    return _by_labels(call, "adset")


def read_object(call: Call) -> Body:
    return object_node(call, target_of(call), parse_fields(call.params.text("fields")))


def update_object(call: Call) -> Body | Change:
    """Change the sent values; status may become any of the four, but a deleted object stays as it is."""
    target = target_of(call)
    on = UPDATE_OF[target.kind]
    values = decode_known(call.params, PARAM_TYPES[on])
    validate(on, Draft(call.world, account_of(call), values, call.version, target=target))
    if "validate_only" in (values.get("execution_options") or ()):
        return {"success": True}

    def apply() -> Body:
        changed = {name: value for name, value in values.items() if name not in NOT_STORED}
        target.values.update(changed)
        if "adlabels" in values:
            target.label_ids = label_ids(call, values["adlabels"])
        target.updated_at = call.world.now()
        call.world.record(target, "updated", fields=sorted(values))
        return {"success": True}

    return Change(apply)


def delete_object(call: Call) -> Change:
    target = target_of(call)

    def apply() -> Body:
        if target.values["status"] != "DELETED":
            target.values["status"] = "DELETED"
            target.updated_at = call.world.now()
            call.world.record(target, "deleted")
        return {"success": True}

    return Change(apply)


def _create(call: Call, kind: Kind) -> Body | Change:
    values = decode_known(call.params, PARAM_TYPES[kind])
    campaign = call.world.objects.get(str(values.get("campaign_id"))) if kind == "adset" else None
    account = account_of(call)
    draft = Draft(call.world, account, values, call.version, campaign)
    validate(kind, draft)
    if "validate_only" in (values.get("execution_options") or ()):
        return {"success": True}
    stored = {name: value for name, value in values.items() if name not in NOT_STORED}
    stored.setdefault("status", "ACTIVE")
    if kind == "campaign":
        stored.setdefault("buying_type", "AUCTION")
    else:
        _fill_dsa(account, stored)

    def apply() -> Body:
        ids = label_ids(call, values.get("adlabels") or [])
        parent_id = campaign.object_id if campaign else None
        made = call.world.add_object(kind, account.account_id, parent_id, stored, ids)
        call.created_id = made.object_id
        return {"id": made.object_id}

    return Change(apply)


def _fill_dsa(account: Account, stored: dict[str, Any]) -> None:
    """Each missing field is filled from its own default, never from the other field."""
    for name in ("dsa_payor", "dsa_beneficiary"):
        default = getattr(account, f"default_{name}")
        if not stored.get(name) and default:
            stored[name] = default


def label_ids(call: Call, items: list[Any]) -> list[str]:
    """The ids of known labels, and of labels made for new names."""
    account_id = account_of(call).account_id
    ids = [
        call.world.label_for(account_id, item["name"]).label_id if item.get("name") else str(item["id"])
        for item in items
    ]
    return list(dict.fromkeys(ids))


def objects_of(call: Call, kind: Kind) -> list[AdObject]:
    """The account's objects, newest first."""
    ids = call.world.by_account.get((account_of(call).account_id, kind), [])
    return [call.world.objects[object_id] for object_id in reversed(ids)]


def _by_labels(call: Call, kind: Kind) -> Body:
    raw = call.params.get("ad_label_ids")
    if raw is None:
        raise missing_param("ad_label_ids")
    wanted = {str(item) for item in decode("ad_label_ids", raw, "list")}
    operator = (call.params.text("operator") or "ANY").upper()
    if operator not in {"ANY", "ALL"}:
        raise invalid_param("operator", f"must be one of {{ALL, ANY}} - got {operator}.")

    def hit(found: AdObject) -> bool:
        found_by = {name for name in wanted if name in _label_handles(call, found)}
        return found_by == wanted if operator == "ALL" else bool(found_by)

    return list_objects(call, [found for found in objects_of(call, kind) if hit(found)])


def list_objects(call: Call, found: list[AdObject]) -> Body:
    keep = _listing_filter(call)
    wanted = parse_fields(call.params.text("fields"))
    page = take_page(call, found, lambda one: one.object_id, keep)
    rows = [object_node(call, one, wanted) for one in page.items]
    return page_body(call, page, rows, lambda: sum(map(keep, found)))


def _listing_filter(call: Call) -> Callable[[AdObject], bool]:
    """Visible by now, matching the filters, and archived or deleted only when asked for."""
    world, now = call.world, call.world.now()
    filters = read_filters(call, FILTER_FIELDS)
    raw = call.params.get("effective_status")
    statuses = set(map(str, decode("effective_status", raw, "list"))) if raw is not None else None
    for status in statuses or ():
        if status not in EFFECTIVE_STATUSES:
            raise invalid_param(
                "effective_status", f"must be one of {{{', '.join(EFFECTIVE_STATUSES)}}} - got {status}."
            )
    status_filtered = any(one.field == "effective_status" for one in filters)

    def keep(found: AdObject) -> bool:
        if found.visible_at > now:
            return False
        status = world.effective_status(found)
        if statuses is not None and status not in statuses:
            return False
        if statuses is None and not status_filtered and status in HIDDEN_BY_DEFAULT:
            return False
        return all(matches(one, _filter_value(call, found, one.field)) for one in filters)

    return keep


def _filter_value(call: Call, found: AdObject, name: str) -> Any:
    if name == "adlabels":
        return _label_handles(call, found)
    if name == "effective_status":
        return call.world.effective_status(found)
    if name.startswith("campaign."):
        above = call.world.objects[found.parent_id] if found.parent_id else found
        return _filter_value(call, above, name.removeprefix("campaign."))
    plain = {
        "id": found.object_id,
        "created_time": int(found.created_at),
        "updated_time": int(found.updated_at),
    }
    return plain[name] if name in plain else found.values.get(name)


def _label_handles(call: Call, found: AdObject) -> list[str]:
    """Ids and names: searches accept either, and match whole names only."""
    return [*found.label_ids, *call.world.label_names_of(found.label_ids)]


def account_of(call: Call) -> Account:
    if call.account is None:
        raise unsupported(call.method, call.path)
    return call.account


def target_of(call: Call) -> AdObject:
    if call.target is None:
        raise unsupported(call.method, call.path)
    return call.target

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
)
from graph_sandbox.filters import label_handles, objects_in
from graph_sandbox.nodes import insights, list_ads, list_objects, object_node, wanted_of
from graph_sandbox.params import Params, decode, decode_known
from graph_sandbox.personas import Account
from graph_sandbox.refusals import invalid_param, missing_param, unsupported
from graph_sandbox.rule import On
from graph_sandbox.rules import validate
from graph_sandbox.state import AdObject, Kind
from graph_sandbox.violations import Draft, has_budget
from graph_sandbox.violations_of_place import geo_of, in_regulated_region

PARAM_TYPES: dict[On, dict[str, str]] = {
    "campaign": CAMPAIGN_PARAMS,
    "adset": ADSET_PARAMS,
    "campaign_update": CAMPAIGN_CHANGES,
    "adset_update": ADSET_CHANGES,
}
UPDATE_OF: dict[Kind, On] = {"campaign": "campaign_update", "adset": "adset_update"}
NOT_STORED = frozenset({"adlabels", "execution_options", "campaign_id", "account_id", "campaign_spec"})
NO_SPEND_CAP = 922_337_203_685_478
"""As a `spend_cap` it takes the cap away."""


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
    target = target_of(call)
    return list_ads(call, [target, *map(call.world.objects.__getitem__, target.children)])


def read_insights(call: Call) -> Body:
    return insights(call, target_of(call).spend)


def campaigns_by_labels(call: Call) -> Body:
    return _by_labels(call, "campaign")


def adsets_by_labels(call: Call) -> Body:
    return _by_labels(call, "adset")


def read_object(call: Call) -> Body:
    return object_node(call, target_of(call), wanted_of(call))


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
        _drop_removed_cap(target.values)
        if target.kind == "adset":
            settle_dsa(account_of(call), target.values)
        if "adlabels" in values:
            target.label_ids = label_ids(call, values["adlabels"])
        target.updated_at = call.world.now()
        call.world.record(target, "updated", fields=sorted(values))
        return {"success": True} | _read_back(call, target)

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
    account = account_of(call)
    campaign, spec = _campaign_of(call, values) if kind == "adset" else (None, None)
    validate(kind, Draft(call.world, account, values, call.version, campaign))
    if "validate_only" in (values.get("execution_options") or ()):
        return {"success": True}

    def apply() -> Body:
        above = _add(call, "campaign", spec, None) if spec is not None else campaign
        made = _add(call, kind, values, above)
        call.created_id = made.object_id
        return {"id": made.object_id} | _read_back(call, made)

    return Change(apply)


def _campaign_of(call: Call, values: dict[str, Any]) -> tuple[AdObject | None, dict[str, Any] | None]:
    """The campaign an ad set is for: the one it names, or a new one by `campaign_spec`, with its values."""
    spec = values.get("campaign_spec")
    if values.get("campaign_id") or not spec:
        return call.world.objects.get(str(values.get("campaign_id"))), None
    account, now = account_of(call), call.world.now()
    wanted = decode_known(Params(spec), CAMPAIGN_PARAMS)
    validate("campaign", Draft(call.world, account, wanted, call.version))
    stored = _stored("campaign", wanted)
    return AdObject("", "campaign", account.account_id, None, now, now, now, stored, []), wanted


def _add(call: Call, kind: Kind, values: dict[str, Any], above: AdObject | None) -> AdObject:
    account, stored = account_of(call), _stored(kind, values)
    if kind == "adset":
        settle_dsa(account, stored)
    labels = label_ids(call, values.get("adlabels") or [])
    return call.world.add_object(kind, account.account_id, above.object_id if above else None, stored, labels)


def _stored(kind: Kind, values: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a create, with Meta's defaults."""
    stored = {name: value for name, value in values.items() if name not in NOT_STORED}
    stored.setdefault("status", "ACTIVE")
    if kind == "campaign":
        stored.setdefault("buying_type", "AUCTION")
    if has_budget(stored) if kind == "campaign" else stored.get("bid_amount"):
        stored.setdefault("bid_strategy", "LOWEST_COST_WITH_BID_CAP")
    _drop_removed_cap(stored)
    return stored


def _drop_removed_cap(values: dict[str, Any]) -> None:
    if values.get("spend_cap") == NO_SPEND_CAP:
        del values["spend_cap"]


def _read_back(call: Call, written: AdObject) -> Body:
    """What `fields` asks of the new state; if that cannot be read, the write has happened all the same.

    Source: https://developers.facebook.com/docs/graph-api/overview#read-after-write
    """
    wanted = wanted_of(call)
    return object_node(call, written, wanted) if wanted else {}


def settle_dsa(account: Account, values: dict[str, Any]) -> None:
    """In the EU each missing field gets its own default, never the other field; elsewhere none stays."""
    regulated = in_regulated_region(geo_of(values.get("targeting")))
    for name in ("dsa_payor", "dsa_beneficiary"):
        said = values.pop(name, None) or getattr(account, f"default_{name}")
        if regulated and said:
            values[name] = said


def label_ids(call: Call, items: list[Any]) -> list[str]:
    """The ids of known labels, and of labels made for new names."""
    account_id = account_of(call).account_id
    ids = [
        call.world.label_for(account_id, item["name"]).label_id if item.get("name") else str(item["id"])
        for item in items
    ]
    return list(dict.fromkeys(ids))


def objects_of(call: Call, kind: Kind) -> list[AdObject]:
    return objects_in(call, account_of(call).account_id, kind)


def _by_labels(call: Call, kind: Kind) -> Body:
    raw = call.params.get("ad_label_ids")
    if raw is None:
        raise missing_param("ad_label_ids")
    wanted = {str(item) for item in decode("ad_label_ids", raw, "list")}
    operator = (call.params.text("operator") or "ANY").upper()
    if operator not in {"ANY", "ALL"}:
        raise invalid_param("operator", f"must be one of {{ALL, ANY}} - got {operator}.")

    def hit(found: AdObject) -> bool:
        found_by = {name for name in wanted if name in label_handles(call, found)}
        return found_by == wanted if operator == "ALL" else bool(found_by)

    return list_objects(call, [found for found in objects_of(call, kind) if hit(found)])


def account_of(call: Call) -> Account:
    if call.account is None:
        raise unsupported(call.method, call.path)
    return call.account


def target_of(call: Call) -> AdObject:
    if call.target is None:
        raise unsupported(call.method, call.path)
    return call.target

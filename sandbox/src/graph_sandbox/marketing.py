"""Campaigns, ad sets and ad labels: create, list, read, change, delete.

Sources: https://developers.facebook.com/docs/marketing-api/reference/ad-account/campaigns (and /adsets),
https://developers.facebook.com/docs/marketing-api/reference/ad-campaign
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graph_sandbox.call import Body, Call
from graph_sandbox.catalog import ADSET_PARAMS, CAMPAIGN_PARAMS, EFFECTIVE_STATUSES
from graph_sandbox.errors import invalid_param, missing_param, unsupported
from graph_sandbox.listing import matches, page_body, parse_fields, read_filters, take_page
from graph_sandbox.nodes import account_node, label_node, object_node
from graph_sandbox.params import decode, decode_known
from graph_sandbox.personas import BUDGET_FLOORS, Account
from graph_sandbox.rules import validate
from graph_sandbox.state import AdObject, Kind
from graph_sandbox.violations import Draft

PARAM_TYPES: dict[Kind, dict[str, str]] = {"campaign": CAMPAIGN_PARAMS, "adset": ADSET_PARAMS}
NOT_STORED = frozenset({"adlabels", "execution_options", "campaign_id"})
HIDDEN_BY_DEFAULT = frozenset({"ARCHIVED", "DELETED"})
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
    return _list(call, _of_account(call, "campaign"))


def list_adsets(call: Call) -> Body:
    return _list(call, _of_account(call, "adset"))


def list_adsets_of_campaign(call: Call) -> Body:
    target = _target(call)
    return _list(call, [call.world.objects[child] for child in reversed(target.children)])


def list_ads_of_object(call: Call) -> Body:
    """Ads are not created here; a person's are put there by `/_sandbox/objects/{id}`."""
    return {"data": [{"id": ad_id} for ad_id in _target(call).ad_ids]}


def read_insights(call: Call) -> Body:
    """One row with the spend, or none while nothing was delivered, as Meta answers."""
    spend = _target(call).spend
    return {"data": [{"spend": spend}] if spend != "0" else []}


def campaigns_by_labels(call: Call) -> Body:
    return _by_labels(call, "campaign")


def adsets_by_labels(call: Call) -> Body:
    return _by_labels(call, "adset")


def read_object(call: Call) -> Body:
    return object_node(call, _target(call), parse_fields(call.params.text("fields")))


def update_object(call: Call) -> Body | Change:
    """Change the sent values; status may become any of the four, but a deleted object stays as it is."""
    target = _target(call)
    values = decode_known(call.params, PARAM_TYPES[target.kind])
    validate("update", Draft(call.world, _account(call), values, call.version, target=target))
    if "validate_only" in (values.get("execution_options") or ()):
        return {"success": True}

    def apply() -> Body:
        changed = {name: value for name, value in values.items() if name not in NOT_STORED}
        target.values.update(changed)
        if "adlabels" in values:
            target.label_ids = _label_ids(call, values["adlabels"])
        target.updated_at = call.world.now()
        call.world.record(target, "updated", fields=sorted(values))
        return {"success": True}

    return Change(apply)


def delete_object(call: Call) -> Change:
    target = _target(call)

    def apply() -> Body:
        if target.values["status"] != "DELETED":
            target.values["status"] = "DELETED"
            target.updated_at = call.world.now()
            call.world.record(target, "deleted")
        return {"success": True}

    return Change(apply)


def read_account(call: Call) -> Body:
    return account_node(call, _account(call), parse_fields(call.params.text("fields")))


def update_account(call: Call) -> Change:
    """Only what the product may need a customer to set: name and the DSA defaults."""
    account = _account(call)
    known = {"name": "string", "default_dsa_payor": "string", "default_dsa_beneficiary": "string"}
    values = decode_known(call.params, known)

    def apply() -> Body:
        for name, value in values.items():
            setattr(account, name, value)
        return {"success": True}

    return Change(apply)


def minimum_budgets(call: Call) -> Body:
    """One row per currency, as Meta answers; the account's own currency uses the account's floors."""
    account = _account(call)
    rows = {currency: Account("", "", currency).floors() for currency in sorted(BUDGET_FLOORS)}
    rows[account.currency] = account.floors()
    return {
        "data": [
            {
                "currency": currency,
                "min_daily_budget_imp": imp,
                "min_daily_budget_high_freq": high,
                "min_daily_budget_video_views": video,
                "min_daily_budget_low_freq": low,
            }
            for currency, (imp, high, video, low) in rows.items()
        ]
    }


def dsa_recommendations(call: Call) -> Body:
    return {"data": [{"recommendations": list(_account(call).dsa_recommendations)}]}


def list_labels(call: Call) -> Body:
    account_id = _account(call).account_id
    wanted = parse_fields(call.params.text("fields"))
    mine = [label for label in call.world.labels.values() if label.account_id == account_id]
    page = take_page(call, mine, lambda label: label.label_id, lambda _: True)
    return page_body(call, page, [label_node(call, item, wanted) for item in page.items], lambda: len(mine))


def create_label(call: Call) -> Change:
    name = call.params.text("name")
    if not name:
        raise missing_param("name")
    account_id = _account(call).account_id
    return Change(lambda: {"id": call.world.label_for(account_id, name).label_id})


def _create(call: Call, kind: Kind) -> Body | Change:
    values = decode_known(call.params, PARAM_TYPES[kind])
    campaign = call.world.objects.get(str(values.get("campaign_id"))) if kind == "adset" else None
    account = _account(call)
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
        label_ids = _label_ids(call, values.get("adlabels") or [])
        parent_id = campaign.object_id if campaign else None
        made = call.world.add_object(kind, account.account_id, parent_id, stored, label_ids)
        call.created_id = made.object_id
        return {"id": made.object_id}

    return Change(apply)


def _fill_dsa(account: Account, stored: dict[str, Any]) -> None:
    """Each missing field is filled from its own default, never from the other field."""
    for name in ("dsa_payor", "dsa_beneficiary"):
        default = getattr(account, f"default_{name}")
        if not stored.get(name) and default:
            stored[name] = default


def _label_ids(call: Call, items: list[Any]) -> list[str]:
    """The ids of known labels, and of labels made for new names."""
    account_id = _account(call).account_id
    ids = [
        call.world.label_for(account_id, item["name"]).label_id if item.get("name") else str(item["id"])
        for item in items
    ]
    return list(dict.fromkeys(ids))


def _of_account(call: Call, kind: Kind) -> list[AdObject]:
    """The account's objects, newest first."""
    ids = call.world.by_account.get((_account(call).account_id, kind), [])
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

    return _list(call, [found for found in _of_account(call, kind) if hit(found)])


def _list(call: Call, found: list[AdObject]) -> Body:
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


def _account(call: Call) -> Account:
    if call.account is None:
        raise unsupported(call.method, call.path)
    return call.account


def _target(call: Call) -> AdObject:
    if call.target is None:
        raise unsupported(call.method, call.path)
    return call.target

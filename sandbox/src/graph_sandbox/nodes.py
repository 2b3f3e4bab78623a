"""How accounts, campaigns, ad sets, labels and users look when they are read."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from typing import Any

from graph_sandbox.call import Body, Call
from graph_sandbox.catalog import ACCOUNT_FIELDS, ADSET_FIELDS, CAMPAIGN_FIELDS, LABEL_FIELDS, USER_FIELDS
from graph_sandbox.listing import DEFAULT_LIMIT, Fields, known_only
from graph_sandbox.personas import SPEND_CAP_IN_FLOORS, Account, Persona
from graph_sandbox.state import AdObject, Kind, Label

EDGES_AS_FIELDS: dict[str, Kind] = {"campaigns": "campaign", "adsets": "adset"}
HIDDEN_BY_DEFAULT = frozenset({"ARCHIVED", "DELETED"})
MONEY_FIELDS = ("daily_budget", "lifetime_budget", "spend_cap")


def user_node(call: Call, person: Persona, wanted: Fields) -> Body:
    known_only(wanted, USER_FIELDS, "User")
    first, _, last = person.name.partition(" ")
    everything: Body = {"id": person.user_id, "name": person.name, "first_name": first, "last_name": last}
    if "adaccounts" in wanted:
        mine = (call.world.accounts[account_id] for account_id in person.account_ids[:DEFAULT_LIMIT])
        everything["adaccounts"] = {"data": [account_node(call, one, wanted["adaccounts"]) for one in mine]}
    return _pick(everything, wanted or {"id": {}, "name": {}})


def account_node(call: Call, account: Account, wanted: Fields) -> Body:
    known_only(wanted, ACCOUNT_FIELDS, "AdAccount")
    if not wanted:
        return {"account_id": account.account_id, "id": f"act_{account.account_id}"}
    floor = account.floors()[0]
    everything: Body = {
        "id": f"act_{account.account_id}",
        "account_id": account.account_id,
        "name": account.name,
        "account_status": account.account_status,
        "disable_reason": account.disable_reason,
        "currency": account.currency,
        "timezone_name": account.timezone_name,
        "timezone_offset_hours_utc": account.utc_offset_hours,
        "user_tasks": list(call.user.tasks) if call.user else None,
        "min_daily_budget": floor,
        "min_campaign_group_spend_cap": str(floor * SPEND_CAP_IN_FLOORS),
        "amount_spent": "0",
        "balance": "0",
        "spend_cap": "0",
        "default_dsa_payor": account.default_dsa_payor,
        "default_dsa_beneficiary": account.default_dsa_beneficiary,
    }
    for edge, kind in EDGES_AS_FIELDS.items():
        if edge in wanted:
            everything[edge] = {"data": _newest(call, account, kind, wanted[edge])}
    return _pick(everything, wanted) | {"id": f"act_{account.account_id}"}


def _newest(call: Call, account: Account, kind: Kind, wanted: Fields) -> list[Body]:
    """The first page of an edge that was asked for as a field: as a list without filters has it."""
    ids = reversed(call.world.by_account.get((account.account_id, kind), []))
    standing = (one for one in map(call.world.objects.__getitem__, ids) if is_listed(call, one))
    return [object_node(call, one, wanted) for one in islice(standing, DEFAULT_LIMIT)]


def is_listed(call: Call, found: AdObject) -> bool:
    """Whether a list without filters shows it: visible by now, neither archived nor deleted."""
    return found.visible_at <= call.world.now() and (
        call.world.effective_status(found) not in HIDDEN_BY_DEFAULT
    )


def object_node(call: Call, found: AdObject, wanted: Fields) -> Body:
    """A campaign or ad set; `id` is always there."""
    known = CAMPAIGN_FIELDS if found.kind == "campaign" else ADSET_FIELDS
    known_only(wanted, known, "Campaign" if found.kind == "campaign" else "AdSet")
    body = _pick(_object_values(call, found, wanted), wanted)
    return body | {"id": found.object_id}


def label_node(call: Call, label: Label, wanted: Fields) -> Body:
    known_only(wanted, LABEL_FIELDS, "AdLabel")
    made = graph_time(label.created_at, call.world.accounts[label.account_id])
    everything = {"id": label.label_id, "name": label.name, "created_time": made, "updated_time": made}
    return _pick(everything, wanted or {"id": {}, "name": {}}) | {"id": label.label_id}


def graph_time(unix_seconds: float, account: Account) -> str:
    """Whole seconds in the account's offset, written as Graph does: `2026-11-22T14:00:00+0100`."""
    zone = timezone(timedelta(hours=account.utc_offset_hours))
    return datetime.fromtimestamp(unix_seconds, UTC).astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S%z")


def account_time(iso: str, account: Account) -> str:
    """A time of the ledger as the account's Graph answers write it."""
    return graph_time(datetime.fromisoformat(iso).timestamp(), account)


def _object_values(call: Call, found: AdObject, wanted: Fields) -> Body:
    account = call.world.accounts[found.account_id]
    values: Body = {
        **found.values,
        "account_id": found.account_id,
        "configured_status": found.values["status"],
        "effective_status": call.world.effective_status(found),
        "created_time": graph_time(found.created_at, account),
        "updated_time": graph_time(found.updated_at, account),
        "budget_remaining": "0",
    }
    for name in MONEY_FIELDS:
        if values.get(name) is not None:
            values[name] = str(values[name])
    if found.parent_id is not None:
        values["campaign_id"] = found.parent_id
        if "campaign" in wanted:
            above = call.world.objects[found.parent_id]
            values["campaign"] = object_node(call, above, wanted["campaign"])
    if "adsets" in wanted and found.kind == "campaign":
        below = (one for one in map(call.world.objects.__getitem__, found.children) if is_listed(call, one))
        values["adsets"] = {"data": [object_node(call, child, wanted["adsets"]) for child in below]}
    if "adlabels" in wanted and found.label_ids:
        labels = (call.world.labels[label_id] for label_id in found.label_ids)
        all_fields: Fields = {name: {} for name in ("id", "name", "created_time", "updated_time")}
        values["adlabels"] = [label_node(call, label, wanted["adlabels"] or all_fields) for label in labels]
    return values


def _pick(everything: dict[str, Any], wanted: Fields) -> Body:
    """The wanted fields that have a value; Graph leaves empty ones out."""
    return {name: everything[name] for name in wanted if everything.get(name) is not None}

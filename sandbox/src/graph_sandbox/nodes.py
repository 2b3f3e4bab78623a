"""How accounts, campaigns, ad sets, labels and users look when they are read, and lists of them.

An edge may be asked for as a field; it is then read as a call of its own, whose parameters are the modifiers.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

from graph_sandbox.call import Body, Call
from graph_sandbox.catalog import ACCOUNT_FIELDS, ADSET_FIELDS, CAMPAIGN_FIELDS, LABEL_FIELDS, USER_FIELDS
from graph_sandbox.fields import Fields, known_only, parse_fields
from graph_sandbox.filters import check_period, listing_filter, objects_in
from graph_sandbox.listing import page_body, take_page
from graph_sandbox.markets import timestamp
from graph_sandbox.params import Params
from graph_sandbox.personas import SPEND_CAP_IN_FLOORS, Account, Persona
from graph_sandbox.refusals import invalid_param
from graph_sandbox.state import AdObject, Label

MONEY_FIELDS = ("daily_budget", "lifetime_budget", "spend_cap")
TIME_FIELDS = ("start_time", "stop_time", "end_time")
LEVELS = ("account", "campaign", "adset", "ad")
Edges = dict[str, Callable[[Call], Body]]


def wanted_of(call: Call) -> Fields:
    return parse_fields(call.params.text("fields"))


def user_node(call: Call, person: Persona, wanted: Fields) -> Body:
    known_only(wanted, USER_FIELDS, "User")
    first, _, last = person.name.partition(" ")
    everything: Body = {"id": person.user_id, "name": person.name, "first_name": first, "last_name": last}
    edges: Edges = {
        "adaccounts": partial(list_accounts, person=person),
        "permissions": partial(list_permissions, person=person),
    }
    everything |= _edges(call, person.user_id, edges, wanted)
    return _pick(everything, wanted or Fields("id", "name"))


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
    everything |= _edges(call, f"act_{account.account_id}", _account_edges(account), wanted)
    return _pick(everything, wanted) | {"id": f"act_{account.account_id}"}


def _account_edges(account: Account) -> Edges:
    own = account.account_id
    return {
        "campaigns": lambda call: list_objects(call, objects_in(call, own, "campaign")),
        "adsets": lambda call: list_objects(call, objects_in(call, own, "adset")),
        "ads": lambda call: list_ads(call, objects_in(call, own, "adset")),
        "adlabels": lambda call: list_labels(call, labels_in(call, own)),
        "insights": lambda call: insights(call, "0"),
    }


def object_node(call: Call, found: AdObject, wanted: Fields) -> Body:
    """A campaign or ad set; `id` is always there."""
    known, node = (CAMPAIGN_FIELDS, "Campaign") if found.kind == "campaign" else (ADSET_FIELDS, "AdSet")
    known_only(wanted, known, node)
    body = _pick(_object_values(call, found, wanted), wanted)
    return body | {"id": found.object_id}


def label_node(call: Call, label: Label, wanted: Fields) -> Body:
    known_only(wanted, LABEL_FIELDS, "AdLabel")
    made = graph_time(label.created_at, call.world.accounts[label.account_id])
    everything = {"id": label.label_id, "name": label.name, "created_time": made, "updated_time": made}
    return _pick(everything, wanted or Fields("id", "name")) | {"id": label.label_id}


def list_objects(call: Call, found: Sequence[AdObject]) -> Body:
    keep, wanted = listing_filter(call), wanted_of(call)
    if call.params.text("order") == "chronological":
        found = found[::-1]
    page = take_page(call, found, lambda one: one.object_id, keep)
    rows = [object_node(call, one, wanted) for one in page.items]
    return page_body(call, page, rows, lambda: sum(map(keep, found)))


def list_labels(call: Call, labels: Sequence[Label]) -> Body:
    wanted = wanted_of(call)
    page = take_page(call, labels, lambda label: label.label_id, lambda _: True)
    return page_body(call, page, [label_node(call, one, wanted) for one in page.items], lambda: len(labels))


def list_accounts(call: Call, person: Persona) -> Body:
    wanted = wanted_of(call)
    mine = [call.world.accounts[account_id] for account_id in person.account_ids]
    page = take_page(call, mine, lambda account: account.account_id, lambda _: True)
    return page_body(call, page, [account_node(call, one, wanted) for one in page.items], lambda: len(mine))


def list_permissions(call: Call, person: Persona) -> Body:
    status = call.params.text("status")
    grants = call.world.grants.get(person.user_id, {}).items()
    rows = [{"permission": scope, "status": known} for scope, known in grants if status in {None, known}]
    return {"data": rows}


def list_ads(call: Call, below: Sequence[AdObject]) -> Body:
    """Ads are not created here; a person's are put there by `/_sandbox/objects/{id}`."""
    ids = [ad_id for one in below for ad_id in one.ad_ids]
    page = take_page(call, ids, str, lambda _: True)
    return page_body(call, page, [{"id": ad_id} for ad_id in page.items], lambda: len(ids))


def insights(call: Call, spend: str) -> Body:
    """One row with the spend, or none while nothing was delivered, as Meta answers."""
    check_period(call)
    level = call.params.text("level")
    if level is not None and level not in LEVELS:
        raise invalid_param("level", f"must be one of {{{', '.join(LEVELS)}}} - got {level}.")
    return {"data": [{"spend": spend}] if spend != "0" else []}


def labels_in(call: Call, account_id: str) -> list[Label]:
    return [label for label in call.world.labels.values() if label.account_id == account_id]


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
    for name in TIME_FIELDS:
        moment = timestamp(values.get(name)) or (found.created_at if name == "start_time" else None)
        values[name] = graph_time(moment, account) if moment else None
    for name in MONEY_FIELDS:
        if values.get(name) is not None:
            values[name] = str(values[name])
    if found.parent_id is not None:
        values["campaign_id"] = found.parent_id
        if "campaign" in wanted:
            above = call.world.objects[found.parent_id]
            values["campaign"] = object_node(call, above, wanted["campaign"])
    if "adlabels" in wanted and found.label_ids:
        labels = (call.world.labels[label_id] for label_id in found.label_ids)
        fields = wanted["adlabels"] or Fields("id", "name", "created_time", "updated_time")
        values["adlabels"] = [label_node(call, label, fields) for label in labels]
    below = [call.world.objects[child] for child in reversed(found.children)]
    edges: Edges = {
        "adsets": lambda call: list_objects(call, below),
        "ads": lambda call: list_ads(call, [found, *below]),
        "insights": lambda call: insights(call, found.spend),
    }
    return values | _edges(call, found.object_id, edges, wanted)


def _edges(call: Call, node_id: str, edges: Edges, wanted: Fields) -> Body:
    """The edges among the wanted fields, each with its first page."""
    found: Body = {}
    for name in wanted.keys() & edges.keys():
        inner = wanted[name]
        params = Params(inner.modifiers | ({"fields": inner.text()} if inner else {}))
        found[name] = edges[name](replace(call, path=f"{node_id}/{name}", params=params))
    return found


def _pick(everything: dict[str, Any], wanted: Fields) -> Body:
    """The wanted fields that have a value; Graph leaves empty ones out."""
    return {name: everything[name] for name in wanted if everything.get(name) is not None}

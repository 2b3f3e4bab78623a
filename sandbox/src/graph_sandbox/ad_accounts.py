"""The ad account itself: read and change it, its minimum budgets, insights, activities.

Source: https://developers.facebook.com/docs/marketing-api/reference/ad-account
"""

from typing import Any

from graph_sandbox.call import Body, Call
from graph_sandbox.listing import page_body, take_page
from graph_sandbox.marketing import Change, account_of, objects_of
from graph_sandbox.nodes import account_node, account_time, insights, list_ads, wanted_of
from graph_sandbox.params import decode_known
from graph_sandbox.personas import BUDGET_FLOORS, Account

ACTIVITY_TYPES = {
    ("campaign", "created"): ("create_campaign_group", "Campaign created"),
    ("campaign", "updated"): ("update_campaign_group", "Campaign updated"),
    ("campaign", "deleted"): ("update_campaign_run_status", "Campaign deleted"),
    ("adset", "created"): ("create_ad_set", "Ad set created"),
    ("adset", "updated"): ("update_ad_set", "Ad set updated"),
    ("adset", "deleted"): ("update_ad_set_run_status", "Ad set deleted"),
}
"""`event_type` and its translation for each change; the names of updates are inferred."""

OBJECT_TYPES = {"campaign": "CAMPAIGN_GROUP", "adset": "CAMPAIGN"}
"""Ad sets were called campaigns once, and still are here."""


def read_account(call: Call) -> Body:
    return account_node(call, account_of(call), wanted_of(call))


def update_account(call: Call) -> Change:
    """Only what the product may need a customer to set: name and the DSA defaults."""
    account = account_of(call)
    known = {"name": "string", "default_dsa_payor": "string", "default_dsa_beneficiary": "string"}
    values = decode_known(call.params, known)

    def apply() -> Body:
        for name, value in values.items():
            setattr(account, name, value)
        return {"success": True}

    return Change(apply)


def minimum_budgets(call: Call) -> Body:
    """One row per currency, as Meta answers; the account's own currency uses the account's floors."""
    account = account_of(call)
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
    return {"data": [{"recommendations": list(account_of(call).dsa_recommendations)}]}


def read_insights(call: Call) -> Body:
    """An account that delivered nothing has no row."""
    _ = account_of(call)
    return insights(call, "0")


def list_ads_of_account(call: Call) -> Body:
    return list_ads(call, objects_of(call, "adset"))


def list_activities(call: Call) -> Body:
    """What changed in the account, newest first; `fields` picks among the columns."""
    wanted = wanted_of(call)
    rows = [_activity(call, entry) for entry in reversed(_changes(call))]
    page = take_page(call, rows, lambda row: str(row["seq"]), lambda _: True)
    shown = [
        {name: value for name, value in row.items() if name != "seq" and (not wanted or name in wanted)}
        for row in page.items
    ]
    return page_body(call, page, shown, lambda: len(rows))


def _changes(call: Call) -> list[dict[str, Any]]:
    entries = call.world.ledger.read(account_id=account_of(call).account_id, kind=None, since=0, limit=None)
    return [entry for entry in entries if (entry.get("kind"), entry["event"]) in ACTIVITY_TYPES]


def _activity(call: Call, entry: dict[str, Any]) -> Body:
    event_type, translated = ACTIVITY_TYPES[entry["kind"], entry["event"]]
    return {
        "seq": entry["seq"],
        "event_type": event_type,
        "translated_event_type": translated,
        "event_time": account_time(entry["at"], account_of(call)),
        "object_id": entry["id"],
        "object_name": entry["name"],
        "object_type": OBJECT_TYPES[entry["kind"]],
        "application_id": call.world.app.app_id,
        "application_name": call.world.app.name,
    }

"""How rules about budgets and bids are broken."""

from collections.abc import Iterator
from typing import Any

from graph_sandbox.markets import CURRENCY_SYMBOLS, WHOLE_UNIT_CURRENCIES, timestamp
from graph_sandbox.personas import SPEND_CAP_IN_FLOORS, Account
from graph_sandbox.state import AdObject
from graph_sandbox.violations import BROKEN, Draft, Facts, has_budget

BIDS_WITH_AMOUNT = frozenset({"LOWEST_COST_WITH_BID_CAP", "COST_CAP"})
FREQUENT_ACTIONS = frozenset({"CLICKS", "LINK_CLICKS", "PAGE_LIKES", "POST_ENGAGEMENT"})
RARE_ACTIONS = frozenset({"APP_INSTALLS", "OFFER_CLAIMS", "PURCHASE"})
BIDS_IN_A_BUDGET = 5
"""A budget has to pay for this many capped clicks or actions."""

DAY_SECONDS = 86_400.0
GONE = frozenset({"DELETED", "ARCHIVED"})


def sharing_with_campaign_budget(draft: Draft) -> Facts | None:
    return BROKEN if draft.has_budget and draft.values.get("is_adset_budget_sharing_enabled") else None


def sharing_not_said(draft: Draft) -> Facts | None:
    said = draft.values.get("is_adset_budget_sharing_enabled") is not None
    return None if said or draft.has_budget else BROKEN


def sharing_without_bid_strategy(draft: Draft) -> Facts | None:
    shares = draft.values.get("is_adset_budget_sharing_enabled")
    return BROKEN if shares and not draft.values.get("bid_strategy") else None


def both_budgets(draft: Draft) -> Facts | None:
    both = draft.values.get("daily_budget") and draft.values.get("lifetime_budget")
    return BROKEN if both else None


def bid_strategy_without_budget(draft: Draft) -> Facts | None:
    shares = draft.values.get("is_adset_budget_sharing_enabled")
    return BROKEN if draft.values.get("bid_strategy") and not draft.has_budget and not shares else None


def budget_on_both_levels(draft: Draft) -> Facts | None:
    return BROKEN if draft.has_budget and draft.campaign_has_budget else None


def bid_amount_missing(draft: Draft) -> Facts | None:
    strategy = _bid_strategy(draft)
    needs = strategy in BIDS_WITH_AMOUNT and not draft.values.get("bid_amount")
    return {"bid_strategy": strategy} if strategy and needs else None


def bid_with_automatic_strategy(draft: Draft) -> Facts | None:
    is_automatic = _bid_strategy(draft) == "LOWEST_COST_WITHOUT_CAP"
    return BROKEN if is_automatic and draft.values.get("bid_amount") else None


def bid_not_said(draft: Draft) -> Facts | None:
    """Nobody says how to bid, or a minimum return is asked for without its constraint."""
    strategy = _bid_strategy(draft)
    if strategy is None and not draft.values.get("bid_amount"):
        return {"bid_strategy": "LOWEST_COST_WITH_BID_CAP"}
    if strategy == "LOWEST_COST_WITH_MIN_ROAS" and not draft.values.get("bid_constraints"):
        return {"bid_strategy": strategy}
    return None


def budget_missing(draft: Draft) -> Facts | None:
    return None if draft.has_budget or draft.campaign_has_budget else BROKEN


def budget_too_low(draft: Draft) -> Facts | None:
    """Daily budgets only: a lifetime floor depends on the days between start and end."""
    budget = draft.values.get("daily_budget")
    if budget is None:
        return None
    before = draft.target.values if draft.target else {}
    billing_event = draft.values.get("billing_event") or before.get("billing_event")
    floor = daily_floor_minor(draft.account, str(billing_event))
    if budget >= floor:
        return None
    return {"floor": money(floor, draft.account.currency)}


def lifetime_without_end(draft: Draft) -> Facts | None:
    return BROKEN if draft.values.get("lifetime_budget") and not draft.values.get("end_time") else None


def campaign_budget_too_low(draft: Draft) -> Facts | None:
    budget = draft.values.get("daily_budget")
    floor = draft.account.floors()[0]
    if budget is None or budget >= floor:
        return None
    return {"floor": money(floor, draft.account.currency)}


def spend_cap_too_low(draft: Draft) -> Facts | None:
    cap = draft.values.get("spend_cap")
    floor = draft.account.floors()[0] * SPEND_CAP_IN_FLOORS
    return {"floor": money(floor, draft.account.currency)} if cap is not None and cap < floor else None


def bid_above_budget(draft: Draft) -> Facts | None:
    """With a bid cap a day has to pay for one bid of impressions, or for five of anything else."""
    bid, budget = draft.values.get("bid_amount"), draft.values.get("daily_budget")
    if not bid or budget is None or _bid_strategy(draft) != "LOWEST_COST_WITH_BID_CAP":
        return None
    bids = 1 if str(draft.values.get("billing_event")) == "IMPRESSIONS" else BIDS_IN_A_BUDGET
    return {"floor": money(bid * bids, draft.account.currency)} if budget < bid * bids else None


def lifetime_too_low(draft: Draft) -> Facts | None:
    """The daily floor for each day between start and end, at least one."""
    budget, end = draft.values.get("lifetime_budget"), timestamp(draft.values.get("end_time"))
    if budget is None or not end:
        return None
    start = timestamp(draft.values.get("start_time")) or draft.world.now()
    days = max(1, int((end - start) // DAY_SECONDS))
    floor = days * daily_floor_minor(draft.account, str(draft.values.get("billing_event")))
    return {"floor": money(floor, draft.account.currency)} if budget < floor else None


def shorter_than_a_day(draft: Draft) -> Facts | None:
    end = timestamp(draft.values.get("end_time"))
    if not draft.values.get("daily_budget") or not end:
        return None
    start = timestamp(draft.values.get("start_time")) or draft.world.now()
    return BROKEN if end - start <= DAY_SECONDS else None


def not_uniform_with_siblings(draft: Draft) -> Facts | None:
    """Among ad sets that share, each has the same kind of budget and the same bid strategy."""
    above = draft.campaign
    if above is None or not above.values.get("is_adset_budget_sharing_enabled"):
        return None
    own = _shape(draft.values)
    return BROKEN if any(_shape(one.values) != own for one in _standing(draft, above)) else None


def budget_moves_to_both_levels(draft: Draft) -> Facts | None:
    """A campaign gets a budget while its ad sets have one, or an ad set while its campaign has."""
    target = draft.target
    if target is None or not draft.has_budget:
        return None
    if target.kind == "campaign":
        return BROKEN if any(has_budget(one.values) for one in _standing(draft, target)) else None
    above = draft.above
    return BROKEN if above is not None and has_budget(above.values) else None


def daily_floor_minor(account: Account, billing_event: str) -> int:
    """The lowest daily budget for what is charged for, in minor units of the account's currency."""
    impressions, frequent, video, rare = account.floors()
    if billing_event in FREQUENT_ACTIONS:
        return frequent
    if billing_event in RARE_ACTIONS:
        return rare
    return video if billing_event == "THRUPLAY" else impressions


def money(amount_minor: int, currency: str) -> str:
    symbol = CURRENCY_SYMBOLS.get(currency, f"{currency} ")
    if currency in WHOLE_UNIT_CURRENCIES:
        return f"{symbol}{amount_minor}"
    return f"{symbol}{amount_minor // 100}.{amount_minor % 100:02d}"


def _standing(draft: Draft, campaign: AdObject) -> Iterator[AdObject]:
    below = (draft.world.objects[child] for child in campaign.children)
    return (one for one in below if one.values["status"] not in GONE)


def _shape(values: dict[str, Any]) -> tuple[bool, object]:
    return bool(values.get("lifetime_budget")), values.get("bid_strategy")


def _bid_strategy(draft: Draft) -> str | None:
    own = draft.values.get("bid_strategy")
    if own:
        return str(own)
    above = draft.campaign.values.get("bid_strategy") if draft.campaign else None
    if above:
        return str(above)
    return "LOWEST_COST_WITH_BID_CAP" if draft.values.get("bid_amount") else None

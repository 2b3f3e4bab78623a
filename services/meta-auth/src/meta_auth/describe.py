"""PURE: a stored connection or ad account in the words of the HTTP contract. The time is an argument."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from contracts.internal import AdAccount, ConnectionStatus
from meta_auth.graph import GraphAccount
from meta_auth.store import MetaConnection, SelectedAccount

WARN_DAYS: Final = 15
"""From here on a user is told that the connection runs out."""
EXPIRED: Final = "Your Meta connection has expired. Reconnect Meta in Settings."
CAN_ADVERTISE: Final = frozenset({"ADVERTISE", "MANAGE"})
READ_ONLY: Final = "Your role in this ad account is read-only"
READ_ONLY_HINT: Final = (
    "Ask the ad account's admin for the permission to manage campaigns, then list the accounts again."
)
UNUSABLE: Final = {
    2: (
        "This ad account is disabled",
        "Look at Account Quality at facebook.com, or choose another ad account.",
    ),
    3: (
        "This ad account has an unpaid balance",
        "Pay it in Meta's billing settings, or choose another ad account.",
    ),
    7: ("Meta is reviewing this ad account", "Wait for the review, or choose another ad account."),
    100: ("This ad account is being closed", "Choose another ad account."),
    101: ("This ad account is closed", "Choose another ad account."),
    202: ("This ad account is closed", "Choose another ad account."),
}
"""Values of `account_status` that no campaign can be made in, with the reason and a way out."""


def status_of(row: MetaConnection | None, *, asked: Sequence[str], now: datetime) -> ConnectionStatus:
    """The connection as the user may see it."""
    if row is None or row.status == "disconnected":
        return ConnectionStatus(status="disconnected", version=row.version if row else 0)
    selected, scopes = row.selected, row.scopes or []
    return ConnectionStatus(
        status=row.status,
        meta_user_id=row.meta_user_id,
        ad_account_id=row.placeholder_account_id or (selected.id if selected else None),
        scopes=scopes,
        token_expires_at=row.expires_at,
        selected_ad_account_id=selected.id if selected else None,
        hint=row.trouble if row.status == "error" else _hint(row, now),
        granted_scopes=scopes,
        missing_scopes=[scope for scope in asked if scope not in scopes],
        expires_in_days=days_left(row.expires_at, now),
        version=row.version,
        currency=selected.currency if selected else None,
        min_daily_budget_minor=selected.min_daily_budget_minor if selected else None,
    )


def refusal_of(account: GraphAccount) -> tuple[str, str] | None:
    """Why this account cannot be selected, and what to do about it; None when it can."""
    if account.status in UNUSABLE:
        return UNUSABLE[account.status]
    if account.tasks is not None and not account.tasks & CAN_ADVERTISE:
        return READ_ONLY, READ_ONLY_HINT
    return None


def listed(account: GraphAccount) -> AdAccount:
    refusal = refusal_of(account)
    return AdAccount(
        id=account.id,
        name=account.name,
        account_status=account.status,
        currency=account.currency,
        selectable=refusal is None,
        reason=refusal[0] if refusal else None,
        min_daily_budget=account.min_daily_budget_minor,
    )


def selected_from(account: GraphAccount) -> SelectedAccount:
    return SelectedAccount(
        id=account.id,
        name=account.name,
        currency=account.currency,
        min_daily_budget_minor=account.min_daily_budget_minor,
        dsa_beneficiary=account.dsa_beneficiary,
        dsa_payor=account.dsa_payor,
    )


def placeholder_account(stored_id: str) -> GraphAccount:
    """The one ad account of a development connection."""
    return GraphAccount(
        id=stored_id if stored_id.startswith("act_") else f"act_{stored_id}",
        name="Dev Ad Account",
        status=1,
        currency="USD",
        tasks=None,
        min_daily_budget_minor=None,
        dsa_beneficiary=None,
        dsa_payor=None,
    )


def days_left(end: datetime | None, now: datetime) -> int | None:
    """Whole days until then; None when there is no end."""
    return None if end is None else max((end - now).days, 0)


def lost_scopes_text(lost: Sequence[str]) -> str:
    return f"Meta no longer grants {', '.join(lost)}. Reconnect Meta in Settings with all permissions."


def _hint(row: MetaConnection, now: datetime) -> str | None:
    """The most pressing thing to know about a connection that works."""
    return (
        _end_hint("connection", row.expires_at, now)
        or _end_hint("permission to use your data", row.data_access_expires_at, now)
        or row.trouble
    )


def _end_hint(what: str, end: datetime | None, now: datetime) -> str | None:
    days = days_left(end, now)
    if days is None or days >= WARN_DAYS:
        return None
    when = {0: "today", 1: "in 1 day"}.get(days, f"in {days} days")
    return f"Your Meta {what} expires {when}. Reconnect Meta in Settings."

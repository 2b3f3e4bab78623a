"""PURE: what the facts about a token mean for the connection. The time is an argument."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.events import ConnectionReason
from meta_auth.describe import days_left, lost_scopes_text
from meta_auth.graph import TokenFacts
from meta_auth.graph_errors import INVALID_TOKEN, RECONNECT, ends_token, hint_for
from meta_auth.store import MetaConnection
from meta_auth.token_ends import EXPIRING_DAYS

EXPIRED_SUBCODE: Final = 463
NO_DATA_ACCESS: Final = "Meta's permission to use your data has expired. Reconnect Meta in Settings."


@dataclass(frozen=True, kw_only=True)
class Broken:
    """The connection is of no use until the user reconnects."""

    trouble: str
    reason: ConnectionReason


@dataclass(frozen=True, kw_only=True)
class Fine:
    """The connection works. `reason` is set when there is something new to warn of."""

    trouble: str | None
    warned_days: int | None
    reason: ConnectionReason | None = None
    expires_in_days: int | None = None


Verdict = Broken | Fine


def judge(
    row: MetaConnection,
    facts: TokenFacts,
    *,
    app_id: str,
    asked: Sequence[str],
    required: Sequence[str],
    now: datetime,
) -> Verdict:
    """Decide what a check found."""
    if not facts.is_valid:
        return _of_invalid(row, facts)
    if facts.app_id != app_id or facts.user_id != row.meta_user_id:
        return Broken(trouble=RECONNECT, reason="token_revoked")
    missing = [scope for scope in (*required, *asked) if scope not in facts.scopes]
    if set(missing) & set(required):
        return Broken(trouble=lost_scopes_text(list(dict.fromkeys(missing))), reason="scope_lost")
    if facts.data_access_expires_at is not None and facts.data_access_expires_at <= now:
        return Broken(trouble=NO_DATA_ACCESS, reason="data_access_expiring")
    lost = [scope for scope in missing if scope in (row.scopes or [])]
    # A scope that was never granted is no news; one that was lost stays told until it is back.
    trouble = lost_scopes_text(missing) if lost or (missing and row.trouble) else None
    reason, days, warned_days = _warning(row, facts, now)
    if lost:
        reason = "scope_lost"
    return Fine(trouble=trouble, warned_days=warned_days, reason=reason, expires_in_days=days)


def _of_invalid(row: MetaConnection, facts: TokenFacts) -> Verdict:
    code = facts.code or INVALID_TOKEN
    if not ends_token(code, facts.subcode):
        return Fine(trouble=row.trouble, warned_days=row.warned_days)
    is_over = facts.subcode == EXPIRED_SUBCODE
    return Broken(
        trouble=hint_for(code, facts.subcode), reason="token_expired" if is_over else "token_revoked"
    )


def _warning(
    row: MetaConnection, facts: TokenFacts, now: datetime
) -> tuple[ConnectionReason | None, int | None, int | None]:
    """What to warn of, the days that are left, and how far ahead the last warning has looked now."""
    token_days = days_left(facts.expires_at, now)
    data_days = days_left(facts.data_access_expires_at, now)
    days = min((each for each in (token_days, data_days) if each is not None), default=None)
    reached = [ahead for ahead in EXPIRING_DAYS if days is not None and days <= ahead]
    if not reached:
        return None, days, None
    warned_days = min(reached)
    is_news = row.warned_days is None or warned_days < row.warned_days
    reason: ConnectionReason = "token_expiring" if days == token_days else "data_access_expiring"
    return (reason if is_news else None), days, warned_days

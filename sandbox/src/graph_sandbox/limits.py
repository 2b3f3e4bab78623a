"""Rate limits with Meta's arithmetic, off until the setting `access_tier` names a tier.

Per ad account a score: a read costs 1, a write 3; it drains over 300 seconds. When it is full every call is
refused for a while, the longer the more is tried. Per ad account and hour a number of ads-management calls,
and per second 100 changes. Per app and hour 200 other calls for each person. Per ad set four changes of the
budget an hour. How the score drains, here evenly, is inferred.

Source: https://developers.facebook.com/docs/marketing-api/overview/rate-limiting
"""

from collections import deque
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

from graph_sandbox.limit_refusals import BUDGET_EDITS, MUTATIONS, throttle_error

if TYPE_CHECKING:
    from graph_sandbox.call import Call

READ_COST, WRITE_COST = 1, 3
DRAIN_SECONDS = 300.0
HOUR_SECONDS = 3600.0
MUTATIONS_A_SECOND = 100
CALLS_PER_USER = 200
BUDGET_EDITS_AN_HOUR = 4
CALLS_PER_ACTIVE_AD = 40


@dataclass(frozen=True, slots=True)
class Tier:
    """What Meta grants an app; `name` is what the headers call it."""

    name: str
    score: int
    block_seconds: float
    hourly_calls: int


TIERS = {
    "development": Tier("development_access", 60, 300.0, 300),
    "standard": Tier("standard_access", 9000, 60.0, 100_000),
}
SHOWN_WHEN_UNLIMITED = "standard_access"


class Window:
    """How many happened within the last `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def count(self, now: float) -> int:
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        return len(self._times)

    def add(self, now: float) -> None:
        self._times.append(now)

    def free_at(self, now: float) -> float:
        """When the oldest is out of the window."""
        return self._times[0] + self._seconds if self._times else now


@dataclass(slots=True)
class AccountUse:
    """What one ad account has used."""

    score: float = 0.0
    scored_at: float = 0.0
    blocked_until: float = 0.0
    hour: Window = field(default_factory=lambda: Window(HOUR_SECONDS))
    second: Window = field(default_factory=lambda: Window(1.0))

    def drain(self, now: float, tier: Tier) -> None:
        self.score = max(0.0, self.score - (now - self.scored_at) * tier.score / DRAIN_SECONDS)
        self.scored_at = now


@dataclass(frozen=True, slots=True)
class Usage:
    """What the headers say of an ad account: percent of each limit, and the wait in seconds."""

    score_percent: float = 0.0
    hour_percent: float = 0.0
    reset_seconds: float = 0.0
    regain_seconds: float = 0.0


class Limits:
    """All that has been used; forgotten at a reset and at a restart."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._accounts: dict[str, AccountUse] = {}
        self._app = Window(HOUR_SECONDS)
        self._budget_edits: dict[str, Window] = {}

    def spend(self, call: "Call") -> None:
        """Count a Marketing call on its ad account.

        Raises:
            GraphError: a limit is used up, or a fault has throttled the account.
        """
        account, now = call.account, call.world.now()
        if account is None:
            return
        if account.throttled_until > now:
            raise throttle_error(account.throttle_code)
        tier = TIERS.get(call.world.settings.access_tier)
        if tier is None:
            return
        use = self._accounts.setdefault(account.account_id, AccountUse())
        self._spend_score(use, tier, now, cost=READ_COST if call.method == "GET" else WRITE_COST)
        if use.hour.count(now) >= _hourly(call, tier):
            raise throttle_error(80004)
        use.hour.add(now)
        if call.method != "GET":
            if use.second.count(now) >= MUTATIONS_A_SECOND:
                raise MUTATIONS.error()
            use.second.add(now)
            self._spend_budget_edit(call, now)

    def spend_app(self, call: "Call") -> None:
        """Count a call that is about no ad account.

        Raises:
            GraphError: code 4.
        """
        if call.world.settings.access_tier not in TIERS:
            return
        now = call.world.now()
        if self._app.count(now) >= _app_limit(call):
            raise throttle_error(4)
        self._app.add(now)

    def app_percent(self, call: "Call") -> int:
        return round(100 * self._app.count(call.world.now()) / _app_limit(call))

    def usage(self, call: "Call") -> Usage:
        tier = TIERS.get(call.world.settings.access_tier)
        use = self._accounts.get(call.account.account_id) if call.account else None
        if tier is None or use is None:
            return Usage()
        now = call.world.now()
        use.drain(now, tier)
        used, limit = use.hour.count(now), _hourly(call, tier)
        blocked = max(0.0, use.blocked_until - now)
        return Usage(
            100.0 if blocked else 100 * use.score / tier.score,
            100 * used / limit,
            blocked or use.score / tier.score * DRAIN_SECONDS,
            use.hour.free_at(now) - now if used >= limit else 0.0,
        )

    def _spend_score(self, use: AccountUse, tier: Tier, now: float, *, cost: int) -> None:
        use.drain(now, tier)
        if now < use.blocked_until or use.score + cost > tier.score:
            use.blocked_until = now + tier.block_seconds
            raise throttle_error(17)
        use.score += cost

    def _spend_budget_edit(self, call: "Call", now: float) -> None:
        target = call.target
        if target is None or target.kind != "adset" or call.method != "POST" or call.path != target.object_id:
            return
        if call.params.get("daily_budget") is None and call.params.get("lifetime_budget") is None:
            return
        edits = self._budget_edits.setdefault(target.object_id, Window(HOUR_SECONDS))
        if edits.count(now) >= BUDGET_EDITS_AN_HOUR:
            raise BUDGET_EDITS.error()
        edits.add(now)


def tier_name(call: "Call") -> str:
    tier = TIERS.get(call.world.settings.access_tier)
    return tier.name if tier else SHOWN_WHEN_UNLIMITED


def minutes(seconds: float) -> int:
    return ceil(seconds / 60)


def _hourly(call: "Call", tier: Tier) -> int:
    account_id = call.account.account_id if call.account else ""
    ids = call.world.by_account.get((account_id, "adset"), [])
    ads = sum(len(call.world.objects[one].ad_ids) for one in ids)
    return tier.hourly_calls + CALLS_PER_ACTIVE_AD * ads


def _app_limit(call: "Call") -> int:
    return CALLS_PER_USER * max(1, len(call.world.grants))

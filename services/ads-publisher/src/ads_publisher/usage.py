"""How much of Meta's patience is used up, and how long to pause for it.

Meta says so in headers on successes and on errors, each in a unit of its own.
Source: https://developers.facebook.com/docs/marketing-api/overview/rate-limiting
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

APP: Final = "app"
"""Scope of the limits that all ad accounts share; every other scope is an ad account."""
APP_WIDE_CODE: Final = 4
SLOW_FROM_PERCENT: Final = 75.0
STOP_FROM_PERCENT: Final = 95.0
LONGEST_SLOWDOWN_SECONDS: Final = 30.0
MIN_THROTTLE_SECONDS: Final = 60.0
"""Calls made while blocked lengthen the block: never wait less, whatever a header says."""
MAX_THROTTLE_SECONDS: Final = 3600.0


@dataclass(frozen=True, kw_only=True)
class Usage:
    """The highest percentage of any limit, and the seconds after which Meta lets calls through again."""

    percent: float = 0.0
    regain_seconds: float = 0.0

    def pause_seconds(self) -> float:
        """No pause below 75 %, a growing one up to 95 %, from there a full stop."""
        if self.percent < SLOW_FROM_PERCENT:
            return 0.0
        if self.percent >= STOP_FROM_PERCENT:
            return throttle_seconds(self)
        share = (self.percent - SLOW_FROM_PERCENT) / (STOP_FROM_PERCENT - SLOW_FROM_PERCENT)
        return max(1.0, share * LONGEST_SLOWDOWN_SECONDS)


def throttle_seconds(usage: Usage) -> float:
    """How long to wait once Meta has refused: what it asks for, at least a minute, at most an hour."""
    return min(max(usage.regain_seconds, MIN_THROTTLE_SECONDS), MAX_THROTTLE_SECONDS)


def account_usage(headers: Mapping[str, str]) -> Usage:
    """The usage of one ad account, from the two headers that speak of it."""
    business = [
        entry
        for entries in _json(headers.get("x-business-use-case-usage")).values()
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, dict)
    ]
    account = _json(headers.get("x-ad-account-usage"))
    return Usage(
        percent=max([*map(_busiest, business), _number(account.get("acc_id_util_pct"))]),
        regain_seconds=max(
            [
                # Minutes here, seconds there.
                *(_number(entry.get("estimated_time_to_regain_access")) * 60 for entry in business),
                _number(account.get("reset_time_duration")),
            ]
        ),
    )


def app_usage(headers: Mapping[str, str]) -> Usage:
    """The usage that all ad accounts share."""
    return Usage(percent=_busiest(_json(headers.get("x-app-usage"))))


def _busiest(entry: Mapping[str, Any]) -> float:
    return max(_number(entry.get(name)) for name in ("call_count", "total_time", "total_cputime"))


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _json(header: str | None) -> dict[str, Any]:
    try:
        value = json.loads(header) if header else {}
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}

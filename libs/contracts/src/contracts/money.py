"""Ad budgets: Meta counts in the minor unit of the account's currency."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

WHOLE_UNIT_CURRENCIES: Final = frozenset(
    {"CLP", "COP", "CRC", "HUF", "ISK", "IDR", "JPY", "KRW", "PYG", "TWD", "VND"}
)
"""Meta's currencies with offset 1; all others have 100 minor units.
A wrong offset is a silent budget 100 times too high.
Source: https://developers.facebook.com/docs/marketing-api/currencies"""
DAYS_PER_MONTH: Final = 30
"""Budgets are set per month by our users and per day at Meta."""


def minor_units(currency: str) -> int:
    """How many minor units make one unit of the currency."""
    return 1 if currency.upper() in WHOLE_UNIT_CURRENCIES else 100


def daily_budget_minor(monthly: Decimal, currency: str) -> int:
    """A monthly budget in major units as Meta's daily budget in minor units, at least 1."""
    daily = monthly * minor_units(currency) / DAYS_PER_MONTH
    return max(1, int(daily.quantize(Decimal(1), rounding=ROUND_HALF_UP)))


def default_monthly_budget(standard: Decimal, currency: str, minimum_daily_minor: int | None) -> Decimal:
    """The budget for someone who set none: `standard`, raised to what the account's minimum allows."""
    if minimum_daily_minor is None:
        return standard
    return max(standard, Decimal(minimum_daily_minor * DAYS_PER_MONTH) / minor_units(currency))

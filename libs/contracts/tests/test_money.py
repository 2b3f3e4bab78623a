"""A wrong offset is a budget a hundred times too high, and nobody is told."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.money import DAYS_PER_MONTH, daily_budget_minor, default_monthly_budget, minor_units

MONTHLY = st.decimals(min_value="0.01", max_value="10000000", places=2)
CURRENCY = st.sampled_from(["SEK", "USD", "EUR", "JPY", "HUF", "CLP", "KWD"])
WITHOUT_MINOR_UNITS = ["CLP", "COP", "CRC", "HUF", "ISK", "IDR", "JPY", "KRW", "PYG", "TWD", "VND"]


@pytest.mark.parametrize("currency", WITHOUT_MINOR_UNITS)
def test_meta_counts_eleven_currencies_in_whole_units(currency: str) -> None:
    assert minor_units(currency) == minor_units(currency.lower()) == 1


@pytest.mark.parametrize("currency", ["SEK", "sek", "USD", "EUR", "NOK", "GBP", "INR"])
def test_meta_counts_every_other_currency_in_hundredths(currency: str) -> None:
    assert minor_units(currency) == 100


@pytest.mark.parametrize(
    ("monthly", "currency", "expected"),
    [
        ("3000", "SEK", 10_000),
        ("3000", "JPY", 100),
        ("100", "USD", 333),
        ("0.15", "USD", 1),  # half a cent a day is rounded up
        ("0.01", "USD", 1),  # never nothing: Meta reads 0 as no budget
        ("45", "HUF", 2),
    ],
)
def test_a_monthly_budget_becomes_a_daily_one_in_minor_units(
    monthly: str, currency: str, expected: int
) -> None:
    assert daily_budget_minor(Decimal(monthly), currency) == expected


@given(MONTHLY, CURRENCY)
def test_a_daily_budget_is_positive_and_within_half_a_minor_unit_of_its_share(
    monthly: Decimal, currency: str
) -> None:
    daily = daily_budget_minor(monthly, currency)
    share = monthly * minor_units(currency) / DAYS_PER_MONTH
    assert daily >= 1
    assert daily == 1 or abs(daily - share) <= Decimal("0.5")


@given(MONTHLY, MONTHLY, CURRENCY)
def test_a_higher_monthly_budget_never_gives_a_lower_daily_one(
    one: Decimal, other: Decimal, currency: str
) -> None:
    low, high = sorted((one, other))
    assert daily_budget_minor(low, currency) <= daily_budget_minor(high, currency)


@given(MONTHLY, CURRENCY, st.integers(1, 10_000_000))
def test_the_default_budget_always_reaches_the_minimum_of_the_account(
    standard: Decimal, currency: str, minimum: int
) -> None:
    monthly = default_monthly_budget(standard, currency, minimum)
    assert monthly >= standard
    assert daily_budget_minor(monthly, currency) >= minimum


def test_without_a_known_minimum_the_default_budget_is_the_standard_one() -> None:
    assert default_monthly_budget(Decimal(3000), "SEK", None) == Decimal(3000)

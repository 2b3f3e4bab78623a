"""How long Meta asks us to wait, in the units of each header."""

import json

import pytest

from ads_publisher.usage import Usage, account_usage, app_usage, throttle_seconds

BUSINESS = {"x-business-use-case-usage": json.dumps({"12": [{"estimated_time_to_regain_access": 7}]})}
ACCOUNT = {"x-ad-account-usage": json.dumps({"acc_id_util_pct": 99, "reset_time_duration": 180})}


def test_waits_are_minutes_in_one_header_and_seconds_in_the_other() -> None:
    assert account_usage(BUSINESS).regain_seconds == 420
    assert account_usage(ACCOUNT) == Usage(percent=99, regain_seconds=180)
    assert account_usage({**BUSINESS, **ACCOUNT}).regain_seconds == 420


def test_the_busiest_limit_counts() -> None:
    entry = {"call_count": 10, "total_cputime": 81, "total_time": 3}
    assert account_usage({"x-business-use-case-usage": json.dumps({"12": [entry, {}]})}).percent == 81
    assert app_usage({"x-app-usage": json.dumps(entry)}).percent == 81


@pytest.mark.parametrize("header", ["", "no json", "[]", '{"12":3}', '{"12":[4]}', '{"12":[{}]}'])
def test_a_header_that_cannot_be_read_says_nothing(header: str) -> None:
    assert account_usage({"x-business-use-case-usage": header, "x-ad-account-usage": header}) == Usage()
    assert app_usage({"x-app-usage": header}) == Usage()


@pytest.mark.parametrize(
    ("percent", "pause"), [(0, 0), (74.9, 0), (75, 1), (85, 15), (94, 28.5), (95, 60), (100, 60)]
)
def test_an_account_slows_down_from_75_percent_and_stops_at_95(percent: float, pause: float) -> None:
    assert Usage(percent=percent).pause_seconds() == pytest.approx(pause)


def test_a_refusal_waits_at_least_a_minute_and_at_most_an_hour() -> None:
    assert throttle_seconds(Usage(regain_seconds=5)) == 60
    assert throttle_seconds(Usage(regain_seconds=600)) == 600
    assert throttle_seconds(Usage(regain_seconds=90_000)) == 3600

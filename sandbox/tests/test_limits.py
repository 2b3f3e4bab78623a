"""Rate limits with Meta's arithmetic; the sandbox's clock is shifted, so nothing waits."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

ACCOUNT = "act_101500000000001"
Create = Callable[..., httpx.Response]
Tier = Callable[[str], None]


@pytest.fixture
def tier(http: httpx.Client, graph: httpx.Client) -> Iterator[Tier]:
    def choose(name: str) -> None:
        http.post("/_sandbox/settings", json={"access_tier": name}).raise_for_status()

    yield choose
    http.post("/_sandbox/reset")


@pytest.fixture
def later(http: httpx.Client) -> Callable[[float], None]:
    def shift(seconds: float) -> None:
        http.post("/_sandbox/settings", json={"clock_offset_seconds": seconds}).raise_for_status()

    return shift


def account_usage(answer: httpx.Response) -> dict[str, Any]:
    usage: dict[str, Any] = json.loads(answer.headers["x-ad-account-usage"])
    return usage


def use_case(answer: httpx.Response) -> dict[str, Any]:
    usage: dict[str, Any] = json.loads(answer.headers["x-business-use-case-usage"])[ACCOUNT[4:]][0]
    return usage


def codes(answer: httpx.Response) -> tuple[int, int | None]:
    error = answer.json()["error"]
    return error["code"], error.get("error_subcode")


def test_twenty_writes_fill_the_score_of_the_development_tier(
    tier: Tier, new_campaign: Create, later: Callable[[float], None]
) -> None:
    """A write costs 3 of 60; the block lasts five minutes, and the score drains meanwhile."""
    tier("development")
    answers = [new_campaign() for _ in range(20)]
    assert [one.status_code for one in answers] == [200] * 20
    assert account_usage(answers[9])["acc_id_util_pct"] == pytest.approx(50, abs=2)
    assert account_usage(answers[0])["ads_api_access_tier"] == "development_access"
    refused = new_campaign()
    assert codes(refused) == (17, 2446079)
    assert account_usage(refused)["acc_id_util_pct"] == 100.0
    assert 299 <= account_usage(refused)["reset_time_duration"] <= 300
    later(200)
    assert codes(new_campaign()) == (17, 2446079)
    later(499)
    assert codes(new_campaign()) == (17, 2446079), "a call within the block makes it longer"
    later(499 + 301)
    assert new_campaign().status_code == 200


def test_a_read_costs_a_third_of_a_write(tier: Tier, graph: httpx.Client) -> None:
    tier("development")
    statuses = [graph.get(f"/{ACCOUNT}").status_code for _ in range(61)]
    assert statuses == [200] * 60 + [400]


def test_the_score_drains_evenly_over_five_minutes(
    tier: Tier, new_campaign: Create, later: Callable[[float], None], graph: httpx.Client
) -> None:
    tier("development")
    for _ in range(20):
        new_campaign()
    later(150)
    assert account_usage(graph.get(f"/{ACCOUNT}"))["acc_id_util_pct"] == pytest.approx(51.7, abs=2)


def test_an_account_takes_a_hundred_changes_a_second(
    tier: Tier, new_campaign: Create, http: httpx.Client, later: Callable[[float], None]
) -> None:
    tier("standard")
    http.post("/_sandbox/settings", json={"clock_stopped_at": time.time()}).raise_for_status()
    answers = [new_campaign() for _ in range(101)]
    assert {one.status_code for one in answers[:100]} == {200}
    assert codes(answers[100]) == (613, 5044001)
    assert new_campaign("act_101500000000003").status_code == 200
    later(1)
    assert new_campaign().status_code == 200


def test_the_standard_tier_blocks_for_one_minute(
    tier: Tier, graph: httpx.Client, http: httpx.Client, later: Callable[[float], None]
) -> None:
    """Nine thousand reads fill it; batches of fifty make them quick."""
    tier("standard")
    http.post("/_sandbox/settings", json={"clock_stopped_at": time.time()}).raise_for_status()
    fifty = json.dumps([{"method": "GET", "relative_url": f"{ACCOUNT}?fields=id"}] * 50)
    for _ in range(180):
        graph.post("/", data={"batch": fifty, "include_headers": "false"}).raise_for_status()
    refused = graph.get(f"/{ACCOUNT}")
    assert codes(refused) == (17, 2446079)
    assert account_usage(refused)["reset_time_duration"] == 60
    assert account_usage(refused)["ads_api_access_tier"] == "standard_access"
    later(61)
    assert graph.get(f"/{ACCOUNT}").status_code == 200


def test_an_hour_has_its_number_of_calls(
    tier: Tier, graph: httpx.Client, later: Callable[[float], None]
) -> None:
    """300 on the development tier; the header tells the minutes until it goes on."""
    tier("development")
    for call in range(300):
        later(call * 6)
        assert graph.get(f"/{ACCOUNT}").status_code == 200
    later(1801)
    refused = graph.get(f"/{ACCOUNT}")
    assert codes(refused) == (80004, 2446079)
    assert use_case(refused)["call_count"] == 100
    assert use_case(refused)["estimated_time_to_regain_access"] == 30
    later(3660)
    assert graph.get(f"/{ACCOUNT}").status_code == 200


def test_an_ad_in_the_account_makes_the_hour_wider(
    tier: Tier, graph: httpx.Client, new_campaign: Create, new_adset: Create, http: httpx.Client
) -> None:
    adset_id = new_adset(new_campaign().json()["id"]).json()["id"]
    http.post(f"/_sandbox/objects/{adset_id}", json={"ad_ids": ["1", "2", "3"]}).raise_for_status()
    tier("development")
    for _ in range(21):
        answer = graph.get(f"/{ACCOUNT}")
    assert use_case(answer)["call_count"] == 5


def test_the_app_has_two_hundred_other_calls_a_person_and_hour(
    tier: Tier, graph: httpx.Client, later: Callable[[float], None]
) -> None:
    tier("standard")
    for call in range(200):
        assert graph.get("/me").status_code == 200, call
    refused = graph.get("/me")
    assert codes(refused) == (4, None)
    assert json.loads(refused.headers["x-app-usage"])["call_count"] == 100
    later(3601)
    assert graph.get("/me").status_code == 200


def test_an_ad_sets_budget_changes_four_times_an_hour(
    tier: Tier, graph: httpx.Client, new_campaign: Create, new_adset: Create
) -> None:
    adset_id = new_adset(new_campaign().json()["id"]).json()["id"]
    tier("standard")
    told = [graph.post(f"/{adset_id}", data={"daily_budget": str(20000 + n)}) for n in range(5)]
    assert [one.status_code for one in told] == [200] * 4 + [400]
    assert codes(told[-1]) == (613, 1487632)
    assert graph.post(f"/{adset_id}", data={"name": "still"}).status_code == 200


def test_without_a_tier_nothing_is_counted(new_campaign: Create, graph: httpx.Client) -> None:
    answers = [new_campaign() for _ in range(25)]
    assert {one.status_code for one in answers} == {200}
    assert account_usage(answers[-1])["acc_id_util_pct"] == 0

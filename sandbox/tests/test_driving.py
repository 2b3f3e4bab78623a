"""Driving the sandbox: its clock, snapshots, description, and the page for people."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from graph_sandbox.control_api import OPERATIONS

ACCOUNT = "act_101500000000001"
Create = Callable[..., httpx.Response]


def test_the_clock_goes_on_stops_and_starts(http: httpx.Client, graph: httpx.Client) -> None:
    before = http.post("/_sandbox/clock", json={"stopped": True}).json()
    after = http.post("/_sandbox/clock", json={"advance_seconds": 6000}).json()
    assert after["now"] == pytest.approx(before["now"] + 6000, abs=0.001)
    assert graph.get("/me").json()["error"]["error_subcode"] == 463
    running = http.post("/_sandbox/clock", json={"stopped": False}).json()
    assert (running["stopped"], running["offset_seconds"]) == (False, 6000)
    assert http.post("/_sandbox/clock", json={"advance_seconds": "6"}).status_code == 400
    assert http.post("/_sandbox/clock", json={"back": 6}).status_code == 400


def test_a_snapshot_brings_back_what_was(
    http: httpx.Client, graph: httpx.Client, new_campaign: Create, ledger: Callable[..., list[dict[str, Any]]]
) -> None:
    kept = new_campaign(name="kept").json()["id"]
    http.post("/_sandbox/settings", json={"proof_seconds": 123}).raise_for_status()
    more = http.post("/_sandbox/personas/ada/accounts", json={"count": 1}).json()["data"][0]
    taken = http.get("/_sandbox/snapshot").json()
    new_campaign(name="lost")
    graph.delete(f"/{kept}").raise_for_status()
    http.post("/_sandbox/settings", json={"read_lag_seconds": 9}).raise_for_status()
    assert http.post("/_sandbox/restore", json=taken).json() == {"ok": True}
    assert graph.get(f"/{ACCOUNT}/campaigns?fields=name").json()["data"] == [{"name": "kept", "id": kept}]
    told = http.get("/_sandbox/settings").json()
    assert (told["read_lag_seconds"], told["proof_seconds"]) == (0, 123)
    assert graph.get(f"/{more}").status_code == 200
    assert [entry["id"] for entry in ledger(kind="created")] == [kept]


@pytest.mark.parametrize("wrong", [{}, {"format": 7}, {"format": 1}, {"format": 1, "settings": {"x": 1}}])
def test_what_is_no_snapshot_is_refused_and_changes_nothing(
    http: httpx.Client, graph: httpx.Client, new_campaign: Create, wrong: dict[str, Any]
) -> None:
    made = new_campaign().json()["id"]
    assert http.post("/_sandbox/restore", json=wrong).status_code == 400
    assert graph.get(f"/{made}").json() == {"id": made}


def test_the_description_names_every_operation_with_what_it_takes(http: httpx.Client) -> None:
    document = http.get("/_sandbox/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    told = {
        (method.upper(), path.removeprefix("/_sandbox"))
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert told == {(one.method, one.path) for one in OPERATIONS}
    assert all(one.description.endswith(".") for one in OPERATIONS)
    change = document["paths"]["/_sandbox/settings"]["post"]
    properties = change["requestBody"]["content"]["application/json"]["schema"]["properties"]
    assert set(properties) == set(http.get("/_sandbox/settings").json())
    assert properties["access_tier"] == {"enum": ["unlimited", "development", "standard"]}
    page = http.get("/_sandbox/docs").text
    assert all(f"{one.method} /_sandbox{one.path}" in page for one in OPERATIONS)
    assert "keeps tokens and grants" in page
    assert "`" not in page


def test_every_described_read_answers(http: httpx.Client) -> None:
    for one in OPERATIONS:
        if one.method == "GET":
            path = one.path.replace("{account}", ACCOUNT)
            assert http.get(f"/_sandbox{path}").status_code == 200, path


def test_the_page_shows_what_meta_saw_and_no_token(
    http: httpx.Client, graph: httpx.Client, new_campaign: Create, new_adset: Create
) -> None:
    campaign_id = new_campaign(name="Spring <b>sale</b>").json()["id"]
    adset_id = new_adset(campaign_id, daily_budget=1)
    assert adset_id.status_code == 400
    http.post("/_sandbox/faults", json={"do": "code_2", "match": {"step": "adset"}}).raise_for_status()
    text = http.get("/_sandbox", follow_redirects=True).text
    for shown in (
        campaign_id,
        "Spring &lt;b&gt;sale&lt;/b&gt;",
        f"POST /{ACCOUNT}/adsets",
        "100/1885272",
        "adset.budget.too_low",
        "step=adset",
        "Lindqvist Bageri",
        "pa-run-1",
    ):
        assert shown in text, shown
    token = graph.headers["authorization"].removeprefix("Bearer ")
    assert token not in text
    assert "EAAS" not in text
    assert "<script" not in text
    other = http.get("/_sandbox/", params={"account": "act_101500000000003"}).text
    assert campaign_id not in other

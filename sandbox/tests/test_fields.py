"""What a read may ask for: fields within fields, edges with modifiers, periods, the state just written."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from graph_sandbox.fields import parse_fields

ACCOUNT = "act_101500000000001"
TODAY = datetime.now(UTC).date()
LATELY, LONG_AGO = str(TODAY - timedelta(days=30)), str(TODAY - timedelta(days=38 * 31))
Create = Callable[..., httpx.Response]


@pytest.fixture
def ids(new_campaign: Create) -> list[str]:
    """Four campaigns, oldest first."""
    return [new_campaign(name=f"c{number}").json()["id"] for number in range(4)]


def expanded(graph: httpx.Client, edge: str) -> list[str]:
    read = graph.get(f"/{ACCOUNT}", params={"fields": f"name,{edge}"}).json()
    assert read["name"] == "Lindqvist Bageri"
    return [one["id"] for one in read[edge.partition(".")[0]]["data"]]


@pytest.mark.parametrize(
    ("modifiers", "wanted"),
    [
        (".limit(2)", [3, 2]),
        (".order(chronological).limit(1)", [0]),
        ('.filtering([{"field":"name","operator":"IN","value":["c1","c3)"]}]){name,id}', [1]),
        ('.effective_status(["DELETED"])', [2]),
        (".nonsense(7)", [3, 1, 0]),
    ],
)
def test_an_edge_among_the_fields_takes_modifiers(
    graph: httpx.Client, ids: list[str], modifiers: str, wanted: list[int]
) -> None:
    if 2 not in wanted or "DELETED" in modifiers:
        graph.delete(f"/{ids[2]}").raise_for_status()
    assert expanded(graph, f"campaigns{modifiers}") == [ids[index] for index in wanted]


def test_an_expanded_edge_pages_on_by_its_own_link(
    graph: httpx.Client, http: httpx.Client, ids: list[str]
) -> None:
    first = graph.get(f"/{ACCOUNT}", params={"fields": "campaigns.limit(3){name,adlabels{name}}"}).json()
    assert first["campaigns"]["data"][0]["adlabels"][0]["name"] == "pa-run-1"
    rest = http.get(first["campaigns"]["paging"]["next"]).json()
    assert [one["name"] for one in rest["data"]] == ["c0"]
    assert rest["data"][0]["adlabels"][0].keys() == {"id", "name"}
    back = http.get(rest["paging"]["previous"]).json()
    assert [one["id"] for one in back["data"]] == list(reversed(ids[1:]))


def test_edges_nest_as_deep_as_they_are_asked(graph: httpx.Client, ids: list[str], new_adset: Create) -> None:
    adsets = [new_adset(ids[3]).json()["id"] for _ in range(2)]
    fields = (
        "id,permissions,adaccounts.limit(1){campaigns.limit(1){adsets.limit(1){campaign{name}},insights}}"
    )
    me = graph.get("/me", params={"fields": fields}).json()
    assert {"permission": "ads_management", "status": "granted"} in me["permissions"]["data"]
    campaign = me["adaccounts"]["data"][0]["campaigns"]["data"][0]
    assert campaign["insights"] == {"data": []}
    assert campaign["adsets"]["data"] == [{"campaign": {"id": ids[3], "name": "c3"}, "id": adsets[1]}]


def test_fields_are_written_again_as_they_were_read() -> None:
    text = 'id,a.limit(2).filtering([{"x":"}),\\""}]){b{c},d},e'
    assert parse_fields(text).text() == text
    assert parse_fields(" id , ,name ").text() == "id,name"


@pytest.mark.parametrize(
    "wrong", ["id{", "id}", "{id}", "a.limit(5", "a)", "a{b}}", "a" + "{a" * 9 + "}" * 9]
)
def test_brackets_that_do_not_match_are_refused(graph: httpx.Client, wrong: str) -> None:
    error = graph.get(f"/{ACCOUNT}", params={"fields": wrong}).json()["error"]
    assert (error["code"], error["message"][:23]) == (2500, "Syntax error in fields:")


def test_a_write_that_asks_for_fields_answers_the_new_state(
    graph: httpx.Client, new_campaign: Create, new_adset: Create
) -> None:
    made = new_campaign(fields="name,status").json()
    assert made == {"id": made["id"], "name": "Project Auto - Test Campaign", "status": "PAUSED"}
    assert new_adset(made["id"], fields="campaign{name}").json()["campaign"]["id"] == made["id"]
    changed = graph.post(f"/{made['id']}", data={"name": "n", "fields": "name"}).json()
    assert changed == {"success": True, "id": made["id"], "name": "n"}


def test_a_read_after_write_that_fails_hides_a_write_that_happened(
    graph: httpx.Client, http: httpx.Client, new_campaign: Create, ledger: Callable[..., Any]
) -> None:
    """Why nobody should ask for fields on a create."""
    assert new_campaign(fields="nonsense").json()["error"]["code"] == 100
    made = http.get("/_sandbox/objects").json()["data"]
    assert len(made) == 1
    assert ledger(kind="call")[-1]["object_id"] == made[0]["id"]


@pytest.mark.parametrize(
    ("field", "value", "count"),
    [("objective", "OUTCOME_TRAFFIC", 4), ("objective", "OUTCOME_SALES", 0), ("campaign.name", "c1", 1)],
)
def test_campaigns_are_filtered_by_more_than_their_name(
    graph: httpx.Client, ids: list[str], field: str, value: str, count: int
) -> None:
    filtering = json.dumps([{"field": field, "operator": "EQUAL", "value": value}])
    found = graph.get(f"/{ACCOUNT}/campaigns", params={"filtering": filtering}).json()["data"]
    assert len(found) == count <= len(ids)


def test_ad_sets_are_filtered_by_what_is_above_them(
    graph: httpx.Client, ids: list[str], new_adset: Create
) -> None:
    made = [new_adset(ids[0]).json()["id"], new_adset(ids[1]).json()["id"]]
    graph.post(f"/{ids[1]}", data={"status": "ARCHIVED"}).raise_for_status()
    for field, value, wanted in (
        ("campaign.effective_status", ["ARCHIVED"], made[1:]),
        ("campaign.id", [ids[0]], made[:1]),
        ("adset.id", made, made[:1]),
    ):
        filtering = json.dumps([{"field": field, "operator": "IN", "value": value}])
        rows = graph.get(f"/{ACCOUNT}/adsets", params={"filtering": filtering}).json()["data"]
        assert [row["id"] for row in rows] == wanted, field


def test_completed_is_what_has_ended(
    graph: httpx.Client, http: httpx.Client, new_campaign: Create, login: Callable[..., str]
) -> None:
    ended, going = (new_campaign(**end).json()["id"] for end in ({"stop_time": "4102444800"}, {}))
    http.post("/_sandbox/clock", json={"advance_seconds": 3_000_000_000}).raise_for_status()
    headers = {"authorization": f"Bearer {login()}"}
    for asked, wanted in (("true", [ended]), ("false", [going])):
        rows = graph.get(f"/{ACCOUNT}/campaigns", params={"is_completed": asked}, headers=headers).json()
        assert [row["id"] for row in rows["data"]] == wanted


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"date_preset": "last_7d"}, None),
        ({"date_preset": "last_tuesday"}, 100),
        ({"time_range": {"since": LATELY, "until": str(TODAY)}}, None),
        ({"time_range": {"since": LATELY}}, 100),
        ({"time_range": {"since": "soon", "until": "later"}}, 100),
        ({"time_range": {"since": str(TODAY), "until": LATELY}}, 100),
        ({"time_range": {"since": LONG_AGO, "until": LATELY}}, 3018),
    ],
)
@pytest.mark.parametrize("edge", ["campaigns", "insights"])
def test_a_period_is_checked(
    graph: httpx.Client, edge: str, params: dict[str, Any], code: int | None
) -> None:
    sent = {name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()}
    answer = graph.get(f"/{ACCOUNT}/{edge}", params=sent).json()
    assert answer.get("error", {}).get("code") == code


def test_insights_know_their_levels(graph: httpx.Client, ids: list[str]) -> None:
    assert graph.get(f"/{ids[0]}/insights", params={"level": "adset"}).json() == {"data": []}
    assert graph.get(f"/{ids[0]}/insights", params={"level": "planet"}).json()["error"]["code"] == 100


def test_the_ads_of_an_account_are_those_that_people_have_put_there(
    graph: httpx.Client, http: httpx.Client, ids: list[str], new_adset: Create
) -> None:
    adset_id = new_adset(ids[0]).json()["id"]
    assert graph.get(f"/{ACCOUNT}/ads").json() == {"data": []}
    http.post(f"/_sandbox/objects/{adset_id}", json={"ad_ids": ["7", "8"]}).raise_for_status()
    for path in (ACCOUNT, ids[0], adset_id):
        assert [one["id"] for one in graph.get(f"/{path}/ads").json()["data"]] == ["7", "8"]


@pytest.mark.parametrize("summary", ["true", "1", "total_count", '["total_count"]'])
def test_a_summary_counts_what_matches(graph: httpx.Client, ids: list[str], summary: str) -> None:
    page = graph.get(f"/{ACCOUNT}/campaigns", params={"summary": summary, "limit": 1}).json()
    assert page["summary"] == {"total_count": len(ids)}
    assert "summary" not in graph.get(f"/{ACCOUNT}/campaigns", params={"summary": "false"}).json()

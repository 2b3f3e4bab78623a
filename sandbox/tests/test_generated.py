"""Whatever is sent, the answer has Graph's shape and is never a failure of the sandbox itself."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph_sandbox.catalog import ADSET_PARAMS, CAMPAIGN_PARAMS

ACCOUNT = "act_101500000000001"
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
GEO = st.fixed_dictionaries(
    {},
    optional={
        "countries": JSON_VALUES | st.just(["SE"]),
        "country_groups": JSON_VALUES,
        "cities": JSON_VALUES,
        "location_types": JSON_VALUES,
    },
)
TARGETING = st.fixed_dictionaries(
    {},
    optional={
        "geo_locations": GEO | JSON_VALUES,
        "targeting_automation": JSON_VALUES | st.just({"advantage_audience": 1}),
        "age_min": JSON_VALUES,
        "age_max": JSON_VALUES,
    },
)
VALUES = JSON_VALUES | st.sampled_from(["PAUSED", "OUTCOME_TRAFFIC", "IMPRESSIONS", "LINK_CLICKS", 5000, []])
READ_PARAMS = st.dictionaries(
    st.sampled_from(
        ["fields", "filtering", "limit", "after", "before", "effective_status", "summary", "ad_label_ids"]
    ),
    st.text(max_size=40) | JSON_VALUES.map(lambda value: json.dumps(value, allow_nan=True)),
    max_size=5,
)
GENERATED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def graph_shaped(answer: httpx.Response) -> bool:
    body = answer.json()
    if answer.status_code == 200:
        return isinstance(body, dict) and "error" not in body
    return answer.status_code in {400, 401, 403} and isinstance(body["error"]["code"], int)


def _last_seq(http: httpx.Client) -> int:
    return int(http.get("/_sandbox/health").json()["ledger_seq"])


def _form_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@GENERATED
@given(values=st.dictionaries(st.sampled_from(sorted(CAMPAIGN_PARAMS)), VALUES), as_json=st.booleans())
def test_generated_campaigns_get_a_graph_answer(
    graph: httpx.Client, http: httpx.Client, values: dict[str, Any], as_json: bool
) -> None:
    base = {"name": "n", "objective": "OUTCOME_TRAFFIC", "special_ad_categories": []}
    body = json.dumps({**base, **values}, allow_nan=True)
    if as_json:
        headers = {"content-type": "application/json"}
        answer = graph.post(f"/{ACCOUNT}/campaigns", content=body, headers=headers)
    else:
        form = {name: _form_value(value) for name, value in {**base, **values}.items()}
        form = {name: text.encode("utf-8", "replace").decode() for name, text in form.items()}
        answer = graph.post(f"/{ACCOUNT}/campaigns", data=form)
    assert graph_shaped(answer)
    if made := answer.json().get("id"):
        assert graph_shaped(graph.get(f"/{made}", params={"fields": ",".join(values)}))
        assert http.get("/_sandbox/ledger", params={"since": _last_seq(http) - 5}).status_code == 200


@GENERATED
@given(
    values=st.dictionaries(st.sampled_from(sorted(ADSET_PARAMS)), VALUES), targeting=TARGETING | JSON_VALUES
)
def test_generated_ad_sets_get_a_graph_answer(
    graph: httpx.Client, new_campaign: Callable[..., httpx.Response], values: dict[str, Any], targeting: Any
) -> None:
    base = {
        "name": "n",
        "campaign_id": new_campaign().json()["id"],
        "billing_event": "IMPRESSIONS",
        "optimization_goal": "LINK_CLICKS",
        "bid_strategy": "LOWEST_COST_WITHOUT_CAP",
        "daily_budget": 5000,
    }
    values.pop("campaign_id", None)
    body = json.dumps({**base, **values, "targeting": targeting}, allow_nan=True)
    headers = {"content-type": "application/json"}
    assert graph_shaped(graph.post(f"/{ACCOUNT}/adsets", content=body, headers=headers))


@pytest.mark.parametrize("path", [f"/{ACCOUNT}/campaigns", f"/{ACCOUNT}/campaignsbylabels", "/me/adaccounts"])
def test_generated_reads_get_a_graph_answer(graph: httpx.Client, path: str) -> None:
    @GENERATED
    @given(params=READ_PARAMS)
    def read(params: dict[str, str]) -> None:
        clean = {name: text.encode("utf-8", "replace").decode() for name, text in params.items()}
        assert graph_shaped(graph.get(path, params=clean))

    read()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"[1]"),
        ("application/json", b'{"name":'),
        ("application/json", b"\xff\xfe"),
        ("application/json", b'{"name":"\\ud800"}'),
        ("application/json", b'{"targeting":' + b"[" * 2000 + b"]" * 2000 + b"}"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--y"),
        ("application/x-www-form-urlencoded", b"%ff=%fe&&&=;%"),
        ("image/png", b"\x89PNG"),
    ],
)
def test_a_body_that_is_no_parameters_gets_a_graph_answer(
    graph: httpx.Client, content_type: str, body: bytes
) -> None:
    answer = graph.post(f"/{ACCOUNT}/campaigns", content=body, headers={"content-type": content_type})
    assert answer.status_code == 400
    assert graph_shaped(answer)

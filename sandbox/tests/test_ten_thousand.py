"""Ten thousand requests of every make: each answer is Graph's, none is a failure of the sandbox or a page."""

import http.client
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest

from graph_sandbox.catalog import SPEC

REQUESTS = 10_000
SEED = 20_261_125
ACCOUNT = "act_101500000000001"
EDGES = [
    *(
        "campaigns",
        "adsets",
        "adlabels",
        "ads",
        "insights",
        "activities",
        "campaignsbylabels",
        "adsetsbylabels",
    ),
    *("minimum_budgets", "dsa_recommendations", "permissions", "adaccounts", "copies", "nonsense"),
]
METHODS = [*["GET"] * 10, *["POST"] * 16, *["DELETE"] * 2, "PUT", "PATCH", "HEAD"]
VERSIONS = [*["/v25.0"] * 16, "/v26.0", "/v26.0", "/v21.0", "/v99.0", "/v25", ""]
NOWHERE = ["oauth/access_token", "debug_token", "nonsense", "act_", "%00"]
READING = [
    *("fields", "filtering", "limit", "after", "before", "effective_status", "summary", "ad_label_ids"),
    *("operator", "status", "date_preset", "time_range", "is_completed", "order", "level"),
]
GOOD: dict[str, list[Any]] = {
    "name": ["n"],
    "objective": [*["OUTCOME_TRAFFIC"] * 5, "OUTCOME_SALES"],
    "status": [*["PAUSED"] * 8, "ACTIVE", "ARCHIVED", "DELETED"],
    "special_ad_categories": [[], [], ["NONE"], ["HOUSING"]],
    "is_adset_budget_sharing_enabled": [False, False, False, True],
    "billing_event": ["IMPRESSIONS"],
    "optimization_goal": ["LINK_CLICKS"],
    "bid_strategy": ["LOWEST_COST_WITHOUT_CAP"],
    "daily_budget": [5000, 5000, 5000, 1],
    "targeting": [
        *[{"geo_locations": {"countries": ["SE"]}, "targeting_automation": {"advantage_audience": 0}}] * 4,
        {"geo_locations": {"custom_locations": [{"latitude": 59, "longitude": 18, "radius": "x"}]}},
        {"geo_locations": [], "age_min": "x", "age_max": 3, "excluded_geo_locations": 7},
        {"geo_locations": {"countries": [["SE"], {}]}, "genders": 1, "facebook_positions": "video_feeds"},
    ],
    "adlabels": [[{"name": "pa-run-1"}], [{"id": "1"}], [7]],
    "fields": [
        *("id,name,adlabels{name},campaign{id}", "adsets{id,name}", "{", "x" * 300),
        'campaigns.limit(2).filtering([{"field":"name","operator":"IN","value":[7]}]){name,adsets.limit(x)}',
        "adsets.after(x){id}",
        "insights.level(7),ads.limit(0)",
        "permissions,adaccounts.limit(1){campaigns}",
        *("a.limit(", "id)", "adsets.time_range({}){id}", ".", "a..b()"),
    ],
    "time_range": [{"since": "2026-10-01", "until": "2026-10-02"}, {"since": 7}, {}],
    "filtering": [[{"field": "name", "operator": "CONTAIN", "value": "n"}], [{"field": 7}], "{"],
    "limit": [1, 0, -1, 10**9],
    "end_time": ["2030-01-01T00:00:00+0100", 0, "9" * 30, "x"],
}
ODD: list[Any] = [
    None, True, 0, -1, 1.5, 10**40, "", "x", "null", "[", "{}", '"', "\u0000", "é\u2028", [], {}, [[]],
    [None],     {"a": {"b": [1]}}, ["NONE"], "9" * 400, "%", "&=;", "1e309", "NaN", "\ud83d\ude00",
]  # fmt: skip


CREATING = list(GOOD)[:10]


class Generator:
    """Requests from a seed; it learns ids from the answers."""

    def __init__(self, token: str) -> None:
        self.random = random.Random(SEED)  # noqa: S311 - no secret, and the same every time
        self.token = token
        self.ids = [
            *[ACCOUNT] * 10,
            "act_101500000000002",
            "act_1",
            "me",
            "12020000000000001",
            "10220000000000001",
        ]
        self.params = sorted({name for one in SPEC["endpoints"].values() for name in one["params"]})

    def request(self) -> tuple[str, str, bytes, dict[str, str]]:
        pick = self.random.random()
        if pick < 0.05:
            return self._batch()
        method = self.random.choice(METHODS)
        params = self._params(READING if method == "GET" else [*READING, *self.params])
        if method == "POST" and pick < 0.5:
            params = {
                name: self.random.choice(values) for name, values in GOOD.items() if name in CREATING
            } | params
            if self.random.random() < 0.5:
                params |= {"campaign_id": self.random.choice(self.ids)}
        headers = self._auth(params)
        path = self._path()
        if method in {"GET", "HEAD", "DELETE"} or self.random.random() < 0.1:
            return method, f"{path}?{self._query(params)}", b"", headers
        body, kind = self._body(params)
        return method, path, body, headers | {"content-type": kind}

    def learn(self, body: Any) -> None:
        made = body.get("id") if isinstance(body, dict) else None
        if isinstance(made, str) and len(self.ids) < 80:
            self.ids.append(made)

    def _path(self) -> str:
        version = self.random.choice(VERSIONS)
        node = self.random.choice(self.ids if self.random.random() < 0.9 else NOWHERE)
        edge = self.random.choice(["", "campaigns", "adsets", *EDGES])
        return f"{version}/{node}" + (f"/{edge}" if edge else "") + self.random.choice(["", "", "/"])

    def _params(self, names: list[str]) -> dict[str, Any]:
        chosen = self.random.sample(names, self.random.choice([0, 0, 1, 2, 5]))
        return {
            name: self.random.choice(GOOD.get(name, ODD) if self.random.random() < 0.5 else ODD)
            for name in chosen
        }

    def _auth(self, params: dict[str, Any]) -> dict[str, str]:
        pick = self.random.random()
        if pick < 0.1:
            params["access_token"] = self.random.choice(["", "x", self.token, "\u0000"])
            return {}
        if pick < 0.15:
            params |= {"appsecret_proof": "0" * 64, "appsecret_time": self.random.choice(["x", "1", "²"])}
        return {
            "authorization": self.random.choice(["Bearer ", "Basic "]) + self.token
            if pick < 0.2
            else f"Bearer {self.token}"
        }

    def _query(self, params: dict[str, Any]) -> str:
        return urlencode({name: self._text(value) for name, value in params.items()}, errors="replace")

    def _body(self, params: dict[str, Any]) -> tuple[bytes, str]:
        kind = self.random.choice(["form", "form", "form", "json", "json", "multipart", "wrong", "cut"])
        if kind == "json":
            return json.dumps(params).encode(), "application/json"
        if kind == "multipart":
            parts = "".join(
                f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{self._text(value)}\r\n'
                for name, value in params.items()
            )
            return (parts + "--b--\r\n").encode("utf-8", "replace"), "multipart/form-data; boundary=b"
        if kind == "wrong":
            return self.random.randbytes(40), self.random.choice(
                ["application/json", "text/plain", "multipart/form-data", ""]
            )
        raw = self._query(params).encode()
        return (raw[: len(raw) // 2] if kind == "cut" else raw), "application/x-www-form-urlencoded"

    def _batch(self) -> tuple[str, str, bytes, dict[str, str]]:
        members: list[Any] = [
            {
                "method": self.random.choice(["GET", "POST", "DELETE", "PUT", ""]),
                "relative_url": self._path().lstrip("/")
                + self.random.choice(
                    [
                        "",
                        "?fields=id",
                        "?%",
                        "?ids={result=0:$.data.*.id}",
                        "?{result=0:$..[" + "9" * 5000 + "]}",
                    ]
                ),
                "body": self._query(self._params(self.params)),
            }
            for _ in range(self.random.randint(0, 4))
        ]
        if self.random.random() < 0.2:
            members.append(self.random.choice(ODD))
        form = urlencode({"batch": json.dumps(members)})
        headers = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/x-www-form-urlencoded",
        }
        return "POST", self.random.choice(["/", "/v25.0/"]), form.encode(), headers

    @staticmethod
    def _text(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value)


def problem(method: str, status: int, content_type: str, raw: bytes) -> str | None:
    """Why this is not an answer of Graph's."""
    if not content_type.startswith("application/json"):
        return f"content type {content_type}"
    if status not in {200, 400, 401, 403}:
        return f"status {status}"
    if method == "HEAD":
        return None
    body = json.loads(raw)
    if isinstance(body, list):
        # A member that another one used is null.
        members = (one for one in body if one is not None)
        found = (problem("", one["code"], content_type, one["body"].encode()) for one in members)
        return next((what for what in found if what), None)
    if status == 200:
        return "an error with 200" if "error" in body else None
    error = body["error"]
    is_whole = isinstance(error["code"], int) and error["message"] and error["type"] and error["fbtrace_id"]
    return None if is_whole else "an error that lacks something"


@pytest.mark.timeout(600)
def test_ten_thousand_requests_get_graphs_answers(address: str, login: Callable[..., str]) -> None:
    generator = Generator(login())
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    seen: Counter[str] = Counter()
    for number in range(REQUESTS):
        method, path, body, headers = generator.request()
        connection.request(method, quote(path, safe="/?&=%+:,{}$[]\"'"), body, headers)
        answer = connection.getresponse()
        raw = answer.read()
        what = problem(method, answer.status, answer.headers.get("content-type", ""), raw)
        assert what is None, (number, what, method, path, body[:500], raw[:500])
        told = json.loads(raw) if raw else None
        generator.learn(told)
        code = told["error"]["code"] if isinstance(told, dict) and "error" in told else "ok"
        seen[f"{method} {code}"] += 1
        if code == 200 or (code == 190 and b'"error_subcode":458' in raw):
            # It has removed the app, or taken a scope back.
            generator.token = login(auth_type="rerequest")
    connection.close()
    # The generator reaches past the first checks, or it would prove little.
    assert seen["POST ok"] > 400, seen
    assert seen["GET ok"] > 400, seen
    assert len(seen) > 20, seen

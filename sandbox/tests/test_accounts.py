from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import httpx

ACCOUNT = "act_101500000000001"
Open = Callable[[str], httpx.Client]


def test_ada_has_an_account_of_every_kind(graph: httpx.Client) -> None:
    fields = "id,currency,account_status,default_dsa_payor,user_tasks,min_daily_budget"
    rows = graph.get("/me/adaccounts", params={"fields": fields}).json()["data"]
    assert [(row["currency"], row["account_status"]) for row in rows] == [
        ("SEK", 1),
        ("SEK", 1),
        ("USD", 1),
        ("JPY", 1),
        ("SEK", 2),
        ("SEK", 101),
        ("SEK", 3),
    ]
    assert rows[0]["default_dsa_payor"] == "Lindqvist Bageri AB"
    assert "default_dsa_payor" not in rows[1]
    assert rows[0]["id"] == ACCOUNT


def test_without_fields_an_account_is_only_its_ids(graph: httpx.Client) -> None:
    first = graph.get("/me/adaccounts").json()["data"][0]
    assert first == {"account_id": "101500000000001", "id": ACCOUNT}


def test_sixty_accounts_come_on_three_pages(as_persona: Open) -> None:
    ben = as_persona("ben")
    seen: list[str] = []
    after = None
    sizes = []
    while True:
        params = {"summary": "true"} | ({"after": after} if after else {})
        page = ben.get("/me/adaccounts", params=params).json()
        seen += [row["id"] for row in page["data"]]
        sizes.append(len(page["data"]))
        assert page["summary"]["total_count"] == 60
        if "next" not in page["paging"]:
            break
        after = page["paging"]["cursors"]["after"]
    assert sizes == [25, 25, 10]
    assert len(set(seen)) == 60


def test_the_next_link_is_absolute_and_carries_the_token_as_metas_does(as_persona: Open) -> None:
    ben = as_persona("ben")
    page = ben.get("/me/adaccounts", params={"fields": "name", "limit": 2}).json()
    link = page["paging"]["next"]
    query = parse_qs(urlsplit(link).query)
    assert f"Bearer {query['access_token'][0]}" == ben.headers["authorization"]
    followed = httpx.get(link, headers={}, trust_env=False).json()
    assert [row["name"] for row in followed["data"]] == ["Ben's Client 03", "Ben's Client 04"]
    back = httpx.get(followed["paging"]["previous"], trust_env=False).json()
    assert back["data"] == page["data"]


def test_dan_has_no_account(as_persona: Open) -> None:
    assert as_persona("dan").get("/me/adaccounts").json() == {"data": []}


def test_cleo_reads_and_may_not_write(as_persona: Open) -> None:
    cleo = as_persona("cleo")
    row = cleo.get("/me/adaccounts", params={"fields": "user_tasks,business{id,name}"}).json()["data"][0]
    assert row["user_tasks"] == ["ANALYZE"]
    assert cleo.get(f"/{row['id']}/campaigns").json() == {"data": []}
    answer = cleo.post(f"/{row['id']}/campaigns", data={"name": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, 10)


def test_minimum_budgets_have_one_row_per_currency(graph: httpx.Client) -> None:
    rows = graph.get(f"/{ACCOUNT}/minimum_budgets").json()["data"]
    by_currency = {row["currency"]: row for row in rows}
    assert by_currency["SEK"]["min_daily_budget_imp"] == 1050
    assert by_currency["JPY"]["min_daily_budget_imp"] == 155


def test_dsa_recommendations_may_be_empty(graph: httpx.Client) -> None:
    known = graph.get(f"/{ACCOUNT}/dsa_recommendations").json()
    none = graph.get("/act_101500000000002/dsa_recommendations").json()
    assert known == {"data": [{"recommendations": ["Lindqvist Bageri AB"]}]}
    assert none == {"data": [{"recommendations": []}]}


def test_an_account_of_someone_else_looks_as_if_it_did_not_exist(graph: httpx.Client) -> None:
    for account in ("act_201500000000001", "act_1", "act_", "act_x"):
        error = graph.get(f"/{account}").json()["error"]
        assert (error["code"], error["error_subcode"], error["type"]) == (100, 33, "GraphMethodException")


def test_dsa_defaults_can_be_set_on_the_account(graph: httpx.Client) -> None:
    account = "act_101500000000002"
    graph.post(f"/{account}", data={"default_dsa_payor": "P"}).raise_for_status()
    assert graph.get(f"/{account}", params={"fields": "default_dsa_payor"}).json()["default_dsa_payor"] == "P"


def test_usage_headers_are_there_on_success_and_on_errors(graph: httpx.Client) -> None:
    for answer in (graph.get(f"/{ACCOUNT}"), graph.post(f"/{ACCOUNT}/campaigns", data={})):
        assert answer.headers["facebook-api-version"] == "v25.0"
        assert '"101500000000001":[{"type":"ads_management"' in answer.headers["x-business-use-case-usage"]
        assert "acc_id_util_pct" in answer.headers["x-ad-account-usage"]
        assert "x-app-usage" in answer.headers
        assert answer.headers["date"].endswith("GMT")

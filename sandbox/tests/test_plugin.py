"""The pytest plugin, in a project of its own."""

import pytest

pytest_plugins = ["pytester"]

PROJECT = """
import json
import urllib.error
import urllib.request

ACCOUNT = "act_101500000000001"
CAMPAIGN = b'''{"name": "n", "objective": "OUTCOME_TRAFFIC", "special_ad_categories": [],
                "is_adset_budget_sharing_enabled": false}'''


def create(sandbox):
    headers = {"authorization": f"Bearer {sandbox.log_in()}", "content-type": "application/json"}
    request = urllib.request.Request(f"{sandbox.graph}/{ACCOUNT}/campaigns", CAMPAIGN, headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["id"]


def test_first(graph_sandbox):
    made = create(graph_sandbox)
    assert [entry["id"] for entry in graph_sandbox.ledger("created")] == [made]


def test_each_test_has_a_fresh_one(graph_sandbox):
    assert graph_sandbox.ledger() == []


def test_a_fault(graph_sandbox):
    graph_sandbox.arm("code_2", match={"step": "campaign"})
    try:
        create(graph_sandbox)
    except urllib.error.HTTPError as error:
        assert json.load(error)["error"]["code"] == 2
        error.close()
    else:
        raise AssertionError("no error")
    assert graph_sandbox.drive("GET", "/faults")["data"][0]["hits"] == 1
"""


def test_another_project_gets_the_fixture_by_installing_the_package(pytester: pytest.Pytester) -> None:
    """The entry point alone brings it: no conftest, no import."""
    pytester.makepyfile(test_mine=PROJECT)
    result = pytester.runpytest_subprocess("-p", "no:asyncio", "-W", "error")
    result.assert_outcomes(passed=3)


def test_the_plugin_costs_nothing_where_nobody_asks_for_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_mine="import sys\ndef test_it():\n    assert 'starlette' not in sys.modules\n")
    result = pytester.runpytest_subprocess("-p", "no:asyncio")
    result.assert_outcomes(passed=1)

"""Alert rules and dashboard speak of metrics that exist, and lead to pages that say what to do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ads_publisher.meta_errors import BY_CODE_AND_SUBCODE, OPERATOR_CODES

ROOT = Path(__file__).parents[2]
OBSERVABILITY = ROOT / "deploy" / "observability"
DOCUMENTED = re.findall(
    r"^\| `(\w+)` \| (counter|gauge|histogram) \|",
    (ROOT / "docs" / "observability.md").read_text(),
    re.MULTILINE,
)
SERIES = {"up"} | {
    name + suffix
    for name, kind in DOCUMENTED
    for suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))
}
METRIC = re.compile(r"\b(?:autoads_\w+|http_\w+_seconds\w*|up)\b")
WORDS_OF_LABELS = re.compile(r"\{[^}]*\}")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((OBSERVABILITY / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def metrics_of(expression: str) -> set[str]:
    return set(METRIC.findall(WORDS_OF_LABELS.sub("", expression)))


def expressions(node: Any) -> list[str]:
    """Every query of a dashboard, however deep."""
    if isinstance(node, dict):
        own = [node["expr"]] if "expr" in node else []
        return own + [found for value in node.values() for found in expressions(value)]
    if isinstance(node, list):
        return [found for value in node for found in expressions(value)]
    return []


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_uses_metrics_that_exist_and_says_what_to_do(rule: dict[str, Any]) -> None:
    used = metrics_of(rule["expr"])
    assert used
    assert used <= SERIES
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    page, anchor = rule["annotations"]["runbook"].split("#")
    assert anchor in anchors(ROOT / page)
    assert f"`{rule['alert']}`" in (ROOT / page).read_text()
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]


def test_the_rule_about_failures_for_us_names_the_codes_that_only_an_operator_can_mend() -> None:
    [expression] = [rule["expr"] for rule in rules() if rule["alert"] == "RunsFailForUs"]
    [codes] = re.findall(r'error_code=~"([^"]*)"', expression)
    known = {*OPERATOR_CODES, *(f"META_{code}" for code, _ in BY_CODE_AND_SUBCODE)}
    assert {code for code in known if re.fullmatch(codes, code)} == set(OPERATOR_CODES)
    assert all(f"`{code}`" in (ROOT / "docs" / "runbook.md").read_text() for code in OPERATOR_CODES)


def test_grafana_finds_the_dashboard_and_the_prometheus_by_its_provisioning() -> None:
    provisioning = OBSERVABILITY / "grafana" / "provisioning"
    [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yaml").read_text())["datasources"]
    [provider] = yaml.safe_load((provisioning / "dashboards" / "auto-ads.yaml").read_text())["providers"]
    dashboard = json.loads((OBSERVABILITY / "grafana" / "auto-ads.json").read_text())
    [variable] = dashboard["templating"]["list"]
    assert source["type"] == variable["query"] == "prometheus"
    assert provider["type"] == "file"
    assert provider["options"]["path"] in (ROOT / "docs" / "observability.md").read_text()


def test_the_dashboard_uses_metrics_that_exist_and_shows_most_of_them() -> None:
    dashboard = json.loads((OBSERVABILITY / "grafana" / "auto-ads.json").read_text())
    used = set().union(*(metrics_of(expression) for expression in expressions(dashboard)))
    assert used <= SERIES
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in used}
    assert len(shown & {name for name, _ in DOCUMENTED}) > 25


def test_prometheus_scrapes_the_port_that_compose_gives_each_service() -> None:
    config = yaml.safe_load((OBSERVABILITY / "prometheus.yaml").read_text())
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    for job in config["scrape_configs"]:
        [source] = job["dns_sd_configs"]
        assert source["names"] == [job["job_name"]]
        assert f'OTEL_EXPORTER_PROMETHEUS_PORT: "{source["port"]}"' in compose
        assert f"\n  {job['job_name']}:\n" in compose

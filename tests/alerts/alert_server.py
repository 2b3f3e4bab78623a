"""A real Prometheus that scrapes a stack and evaluates the alert rules, with time compressed."""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from local_stack.ports import HOST, Ports, free_port
from local_stack.process import Child

RULES = Path(__file__).parents[2] / "deploy" / "observability" / "alerts.yaml"
RANGE = "20s"
"""Every range of minutes or hours becomes this, with a scrape every second."""
THRESHOLDS: Mapping[str, tuple[str, str]] = {
    "RunsWait": ("> 120", "> 3"),
    "RunStuck": ("> 7200", "> 3"),
    "RelayLags": ("> 30", "> 3"),
    "EntriesPend": ("> 60", "> 3"),
    "MetaIsSlow": ("> 5", "> 1"),
    "RunsFail": ("[30m])) > 5", "[30m])) > 1"),
    "AnswersGetLost": ("> 3", "> 0"),
    "ConnectionsBreak": ("> 5", "> 1"),
}
"""Thresholds in seconds or events that no test can wait for. All others are as they stand."""


def rules() -> list[dict[str, Any]]:
    """All rules as they stand."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def compressed(rule: dict[str, Any]) -> dict[str, Any]:
    """The same rule without its `for`, on short ranges, with the threshold of the table above."""
    expression = rule["expr"]
    if rule["alert"] in THRESHOLDS:
        long, short = THRESHOLDS[rule["alert"]]
        assert expression.count(long) == 1
        expression = expression.replace(long, short)
    expression = re.sub(r"\[\d+[mh]\]", f"[{RANGE}]", expression)
    return {**rule, "for": "0s", "expr": expression}


class Discovery:
    """Which processes Prometheus finds: what a DNS server tells it in production."""

    def __init__(self, folder: Path, ports: Ports) -> None:
        self._folder = folder
        self.targets = {
            "gateway": f"{HOST}:{ports.gateway_metrics}",
            "meta-auth": f"{HOST}:{ports.meta_auth_metrics}",
            "ads-publisher": f"{HOST}:{ports.ads_publisher_metrics}",
        }
        for job in self.targets:
            self.find(job)

    def path(self, job: str) -> Path:
        return self._folder / f"{job}.targets.json"

    def find(self, job: str) -> None:
        self._tell(job, [{"targets": [self.targets[job]]}])

    def lose(self, job: str) -> None:
        """As when no container of the service is left."""
        self._tell(job, [])

    def _tell(self, job: str, groups: list[dict[str, list[str]]]) -> None:
        half = self._folder / f"{job}.half"
        half.write_text(json.dumps(groups))
        half.replace(self.path(job))


class Prometheus:
    """The process, and what it says."""

    def __init__(self, folder: Path, discovery: Discovery) -> None:
        program = shutil.which("prometheus")
        if program is None:
            pytest.fail("`make alerts` needs Prometheus on the PATH (Debian: apt-get install prometheus).")
        self._discovery = discovery
        self._write(folder, discovery)
        port = free_port()
        self.child = Child(
            "prometheus",
            [
                program,
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={HOST}:{port}",
            ],
            log_path=folder / "prometheus.log",
        )
        self._http = httpx.Client(base_url=f"http://{HOST}:{port}", trust_env=False, timeout=5)

    def _write(self, folder: Path, discovery: Discovery) -> None:
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yaml"],
            "scrape_configs": [
                {
                    "job_name": job,
                    "file_sd_configs": [{"files": [str(discovery.path(job))], "refresh_interval": "1s"}],
                }
                for job in discovery.targets
            ],
        }
        group = {"name": "all", "rules": [compressed(rule) for rule in rules()]}
        (folder / "prometheus.yaml").write_text(json.dumps(config))
        (folder / "alerts.yaml").write_text(json.dumps({"groups": [group]}))

    def is_ready(self) -> bool:
        """Whether every process has been scraped and every rule evaluated."""
        try:
            targets = self._get("/api/v1/targets")["activeTargets"]
            groups = self._get("/api/v1/rules")["groups"]
        except httpx.HTTPError:  # not listening yet, or 503 while it reads its data
            return False
        evaluated = [rule for group in groups for rule in group["rules"] if rule["health"] == "ok"]
        scraped = [each for each in targets if each["health"] == "up"]
        return len(scraped) == len(self._discovery.targets) and len(evaluated) == len(rules())

    async def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        alerts = self._get("/api/v1/alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    async def answers(self, query: str) -> int:
        """How many series a query has now."""
        return len(self._get("/api/v1/query", query=query)["result"])

    def _get(self, path: str, **params: str) -> Any:
        return self._http.get(path, params=params).raise_for_status().json()["data"]

    def close(self) -> None:
        self._http.close()
        self.child.stop()

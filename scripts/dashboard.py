"""Makes the Grafana dashboard from the list of its panels; `make docs` writes it."""  # noqa: INP001 - a script

from collections.abc import Mapping, Sequence
from typing import Any, Final

WIDTH: Final = 24
"""Columns of Grafana's grid."""
HEIGHT: Final = 8
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}

Panel = tuple[str, str, Mapping[str, str]]
"""Title, unit, and queries by legend."""


def per_minute(counter: str, by: str = "") -> str:
    """How fast a counter counts, summed over all processes."""
    return f"sum by ({by}) (rate({counter}[5m])) * 60"


def in_an_hour(counter: str, by: str = "") -> str:
    """How far a counter has come in the last hour."""
    return f"sum by ({by}) (increase({counter}[1h]))"


def quantile(share: float, histogram: str, by: str = "le") -> str:
    """So large a share of what was measured took no longer."""
    labels = by if by == "le" else f"le, {by}"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket[5m])))"


ROWS: Final[Mapping[str, Sequence[Panel]]] = {
    "Publishes": (
        (
            "Accepted and answered with an open run, per minute",
            "short",
            {
                "accepted {{job_type}}": per_minute("autoads_runs_accepted_total", "job_type"),
                "deduped {{reason}}": per_minute("autoads_runs_deduped_total", "reason"),
                "rung again": per_minute("autoads_runs_rung_again_total"),
            },
        ),
        (
            "Ended, per minute",
            "short",
            {"{{outcome}} {{error_code}}": per_minute("autoads_runs_ended_total", "outcome, error_code")},
        ),
        (
            "Open now",
            "short",
            {
                "open": "max(autoads_runs_open)",
                "due": "max(autoads_jobs_due)",
                "busy": "sum(autoads_executor_busy)",
                "tasks": "sum(autoads_executor_tasks)",
            },
        ),
    ),
    "How long": (
        (
            "Wait in the queue",
            "s",
            {
                "p50": quantile(0.5, "autoads_run_queue_seconds"),
                "p95": quantile(0.95, "autoads_run_queue_seconds"),
            },
        ),
        (
            "Run, waits included",
            "s",
            {
                "p50": quantile(0.5, "autoads_run_duration_seconds"),
                "p95": quantile(0.95, "autoads_run_duration_seconds"),
            },
        ),
        (
            "Oldest",
            "s",
            {
                "due": "max(autoads_jobs_oldest_due_seconds)",
                "open": "max(autoads_runs_oldest_open_seconds)",
            },
        ),
    ),
    "Meta": (
        (
            "Calls, p95",
            "s",
            {
                "{{call}}": quantile(0.95, "autoads_meta_call_seconds", "call"),
            },
        ),
        (
            "Outcomes of creates, per minute",
            "short",
            {
                "{{step}} {{outcome}}": per_minute("autoads_step_outcomes_total", "step, outcome"),
                "used again {{step}}": per_minute("autoads_objects_adopted_total", "step"),
            },
        ),
        (
            "Limits, tokens, extra objects",
            "short",
            {
                "waits {{scope}} in an hour": in_an_hour("autoads_throttle_waits_total", "scope"),
                "seconds waited {{scope}} in an hour": in_an_hour(
                    "autoads_throttle_wait_seconds_total", "scope"
                ),
                "tokens that end in {{within_days}} d": "max by (within_days) (autoads_tokens_expiring)",
                "tokens ended": "max(autoads_tokens_expired)",
                "connections broken in an hour": "sum(increase(autoads_connections_broken_total[1h]))",
                "extra objects in a day": "sum(increase(autoads_sweeper_findings_total[1d]))",
            },
        ),
    ),
    "Events": (
        (
            "Oldest unsent and unacknowledged",
            "s",
            {
                "unsent {{job}}": "max by (job) (autoads_relay_oldest_unsent_seconds)",
                "pending {{stream}}": "max by (stream) (autoads_stream_oldest_pending_seconds)",
            },
        ),
        (
            "Waiting",
            "short",
            {
                "unsent {{job}}": "max by (job) (autoads_relay_unsent)",
                "lag {{stream}}": "max by (stream) (autoads_stream_lag)",
                "pending {{stream}}": "max by (stream) (autoads_stream_pending)",
            },
        ),
        (
            "Dead letters",
            "short",
            {
                "{{stream}}": "max by (stream) (autoads_dead_letters)",
                "runs {{reason}}": "max by (reason) (autoads_jobs_dead)",
            },
        ),
    ),
    "Processes": (
        (
            "Requests, per second",
            "reqps",
            {
                "{{job}} {{http_response_status_code}}": "sum by (job, http_response_status_code)"
                " (rate(http_server_request_duration_seconds_count[5m]))",
            },
        ),
        (
            "Requests, p95",
            "s",
            {
                "{{job}} {{http_route}}": quantile(
                    0.95, "http_server_request_duration_seconds", "job, http_route"
                ),
            },
        ),
        (
            "Up, publisher seen, leases and crashes",
            "short",
            {
                "up {{job}}": "sum by (job) (up)",
                "publisher seen": "max(autoads_publisher_seen)",
                "relay of {{job}}": "sum by (job) (autoads_relay_active)",
                "leases lost in an hour": in_an_hour("autoads_lease_lost_total"),
                "crashes in an hour": in_an_hour("autoads_run_crashes_total"),
            },
        ),
    ),
}


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it: a row of panels for each question."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS.items():
        panels.append(
            {
                "type": "row",
                "id": len(panels) + 1,
                "title": title,
                "collapsed": False,
                "panels": [],
                "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1},
            }
        )
        width = WIDTH // len(row)
        for column, panel in enumerate(row):
            position = {"x": column * width, "y": top + 1, "w": width, "h": HEIGHT}
            panels.append(_panel(len(panels) + 1, panel, position))
        top += HEIGHT + 1
    return {
        "uid": "auto-ads",
        "title": "Project Auto Ads",
        "tags": ["auto-ads"],
        "schemaVersion": 39,
        "timezone": "utc",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Source"}]
        },
        "panels": panels,
    }


def _panel(number: int, panel: Panel, position: Mapping[str, int]) -> dict[str, Any]:
    title, unit, queries = panel
    return {
        "type": "timeseries",
        "id": number,
        "title": title,
        "datasource": DATASOURCE,
        "gridPos": position,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": expression,
                "legendFormat": legend,
            }
            for index, (legend, expression) in enumerate(queries.items())
        ],
    }

"""A repro bundle: one readable document about a run, with its calls as curl against the sandbox.

Everything in it is there by name. It holds the ad account's id and the names in the requests, and no token,
no proof, no secret, no customer.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

from ads_publisher import jobs_store, staging
from ads_publisher.jobs_store import JobView
from ads_publisher.settings import Settings
from ads_publisher.shell import curl
from ads_publisher.staging import Step
from chassis.database import Connection
from chassis.telemetry import redact, trace_id_of
from contracts.wire import iso_utc

FORMAT: Final = 1
RUN_FIELDS: Final = (
    "run_id",
    "job_id",
    "kind",
    "status",
    "lane",
    "mode",
    "fence",
    "version",
    "deferrals",
    "crashes",
    "replays",
    "dead_reason",
    "created_at",
    "finished_at",
)
SETTINGS: Final = (
    "environment",
    "mode",
    "allow_real_meta_write",
    "allow_dev_ads_publish_sim",
    "meta_graph_version",
    "meta_graph_base_url",
    "meta_dsa_beneficiary",
    "meta_dsa_payor",
    "meta_call_timeout_seconds",
    "meta_admit_window_seconds",
    "meta_clock_skew_seconds",
    "meta_settle_seconds",
    "sweep_after_seconds",
    "executor_tasks",
    "lease_seconds",
)
NEWS_FIELDS: Final = (
    "version",
    "message",
    "mode",
    "replayed",
    "step",
    "state",
    "attempt",
    "until",
    "adAccountId",
    "campaignId",
    "adsetId",
    "campaignStatus",
    "adsetStatus",
    "errorCode",
    "hint",
    "fixedBy",
    "metaCode",
    "metaSubcode",
    "blameFields",
    "fbtraceId",
)
HOW_TO_USE: Final = (
    "export SANDBOX_URL=http://localhost:3004 TOKEN=... ACCOUNT=act_...",
    "TOKEN: of a person on a fresh sandbox (its README says how to log in) who may use ACCOUNT there.",
    "python -m ads_publisher bundle-replay FILE --sandbox-url $SANDBOX_URL   # compares every answer",
    "jq -r '.calls[].curl[]' FILE | sh                                       # the same by hand",
)


async def make_bundle(connection: Connection, job: JobView, settings: Settings) -> str:
    """Everything worth knowing about a run, as one JSON document."""
    journal = await jobs_store.journal_of(connection, job.job_id)
    account = await jobs_store.account_of(connection, job.job_id)
    calls = await jobs_store.calls_of(connection, job.job_id)
    document = {
        "format": FORMAT,
        "made_at": datetime.now(UTC),
        "how_to_use": HOW_TO_USE,
        "run": {name: value for name, value in asdict(job).items() if name in RUN_FIELDS},
        "trace_id": trace_id_of(job.traceparent),
        "versions": {
            "ads-publisher": version("project-auto-ads-publisher"),
            "graph": settings.meta_graph_version,
            "schema": await jobs_store.schema_revision(connection),
            "python": platform.python_version(),
            "platform": platform.platform(terse=True),
        },
        "settings": {name: getattr(settings, name) for name in SETTINGS},
        "account": account,
        "timeline": [_news(body) for body in await jobs_store.news_of(connection, job.run_id)],
        "journal": journal,
        "calls": _replayable(calls, job.lane, account, journal),
    }
    text = json.dumps(document, default=_plain, indent=2, ensure_ascii=False)
    return str(redact(text)) + "\n"


def _plain(value: Any) -> str:
    return iso_utc(value) if isinstance(value, datetime) else str(value)


def _news(body: str) -> dict[str, Any]:
    event = json.loads(body)
    data = event["data"]
    kept = {name: data[name] for name in NEWS_FIELDS if data.get(name) is not None}
    return {"time": event["time"], "type": event["type"], **kept}


def _replayable(
    calls: Sequence[Mapping[str, Any]],
    account: str,
    facts: Mapping[str, Any],
    journal: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Each call with what must be set up before it, and both as curl."""
    variables = {account: "ACCOUNT"}
    found: list[dict[str, Any]] = []
    for call in calls:
        version_in_path = call["path"].split("/")[1]
        prepare = [] if found else [staging.account_as_it_was(account, facts)]
        prepare += staging.stand_ins(call, variables, account, version_in_path)
        prepare += staging.conditions(call, account, journal)
        request = _request(call)
        for step in (*prepare, request):
            if brought := step.get("yields"):
                variables.setdefault(brought, f"ID_{len(variables)}")
        answer = {name: call[name] for name in ("status", "failure", "headers", "answer")}
        about = {name: call[name] for name in ("at", "step", "attempt", "duration_ms")}
        shell = [curl(step, variables) for step in (*prepare, request)]
        found.append({**about, "prepare": prepare, "request": request, **answer, "curl": shell})
    return found


def _request(call: Mapping[str, Any]) -> Step:
    request = {name: call[name] for name in ("method", "path", "params")}
    if staging.wants_broken_token(call):
        request["bearer"] = "broken"
    if staging.wants_broken_proof(call):
        request["params"] = {**request["params"], "appsecret_proof": "refused"}
    if brought := staging.id_of(call["answer"]):
        request["yields"] = brought
    return request

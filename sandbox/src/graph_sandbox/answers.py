"""Turning the outcome of a call into a ledger entry and an HTTP response with Graph's headers."""

import json
from email.utils import formatdate
from math import ceil
from typing import Any

from starlette.responses import JSONResponse, Response

from graph_sandbox.call import Body, Call
from graph_sandbox.errors import GraphError, new_trace_id
from graph_sandbox.limits import minutes, tier_name
from graph_sandbox.personas import Account

REVISION = "1030000000"
"""Stands for the number of Meta's own build."""


def accept(call: Call, body: Body) -> Response:
    return JSONResponse(body, headers=headers(call))


def refuse(call: Call, error: GraphError) -> Response:
    found = {**headers(call), "www-authenticate": error.challenge(), **error.headers}
    return JSONResponse(error.envelope(), status_code=error.status, headers=found)


def record(call: Call, http_status: int | None, error: GraphError | None = None) -> None:
    """Write the call to the ledger; `http_status` None means that the client got no whole answer."""
    call.world.ledger.append(
        "call",
        call.world.now(),
        method=call.method,
        path=f"/{call.path}",
        version=call.asked_version,
        served_version=call.version or None,
        account_id=call.account.account_id if call.account else None,
        step=call.step,
        marker=call.marker,
        attempt=call.attempt,
        params=call.params.public(),
        token_in_url=call.token_in_url,
        secret_in_url="client_secret" in call.params.query,
        http_status=http_status,
        error_code=error.code if error else None,
        error_subcode=error.subcode if error else None,
        rule=error.rule if error else None,
        note=call.note,
        faults=call.faults,
        object_id=call.created_id,
        in_batch=call.in_batch,
    )


def headers(call: Call) -> dict[str, str]:
    """What Graph sends beside the body, on errors too."""
    now = call.world.now()
    found = {
        "date": formatdate(now, usegmt=True),
        "facebook-api-version": f"v{call.version or call.world.settings.latest_version}.0",
        "x-fb-trace-id": new_trace_id(),
        "x-fb-request-id": new_trace_id(),
        "x-fb-rev": REVISION,
        "x-app-usage": _app_usage(call),
    }
    if call.account is not None:
        found |= _account_usage(call, call.account, max(call.account.throttled_until - now, 0.0))
    return found | call.answer_headers


def _app_usage(call: Call) -> str:
    percent = call.limits.app_percent(call)
    return f'{{"call_count":{percent},"total_cputime":{percent // 4},"total_time":{percent // 4}}}'


def _account_usage(call: Call, account: Account, wait_seconds: float) -> dict[str, str]:
    """Both per-account headers. Beware the units, which are Meta's: seconds in one, minutes in the other."""
    counted, tier = call.limits.usage(call), tier_name(call)
    if call.regain_minutes is not None:
        wait_seconds = call.regain_minutes * 60.0
    forced = 100.0 if wait_seconds else account.usage_percent
    hour_percent = round(max(forced, counted.hour_percent))
    usage = {
        "type": "ads_management",
        "call_count": hour_percent,
        "total_cputime": hour_percent // 4,
        "total_time": hour_percent // 4,
        "estimated_time_to_regain_access": minutes(max(wait_seconds, counted.regain_seconds)),
        "ads_api_access_tier": tier,
    }
    by_account = {
        "acc_id_util_pct": round(max(forced, counted.score_percent), 2),
        "reset_time_duration": ceil(max(wait_seconds, counted.reset_seconds)),
        "ads_api_access_tier": tier,
    }
    found = {
        "x-ad-account-usage": _compact(by_account),
        "x-business-use-case-usage": _compact({account.account_id: [usage]}),
    }
    if call.path.endswith("/insights"):
        insights = {
            "app_id_util_pct": call.limits.app_percent(call),
            "acc_id_util_pct": by_account["acc_id_util_pct"],
            "ads_api_access_tier": tier,
        }
        found["x-fb-ads-insights-throttle"] = _compact(insights)
    return found


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))

"""What is kept of a call to Meta: by allow-list, so that what nobody thought of is left out.

No header of the request, no proof and no token is kept, and of Meta's answer only the fields named here.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx

from ads_publisher.outcomes import plain_text

PROOF_PARAMS: Final = frozenset({"appsecret_proof", "appsecret_time"})
"""On every call, and left out without a trace."""
KEPT_PARAMS: Final = frozenset(
    {
        # a campaign, an ad set
        "name",
        "objective",
        "status",
        "special_ad_categories",
        "buying_type",
        "is_adset_budget_sharing_enabled",
        "adlabels",
        "campaign_id",
        "daily_budget",
        "billing_event",
        "optimization_goal",
        "bid_strategy",
        "targeting",
        "dsa_beneficiary",
        "dsa_payor",
        # a look
        "fields",
        "filtering",
        "effective_status",
        "limit",
        "after",
    }
)
KEPT_ANSWER_FIELDS: Final = frozenset(
    {
        "error",
        "message",
        "type",
        "code",
        "error_subcode",
        "error_user_title",
        "error_user_msg",
        "error_data",
        "blame_field_specs",
        "is_transient",
        "fbtrace_id",
        "id",
        "success",
        "data",
        "name",
        "status",
        "effective_status",
        "account_id",
        "created_time",
        "adlabels",
        "spend",
        "default_dsa_beneficiary",
        "default_dsa_payor",
        "recommendations",
    }
)
"""Meta's link to the next page is none of them: it carries the token."""
KEPT_HEADERS: Final = (
    "date",
    "content-type",
    "facebook-api-version",
    "x-ad-api-version-warning",
    "x-ad-account-usage",
    "x-app-usage",
    "x-business-use-case-usage",
    "x-fb-trace-id",
    "x-fb-rev",
)
LEFT_OUT: Final = "[left out]"
MAX_ANSWER_CHARS: Final = 4000
MAX_HEADER_CHARS: Final = 1000
MAX_ROWS: Final = 20
"""Rows of one list that are kept."""
MAX_DEPTH: Final = 8
LARGEST: Final = 2**63
"""Numbers from here on are none of Meta's."""


@dataclass(frozen=True, kw_only=True)
class MetaCall:
    """One call to Meta, when it was sent, and what came back: an answer, or the name of a `failure`."""

    at: datetime
    method: str
    path: str
    params: dict[str, str]
    duration_ms: int
    status: int | None = None
    failure: str | None = None
    headers: dict[str, str] | None = None
    answer: Any = None


@dataclass(kw_only=True)
class CallLog:
    """Calls that are not written down yet, and what is known of the ad account that they were for."""

    calls: list[MetaCall] = field(default_factory=list)
    account: dict[str, Any] | None = None


def answered(
    request: httpx.Request,
    seconds: float,
    answer: tuple[int, bytes, Mapping[str, str]],
    secrets: Sequence[str],
) -> MetaCall:
    """A call that got an answer; `secrets` are blanked wherever Meta repeats them."""
    status, body, headers = answer
    return MetaCall(
        **_asked(request, seconds),
        status=status,
        headers={
            name: _blank(headers[name], secrets).replace("\0", " ")[:MAX_HEADER_CHARS]
            for name in KEPT_HEADERS
            if name in headers
        },
        answer=_bounded(kept_answer(body, secrets)),
    )


def failed(request: httpx.Request, seconds: float, exc: Exception) -> MetaCall:
    """A call that got no answer, or no whole one."""
    return MetaCall(**_asked(request, seconds), failure=type(exc).__name__)


def _asked(request: httpx.Request, seconds: float) -> dict[str, Any]:
    query = (
        request.content.decode(errors="replace") if request.method == "POST" else request.url.query.decode()
    )
    return {
        "at": datetime.now(UTC) - timedelta(seconds=seconds),
        "method": request.method,
        "path": request.url.path,
        "params": kept_params(parse_qsl(query, keep_blank_values=True)),
        "duration_ms": round(seconds * 1000),
    }


def kept_params(params: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The parameters that we are known to send, exactly; of any other only the name."""
    return {
        # Postgres stores no NUL.
        name.replace("\0", " "): value.replace("\0", " ") if name in KEPT_PARAMS else LEFT_OUT
        for name, value in params
        if name not in PROOF_PARAMS
    }


def kept_answer(body: bytes | str, secrets: Sequence[str], *, depth: int = 0) -> Any:
    """The known fields of a JSON answer; of anything else only its length."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return {"unreadable_length": len(body)}
    return _kept(payload, secrets, depth)


def _kept(value: Any, secrets: Sequence[str], depth: int) -> Any:
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, dict):
        known = sorted(KEPT_ANSWER_FIELDS & value.keys())
        return {name: _kept(value[name], secrets, depth + 1) for name in known}
    if isinstance(value, list):
        return [_kept(item, secrets, depth + 1) for item in value[:MAX_ROWS]]
    # Meta sends `error_data` as JSON text within the JSON.
    if isinstance(value, str) and value.startswith("{"):
        return kept_answer(value, secrets, depth=depth + 1)
    return plain_text(_blank(value, secrets)) if isinstance(value, str) else _kept_number(value)


def _kept_number(value: float | None) -> float | None:
    # Postgres stores no NaN in JSON, and NaN is smaller than nothing.
    return value if value is not None and abs(value) < LARGEST else None


def _blank(text: str, secrets: Sequence[str]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, "[redacted]")
    return text


def _bounded(answer: Any) -> Any:
    text = json.dumps(answer)
    return answer if len(text) <= MAX_ANSWER_CHARS else {"cut_off": text[:MAX_ANSWER_CHARS]}

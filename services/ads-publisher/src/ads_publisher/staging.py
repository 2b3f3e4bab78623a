"""What has to be so on a fresh sandbox before a recorded call, for the call to meet the same answer.

Meta's checks of a request repeat by themselves. What does not follow from the request is set up: the ad
account as it was, a token that died, a refusal of the moment, an answer that was lost.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from ads_publisher.meta_errors import advise
from ads_publisher.outcomes import parse_error
from ads_publisher.payloads import campaign_params

REVOKED: Final = frozenset({458, 459, 460, 463, 464, 467})
"""Subcodes of a token that was good once."""
TOKEN_CODE: Final = 190
PERMISSION_CODE: Final = 200
FOLLOWS_FROM_THE_REQUEST: Final = frozenset({100, 2635})
NOT_OK: Final = 300
GONE: Final = (100, 33)
_OBJECT_ID: Final = re.compile(r"(?<![\d_])\d{10,25}(?!\d)")
_NO_RUN: Final = UUID(int=0)

Step = dict[str, Any]
"""One request of a replay: `method`, `path`, `params` or `json`, `bearer`; `yields` is the id it brings."""


def error_of(call: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Graph code and subcode of a recorded call, both None when Meta did not refuse it."""
    answer = call["answer"]
    error = answer.get("error") if isinstance(answer, dict) else None
    return (error.get("code"), error.get("error_subcode")) if isinstance(error, dict) else (None, None)


def id_of(answer: Any) -> str | None:
    """The id that an answer brings: of the created object, or of the first in a list."""
    rows = answer.get("data") if isinstance(answer, dict) else None
    first = rows[0] if isinstance(rows, list) and rows else answer
    found = first.get("id") if isinstance(first, dict) else None
    return found if isinstance(found, str) else None


def account_as_it_was(account: str, facts: Mapping[str, Any]) -> Step:
    """Give the sandbox's ad account what is known of the real one."""
    wanted = {
        "currency": facts.get("currency"),
        "min_daily_budget": facts.get("min_daily_budget_minor"),
        "default_dsa_beneficiary": facts.get("dsa_beneficiary"),
        "default_dsa_payor": facts.get("dsa_payor"),
    }
    # An account without owners is a state of its own; one without a currency is not.
    body = {name: value for name, value in wanted.items() if value is not None or "dsa" in name}
    return _control(f"accounts/{account}", body, "The ad account as meta-auth described it.")


def stand_ins(call: Mapping[str, Any], known: Iterable[str], account: str, version: str) -> list[Step]:
    """Objects that an earlier run had created and this call speaks of."""
    if error_of(call) == GONE:
        return []
    spoken_of = f"{call['path']} {call['params'].get('campaign_id', '')}"
    missing = [found for found in _OBJECT_ID.findall(spoken_of) if found not in known]
    return [
        {
            "why": f"Stands for {found}, which an earlier run had created.",
            "method": "POST",
            "path": f"/{version}/{account}/campaigns",
            "params": {**_stand_in(), "name": f"Stands for {found}"},
            "yields": found,
        }
        for found in missing
    ]


def _stand_in() -> dict[str, str]:
    kept = ("objective", "status", "buying_type")
    params = campaign_params(_NO_RUN)
    return {
        **{name: params[name] for name in kept},
        "special_ad_categories": "[]",
        "is_adset_budget_sharing_enabled": "false",
    }


def conditions(call: Mapping[str, Any], account: str, journal: Sequence[Mapping[str, Any]]) -> list[Step]:
    """What the sandbox must be told so that this call ends as it did."""
    code, subcode = error_of(call)
    if code is None or code in FOLLOWS_FROM_THE_REQUEST:
        return [_lost(call, journal)] if code is None and _is_lost(call) else []
    if code == TOKEN_CODE:
        revoke = _control("tokens/revoke", {"subcode": subcode}, "The token had died.")
        return [revoke] if subcode in REVOKED else []
    if code == PERMISSION_CODE and call["method"] == "POST" and subcode is None:
        why = "The person might not advertise in this ad account; here it is a disabled one."
        return [_control(f"accounts/{account}", {"account_status": 2}, why)]
    fault = {"do": "error", "code": code, "subcode": subcode, "status": call["status"]}
    return [_fault(call, {name: value for name, value in fault.items() if value is not None})]


def wants_broken_token(call: Mapping[str, Any]) -> bool:
    """The token of this call had never been one, as far as Meta said."""
    code, subcode = error_of(call)
    return code == TOKEN_CODE and subcode not in REVOKED


def wants_broken_proof(call: Mapping[str, Any]) -> bool:
    """Meta refused the proof, which a bundle does not hold; any other that is wrong is refused as well."""
    error = parse_error(call["status"], call["answer"], {})
    return error is not None and advise(error).kind == "proof"


def _is_lost(call: Mapping[str, Any]) -> bool:
    bad = call["failure"] is not None or call["status"] >= NOT_OK
    return bad or (call["method"] == "POST" and id_of(call["answer"]) is None)


def _lost(call: Mapping[str, Any], journal: Sequence[Mapping[str, Any]]) -> Step:
    outcome = next(
        (
            row["outcome"]
            for row in journal
            if (row["step"], row["number"]) == (call["step"], call["attempt"])
        ),
        None,
    )
    at = "after_commit" if outcome == "adopted" else "before_commit"
    status = call["status"]
    if status is None:
        return _fault(call, {"do": "reset", "at": at})
    if status >= NOT_OK:
        return _fault(call, {"do": "error_500", "at": at, "status": status})
    return _fault(call, {"do": "bad_json", "at": "after_commit"})


def _fault(call: Mapping[str, Any], fault: dict[str, Any]) -> Step:
    match = {"method": call["method"], "path": "/" + call["path"].split("/", 2)[-1]}
    body = {"match": match, "at": "before_commit", "times": 1, **fault}
    return _control("faults", body, "Meta's condition of that moment, which no request brings about.")


def _control(path: str, body: dict[str, Any], why: str) -> Step:
    return {"why": why, "method": "POST", "path": f"/_sandbox/{path}", "json": body}

"""Repeat the calls of a bundle on a sandbox and compare what comes back, code by code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from ads_publisher import staging
from ads_publisher.calls import kept_answer

TIMEOUT_SECONDS: Final = 15.0


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a call met then, and what it meets now."""

    call: str
    then: str
    now: str

    @property
    def same(self) -> bool:
        return self.then == self.now


def replay(bundle: Mapping[str, Any], *, sandbox_url: str, token: str, account: str | None) -> list[Compared]:
    """Make every call of the bundle again, on a sandbox where nothing of the run exists yet.

    Raises:
        httpx.HTTPError: the sandbox cannot be reached, or does not take what a call needs.
    """
    lane = bundle["run"]["lane"]
    ids = {lane: account or lane}
    with httpx.Client(base_url=sandbox_url, trust_env=False, timeout=TIMEOUT_SECONDS) as client:
        return [_repeat(client, call, token, ids) for call in bundle["calls"]]


def _repeat(client: httpx.Client, call: Mapping[str, Any], token: str, ids: dict[str, str]) -> Compared:
    for step in call["prepare"]:
        answer = _send(client, step, token, ids).raise_for_status()
        _learn(step, answer.json(), ids)
    request = call["request"]
    try:
        response = _send(client, request, token, ids)
    except httpx.TransportError:
        now = _ending(None, None)
    else:
        payload = kept_answer(response.content, (token,))
        _learn(request, payload, ids)
        now = _ending(response.status_code, payload)
    return Compared(
        call=f"{request['method']} {request['path']}", then=_ending(call["status"], call["answer"]), now=now
    )


def _send(
    client: httpx.Client, step: Mapping[str, Any], token: str, ids: Mapping[str, str]
) -> httpx.Response:
    path = _with_ids(step["path"], ids)
    if "json" in step:
        return client.post(path, content=_with_ids(json.dumps(step["json"]), ids))
    params = {name: _with_ids(value, ids) for name, value in step["params"].items()}
    sent: dict[str, Any] = {"data" if step["method"] == "POST" else "params": params}
    bearer = "broken" if step.get("bearer") == "broken" else token
    return client.request(step["method"], path, headers={"authorization": f"Bearer {bearer}"}, **sent)


def _learn(step: Mapping[str, Any], payload: Any, ids: dict[str, str]) -> None:
    if step.get("yields") and (brought := staging.id_of(payload)):
        ids[step["yields"]] = brought


def _with_ids(text: str, ids: Mapping[str, str]) -> str:
    for then, now in ids.items():
        text = text.replace(then, now)
    return text


def _ending(status: int | None, payload: Any) -> str:
    """How a call ended, in the words that two of them are compared by."""
    if status is None:
        return "no answer"
    code, subcode = staging.error_of({"answer": payload})
    if code is not None:
        return f"{code}/{subcode}"
    return f"{status // 100}xx" + (f" {_shape(payload)}" if status < staging.NOT_OK else "")


def _shape(payload: Any) -> str:
    """Of a list the number of its rows, of an object what it says."""
    if not isinstance(payload, dict):
        return ""
    rows = payload.get("data")
    said = (name for name, value in payload.items() if value is not None)
    return f"{len(rows)} rows" if isinstance(rows, list) else ", ".join(sorted(said))

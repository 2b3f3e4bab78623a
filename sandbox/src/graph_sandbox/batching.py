"""Batch calls: up to 50 in one POST, each answered as if it had come alone.

Source: https://developers.facebook.com/docs/graph-api/batch-requests
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from starlette.responses import JSONResponse, Response

from graph_sandbox.answers import headers, record, refuse
from graph_sandbox.call import Body, Call, split_path
from graph_sandbox.errors import GraphError
from graph_sandbox.params import FALSE_WORDS, Params, load_json
from graph_sandbox.refusals import BATCH_TOO_LONG, invalid_param
from graph_sandbox.wire import Connection, MemberWire

LARGEST_BATCH = 50
INHERITED = ("access_token", "appsecret_proof", "appsecret_time")
"""What a member takes from the batch when it has none of its own."""

RESULT_OF = re.compile(r"\{result=([^:{}]+):\$([.\[][^{}]+)\}")
"""A value out of an earlier member's answer: `{result=made:$.id}`, `$.data[0].id`, `$.data.*.id`."""

LONGEST_INDEX = 6
STEP = re.compile(r"\[?([^.\[\]]+)\]?")

Answer = Callable[[Call, Connection], Awaitable[Response | None]]


def is_batch(call: Call) -> bool:
    return call.method == "POST" and not call.path and call.params.get("batch") is not None


async def answer_batch(call: Call, answer: Answer) -> Response:
    """Answer the members one after the other; `null` where a fault broke one.

    As at Meta `null` also stands for a good answer that another member has used, unless that one says
    `"omit_response_on_success": false`.
    """
    try:
        members = _members(call)
    except GraphError as error:
        record(call, error.status, error)
        return refuse(call, error)
    with_headers = (call.params.text("include_headers") or "true").lower() not in FALSE_WORDS
    used = {found[1] for member in members for found in RESULT_OF.finditer(_text_of(member))}
    answered: list[Body | None] = []
    named: dict[str, Any] = {}
    for index, member in enumerate(members):
        response = await answer(_member_call(call, member, named), MemberWire())
        name = str(member.get("name", index))
        good = response is not None and response.status_code < 300  # noqa: PLR2004 - a refused member has no result
        if response is not None and good:
            named[name] = load_json(bytes(response.body).decode())
        omitted = good and name in used and member.get("omit_response_on_success") is not False
        answered.append(None if response is None or omitted else _shown(response, with_headers=with_headers))
    return JSONResponse(answered, headers=headers(call))


def _members(call: Call) -> list[Body]:
    members = load_json(call.params.get("batch"))
    if not isinstance(members, list) or not all(isinstance(one, dict) for one in members):
        raise invalid_param("batch", "must be an array of objects.")
    if len(members) > LARGEST_BATCH:
        raise BATCH_TOO_LONG.error(most=LARGEST_BATCH)
    for index, one in enumerate(members):
        if not isinstance(one.get("relative_url"), str) or not isinstance(one.get("method"), str):
            raise invalid_param(f"batch[{index}]", "must have a method and a relative_url.")
    return members


def _member_call(batch: Call, member: Body, named: dict[str, Any]) -> Call:
    path, _, query = _filled(member["relative_url"], named).partition("?")
    asked, path = split_path(path)
    params = Params(_pairs(query, named), _pairs(str(member.get("body") or ""), named))
    for name in INHERITED:
        if params.get(name) is None and (value := batch.params.get(name)) is not None:
            params.body[name] = value
    return Call(
        world=batch.world,
        limits=batch.limits,
        method=(params.text("method") or member["method"]).upper(),
        path=path,
        origin=batch.origin,
        params=params,
        raw_token=params.text("access_token") or batch.raw_token,
        token_in_url=batch.token_in_url,
        asked=asked or batch.asked,
        in_batch=True,
    )


def _text_of(member: Body) -> str:
    """Where references may stand; a form's are percent-encoded."""
    return unquote_plus(f"{member['relative_url']} {member.get('body') or ''}")


def _filled(text: str, named: dict[str, Any]) -> str:
    """References to earlier answers replaced by what they point at; an unknown one becomes nothing."""

    def value(found: re.Match[str]) -> str:
        values = _walk(named.get(found[1]), STEP.findall(found[2]))
        return ",".join(one if isinstance(one, str) else json.dumps(one) for one in values)

    return RESULT_OF.sub(value, text)


def _walk(value: Any, steps: list[str]) -> list[Any]:
    """All values at the end of the path; `*` goes to every one."""
    values = [value]
    for step in steps:
        values = [found for one in values for found in _step(one, step)]
    return [one for one in values if one is not None]


def _step(value: Any, step: str) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values()) if step == "*" else [value.get(step)]
    if not isinstance(value, list):
        return []
    if step == "*":
        return value
    return value[int(step) :][:1] if step.isascii() and step.isdigit() and len(step) < LONGEST_INDEX else []


def _pairs(text: str, named: dict[str, Any]) -> dict[str, Any]:
    return {name: _filled(value, named) for name, value in parse_qsl(text, keep_blank_values=True)}


def _shown(response: Response, *, with_headers: bool) -> Body:
    shown: Body = {"code": response.status_code}
    if with_headers:
        shown["headers"] = [
            {"name": name.decode("latin-1"), "value": value.decode("latin-1")}
            for name, value in response.raw_headers
            if name != b"content-length"
        ]
    return {**shown, "body": bytes(response.body).decode()}

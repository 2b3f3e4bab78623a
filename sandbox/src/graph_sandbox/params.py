"""Request parameters, from the query, a form or a JSON body, and their decoding by type.

Graph takes a parameter from anywhere; where one is given twice the body wins here.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from graph_sandbox.markets import timestamp
from graph_sandbox.refusals import BODY, invalid_param

SECRET_PARAMS = frozenset(
    {
        "access_token",
        "appsecret_proof",
        "client_secret",
        "code",
        "code_verifier",
        "fb_exchange_token",
        "input_token",
    }
)
"""Never written to the ledger."""

DEEPEST_JSON = 64
TRUE_WORDS = frozenset({"true", "1"})
FALSE_WORDS = frozenset({"false", "0", ""})


@dataclass(slots=True)
class Params:
    """What one request carried; `body` overrides `query`."""

    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    def get(self, name: str) -> Any:
        return self.body[name] if name in self.body else self.query.get(name)

    def text(self, name: str) -> str | None:
        value = self.get(name)
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, separators=(",", ":"))

    def merged(self) -> dict[str, Any]:
        return {**self.query, **self.body}

    def public(self) -> dict[str, Any]:
        """Every parameter that is not a secret, nested JSON decoded: what the ledger shows."""
        return {name: _readable(value) for name, value in self.merged().items() if name not in SECRET_PARAMS}


async def read_params(request: Request) -> Params:
    """Read the query string and, where there is one, the body by its content type."""
    query = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
    if request.method == "GET":
        return Params(query)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "multipart/form-data":
        form = await _form(request)
        body = {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
        return Params(query, dict(body))
    raw = await request.body()
    if content_type == "application/json":
        return Params(query, _json_object(raw))
    return Params(query, dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)))


async def _form(request: Request) -> FormData:
    try:
        return await request.form()
    except HTTPException as error:
        raise BODY.error(what="form") from error


def decode(name: str, value: Any, kind: str) -> Any:
    """Turn one raw parameter into Python by its specified type.

    Raises:
        GraphError: code 100 naming the parameter, as Graph does before any business rule.
    """
    decoded = _DECODERS[kind](value)
    if decoded is None:
        raise invalid_param(name, _MUST_BE[kind])
    return decoded


def decode_known(params: Params, types: Mapping[str, str]) -> dict[str, Any]:
    """Decode every parameter the endpoint knows; unknown ones are ignored, as Graph does."""
    return {
        name: decode(name, value, types[name]) for name, value in params.merged().items() if name in types
    }


def load_json(value: Any) -> Any:
    """JSON text to Python, other values as they are; None when it is not JSON."""
    if not isinstance(value, str):
        return value
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return decoded if _answerable(decoded) else None


def _answerable(value: Any, depth: int = 0) -> bool:
    """Whether the value can be written out again: no lone surrogates, no NaN, no endless nesting."""
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        return depth < DEEPEST_JSON and all(_answerable(item, depth + 1) for item in value)
    return True


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        body = None
    if not _answerable(body):
        body = None
    if not isinstance(body, dict):
        raise BODY.error(what="JSON object")
    return body


def _readable(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        decoded = load_json(value)
        return value if decoded is None else decoded
    return value


def _string(value: Any) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return str(value)
    return value if isinstance(value, str) else None


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    if isinstance(value, int):
        return value
    try:
        return int(value) if isinstance(value, str) and value.strip().isascii() else None
    except ValueError:
        return None


def _unsigned(value: Any) -> int | None:
    number = _integer(value)
    return number if number is not None and number >= 0 else None


def _boolean(value: Any) -> bool | None:
    word = str(value).strip().lower() if isinstance(value, str | int) else "?"
    if word in TRUE_WORDS:
        return True
    return False if word in FALSE_WORDS else None


def _time(value: Any) -> str | None:
    text = _string(value)
    return text if timestamp(text) is not None else None


def _list(value: Any) -> list[Any] | None:
    decoded = load_json(value)
    if decoded is None and isinstance(value, str) and value and value[0] not in "[{":
        return [item.strip() for item in value.split(",")]
    if isinstance(decoded, int) and isinstance(value, str):
        return [value]
    return decoded if isinstance(decoded, list) else None


def _object(value: Any) -> dict[str, Any] | None:
    decoded = load_json(value)
    return decoded if isinstance(decoded, dict) else None


_DECODERS = {
    "string": _string,
    "int": _integer,
    "uint": _unsigned,
    "bool": _boolean,
    "list": _list,
    "object": _object,
    "time": _time,
}
_MUST_BE = {
    "string": "must be a string.",
    "int": "must be an integer.",
    "uint": "must be an integer greater than or equal to 0.",
    "bool": "must be a boolean.",
    "list": "must be an array.",
    "object": "must be an object.",
    "time": "must be a datetime string or a unix timestamp.",
}

"""What a list asks for: `filtering`, and pages by cursor.

Sources: https://developers.facebook.com/docs/graph-api/results and the ad label reference (operators).
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import urlencode

from graph_sandbox.call import Body, Call
from graph_sandbox.params import decode, load_json
from graph_sandbox.refusals import CURSOR, FILTER_UNSUPPORTED, invalid_param

DEFAULT_LIMIT = 25
LARGEST_LIMIT = 5000

SUMMARY_WORDS = frozenset({"true", "True", "1", "total_count"})
"""Any of them, alone or in a list, asks how many there are."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Filter:
    """One element of `filtering`."""

    field: str
    operator: str
    value: Any


def read_filters(call: Call, fields: Iterable[str]) -> list[Filter]:
    """Decode `filtering`; operators are upper case, fields must be ones this edge can filter."""
    raw = call.params.get("filtering")
    if raw is None:
        return []
    items = load_json(raw)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise invalid_param("filtering", "must be an array of objects.")
    filters = [
        Filter(str(item.get("field")), str(item.get("operator")).upper(), item.get("value")) for item in items
    ]
    for one in filters:
        if one.field not in fields or one.operator not in OPERATORS:
            raise FILTER_UNSUPPORTED.error(name=one.field, operator=one.operator.lower())
    return filters


def matches(one: Filter, actual: Any) -> bool:
    """Apply one filter; a value of the wrong shape matches nothing."""
    try:
        return OPERATORS[one.operator](actual, one.value)
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Page:
    """One page of items, and whether there are more around it."""

    items: list[Any]
    before: str | None
    after: str | None
    has_previous: bool
    has_next: bool


def take_page(call: Call, items: Sequence[T], id_of: Callable[[T], str], keep: Callable[[T], bool]) -> Page:
    """Cut the page that `limit`, `after` or `before` ask for out of a list that only grows at its front.

    Cursors point into the unfiltered list, so an item that stops matching loses no neighbour.

    Raises:
        GraphError: 100 for a cursor that is not one of ours.
    """
    limit = call.params.get("limit")
    size = decode("limit", limit, "uint") if limit is not None else DEFAULT_LIMIT
    size = max(1, min(size, LARGEST_LIMIT))
    after, before = call.params.text("after"), call.params.text("before")
    if before and not after:
        earlier = [item for item in items[: _position(items, id_of, before)] if keep(item)]
        chosen, has_next, has_previous = earlier[-size:], True, len(earlier) > size
    else:
        start = _position(items, id_of, after) + 1 if after else 0
        chosen = list(islice((item for item in islice(items, start, None) if keep(item)), size + 1))
        has_next, has_previous = len(chosen) > size, start > 0
        chosen = chosen[:size]
    first = _cursor(id_of(chosen[0])) if chosen else None
    last = _cursor(id_of(chosen[-1])) if chosen else None
    return Page(chosen, first, last, has_previous, has_next)


def page_body(call: Call, page: Page, rows: list[Body], total: Callable[[], int]) -> Body:
    """The `data`/`paging` body; `next` carries the token, as Meta's does, so clients must not log it."""
    body: Body = {"data": rows}
    if page.items:
        paging: Body = {"cursors": {"before": page.before, "after": page.after}}
        if page.has_next:
            paging["next"] = _link(call, after=page.after)
        if page.has_previous:
            paging["previous"] = _link(call, before=page.before)
        body["paging"] = paging
    if SUMMARY_WORDS & _as_set(load_json(call.params.get("summary")) or call.params.get("summary")):
        body["summary"] = {"total_count": total()}
    return body


def _link(call: Call, **cursor: str | None) -> str:
    query = {
        name: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for name, value in call.params.merged().items()
        if name not in {"after", "before", "access_token", "appsecret_proof", "appsecret_time"}
    }
    query = {"access_token": call.raw_token or "", "limit": str(DEFAULT_LIMIT), **query}
    return f"{call.base_url}/{call.path}?{urlencode(query | {k: v or '' for k, v in cursor.items()})}"


def _cursor(object_id: str) -> str:
    return base64.urlsafe_b64encode(object_id.encode()).decode().rstrip("=")


def _position(items: Sequence[T], id_of: Callable[[T], str], cursor: str) -> int:
    try:
        wanted = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        wanted = ""
    for index, item in enumerate(items):
        if id_of(item) == wanted:
            return index
    raise CURSOR.error()


def _as_set(value: Any) -> set[str]:
    return {str(item) for item in (value if isinstance(value, list) else [value])}


def _between(actual: Any, bounds: Any) -> bool:
    low, high = (float(bound) for bound in bounds)
    return low <= float(actual) <= high


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "EQUAL": lambda actual, value: str(actual) == str(value),
    "NOT_EQUAL": lambda actual, value: str(actual) != str(value),
    "GREATER_THAN": lambda actual, value: float(actual) > float(value),
    "GREATER_THAN_OR_EQUAL": lambda actual, value: float(actual) >= float(value),
    "LESS_THAN": lambda actual, value: float(actual) < float(value),
    "LESS_THAN_OR_EQUAL": lambda actual, value: float(actual) <= float(value),
    "IN_RANGE": _between,
    "NOT_IN_RANGE": lambda actual, value: not _between(actual, value),
    "CONTAIN": lambda actual, value: str(value).casefold() in str(actual).casefold(),
    "NOT_CONTAIN": lambda actual, value: str(value).casefold() not in str(actual).casefold(),
    "IN": lambda actual, value: str(actual) in _as_set(value),
    "NOT_IN": lambda actual, value: str(actual) not in _as_set(value),
    "ANY": lambda actual, value: bool(_as_set(actual) & _as_set(value)),
    "ALL": lambda actual, value: _as_set(value) <= _as_set(actual),
    "NONE": lambda actual, value: not _as_set(actual) & _as_set(value),
}

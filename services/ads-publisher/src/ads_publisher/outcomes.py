"""What became of a call to Meta: the one place that decides whether a create happened, did not, or may have.

Source: https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from chassis.telemetry import redact

SERVER_ERROR: Final = 500
CLIENT_ERROR: Final = 400
MAX_TEXT: Final = 400
"""Characters of one text of Meta's that are kept."""
OBJECT_ID: Final = re.compile(r"[0-9]{1,25}")
_UNKNOWN_CODES: Final = frozenset({1, 2})
"""Meta's "please retry later": seen to come after the object had been created."""


@dataclass(frozen=True, kw_only=True)
class MetaError:
    """Meta's error envelope, whole. Decide on `code` and `subcode` only: texts are localised."""

    code: int
    subcode: int | None = None
    message: str = ""
    user_title: str | None = None
    user_message: str | None = None
    blame_fields: tuple[str, ...] = ()
    fbtrace_id: str | None = None
    is_transient: bool = False
    http_status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def passing(self) -> bool:
        """A fault of the moment on Meta's side: a read may be repeated, a create may have happened."""
        return self.code in _UNKNOWN_CODES or self.is_transient or self.http_status >= SERVER_ERROR


@dataclass(frozen=True, kw_only=True)
class Created:
    """Meta answered with the id of the new object."""

    object_id: str
    version_warning: str | None = None


@dataclass(frozen=True, kw_only=True)
class NotSent:
    """Nothing reached Meta."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Meta said no, and certainly created nothing."""

    error: MetaError


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """It may have happened."""

    reason: str


Outcome = Created | NotSent | Refused | Unknown


def classify_failure(exc: Exception) -> NotSent | Unknown:
    """What a transport failure says about a create: only failing to connect proves that nothing was sent."""
    not_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
    if isinstance(exc, not_sent):
        return NotSent(reason=type(exc).__name__)
    return Unknown(reason=type(exc).__name__)


def classify_answer(status: int, body: bytes, headers: Mapping[str, str]) -> Created | Refused | Unknown:
    """What an answer says about a create. Anything that is not plainly yes or no is unknown."""
    payload = parse_json(body)
    error = parse_error(status, payload, headers)
    if CLIENT_ERROR <= status < SERVER_ERROR and error:
        if error.passing:
            return Unknown(reason=f"Meta error {error.code}")
        return Refused(error=error)
    object_id = payload.get("id") if isinstance(payload, dict) and not error else None
    if status < 300 and isinstance(object_id, str) and OBJECT_ID.fullmatch(object_id):  # noqa: PLR2004 - 2xx
        return Created(
            object_id=object_id, version_warning=plain_text(headers.get("x-ad-api-version-warning"))
        )
    return Unknown(reason=f"HTTP {status} without a usable answer")


def parse_error(status: int, payload: Any, headers: Mapping[str, str]) -> MetaError | None:
    """Read Meta's error envelope; None when there is none."""
    raw = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(raw, dict) or not isinstance(raw.get("code"), int):
        return None
    subcode = raw.get("error_subcode")
    return MetaError(
        code=raw["code"],
        subcode=subcode if isinstance(subcode, int) else None,
        message=plain_text(raw.get("message")) or "",
        user_title=plain_text(raw.get("error_user_title")),
        user_message=plain_text(raw.get("error_user_msg")),
        blame_fields=_blame_fields(raw.get("error_data")),
        fbtrace_id=plain_text(raw.get("fbtrace_id")),
        is_transient=raw.get("is_transient") is True,
        http_status=status,
        headers={key.lower(): value for key, value in headers.items()},
    )


def _blame_fields(error_data: Any) -> tuple[str, ...]:
    # Meta sends this as an object or as JSON text within the JSON.
    data = parse_json(error_data) if isinstance(error_data, str) else error_data
    specs = data.get("blame_field_specs") if isinstance(data, dict) else None
    if not isinstance(specs, list):
        return ()
    paths = (".".join(map(str, spec)) for spec in specs if isinstance(spec, list))
    return tuple(filter(None, map(plain_text, paths)))


def plain_text(value: Any) -> str | None:
    """A text of Meta's as it may be stored and shown: no credential, no control character, not too long.

    Meta has been seen to repeat a token in an error about it.
    """
    if not isinstance(value, str):
        return None
    printable = "".join(char if char.isprintable() else " " for char in value[: 4 * MAX_TEXT])
    return str(redact(printable))[:MAX_TEXT].strip() or None


def parse_json(body: bytes | str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


class ReadFailed(Exception):
    """A read came to nothing: Meta refused it (`error`) or could not be reached. Reads are safe to repeat."""

    def __init__(self, reason: str, error: MetaError | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error

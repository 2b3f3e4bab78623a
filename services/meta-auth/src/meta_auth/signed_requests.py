"""PURE: what Meta signs with the app's secret when a person removes the app or wants their data deleted.

`signed_request` = base64url(signature) . base64url(JSON), the signature being HMAC-SHA256 over the second
part as it came. Source: https://developers.facebook.com/docs/facebook-login/guides/access-tokens/signed-request
"""

import base64
import binascii
import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from pydantic import SecretStr

from chassis.errors import ValidationFailed

MAX_AGE: Final = timedelta(hours=24)
"""Meta says nothing of how long it tries again. An older request cannot harm: it names a moment, and what was
granted after that moment is not touched."""
MAX_AHEAD: Final = timedelta(minutes=5)
_ALGORITHM: Final = "HMAC-SHA256"
_PERSON: Final = re.compile(r"[0-9]{1,25}")
_PART: Final = re.compile(r"[A-Za-z0-9_-]+={0,2}")


@dataclass(frozen=True, kw_only=True)
class MetaRequest:
    """Who asks, and since when. `request_hash` is the same for a repetition, and tells nobody who it was."""

    user_id: str
    asked_at: datetime
    request_hash: str


def read_signed_request(text: str, app_secret: SecretStr, *, now: datetime) -> MetaRequest:
    """Check a signed request and read it.

    Raises:
        ValidationFailed: anything at all is wrong with it; which part is not told.
    """
    signature_part, _, payload_part = text.partition(".")
    signature = _decode(signature_part)
    expected = hmac.new(app_secret.get_secret_value().encode(), payload_part.encode(), sha256).digest()
    if not hmac.compare_digest(signature, expected):
        raise _refused()
    payload = _payload(_decode(payload_part))
    asked_at = _moment(payload.get("issued_at"))
    user_id = payload.get("user_id")
    known = isinstance(user_id, str | int) and _PERSON.fullmatch(str(user_id))
    if (
        payload.get("algorithm") != _ALGORITHM
        or not known
        or not now - MAX_AGE <= asked_at <= now + MAX_AHEAD
    ):
        raise _refused()
    return MetaRequest(
        user_id=str(user_id), asked_at=asked_at, request_hash=sha256(b"request|" + signature).hexdigest()
    )


def person_hash(user_id: str) -> str:
    """The name of a person that outlives the connection, so that a later request can still be honoured."""
    return sha256(f"meta-person|{user_id}".encode()).hexdigest()


def _decode(part: str) -> bytes:
    # Strict: several texts for one signature would be several requests.
    if not _PART.fullmatch(part):
        raise _refused()
    bare = part.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as exc:
        raise _refused() from exc


def _payload(raw: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise _refused() from exc
    if not isinstance(payload, dict):
        raise _refused()
    return payload


def _moment(seconds: Any) -> datetime:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        raise _refused()
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as exc:
        raise _refused() from exc


def _refused() -> ValidationFailed:
    return ValidationFailed("The signed_request is not valid")

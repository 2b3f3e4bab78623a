"""What Meta's refusals mean to the person at the browser. Decided on code and subcode, never on `type`.

Source: https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

from typing import Any, Final

from chassis.errors import MetaApiError
from chassis.telemetry import redact

INVALID_TOKEN: Final = 190
SESSION_INVALID: Final = 102
TRANSIENT_CODES: Final = frozenset({1, 2})
THROTTLE_CODES: Final = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
MAX_MESSAGE: Final = 300
RECONNECT: Final = "Reconnect Meta in Settings."

_SLEEPING_TOKENS: Final = frozenset({459, 464})
"""The person has to log in at facebook.com; then the same token works again."""
_LOG_IN: Final = "Log in at facebook.com and do what it asks for, then try again. The connection is kept."
_TOKEN_HINTS: Final = {
    458: "The app was removed at Facebook. Reconnect Meta in Settings.",
    459: _LOG_IN,
    460: "The Facebook password was changed. Reconnect Meta in Settings.",
    463: "The Meta connection has expired. Reconnect Meta in Settings.",
    464: _LOG_IN,
}
_PERMISSION: Final = (
    "Your Facebook user may not do this. Ask the ad account's admin, or reconnect with all permissions."
)
_HINTS: Final = {
    10: _PERMISSION,
    SESSION_INVALID: RECONNECT,
    104: "The app secret does not fit the app. Ask the operator to check META_APP_SECRET.",
    200: _PERMISSION,
    368: "Meta has blocked this for now. Look at Account Quality at facebook.com.",
    2635: "Meta no longer serves this version. Ask the operator to raise META_GRAPH_VERSION.",
}


def ends_token(code: int, subcode: int | None) -> bool:
    """True when a token that got this answer will never work again."""
    return code in {INVALID_TOKEN, SESSION_INVALID} and subcode not in _SLEEPING_TOKENS


def hint_for(code: int, subcode: int | None) -> str:
    """What to do about it, in one or two sentences."""
    if code == INVALID_TOKEN:
        return _TOKEN_HINTS.get(subcode or 0, RECONNECT)
    if code in THROTTLE_CODES:
        return "Meta limits how often it may be asked. Try again in a few minutes."
    if code in TRANSIENT_CODES:
        return "Meta has a problem of its own. Try again in a moment."
    return _HINTS.get(code, "Try again. If it stays, the operator finds the details in the log.")


class MetaRefused(MetaApiError):
    """An error that Graph itself answered; says `<code>[ (sub <subcode>)]: <message>`."""

    def __init__(
        self, *, meta_code: int, subcode: int | None, text: str, transient: bool, trace_id: str | None
    ) -> None:
        sub = f" (sub {subcode})" if subcode is not None else ""
        super().__init__(f"{meta_code}{sub}: {text}", hint=hint_for(meta_code, subcode))
        self.meta_code = meta_code
        self.subcode = subcode
        self.is_transient = transient or meta_code in TRANSIENT_CODES
        self.trace_id = trace_id

    @property
    def ends_token(self) -> bool:
        return ends_token(self.meta_code, self.subcode)


def read_refusal(body: Any) -> MetaRefused | None:
    """The error in an answer of Graph, or None when there is none."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("code"), int):
        return None
    subcode = error.get("error_subcode")
    trace_id = error.get("fbtrace_id")
    return MetaRefused(
        meta_code=error["code"],
        subcode=subcode if isinstance(subcode, int) else None,
        text=redact(str(error.get("message", "")))[:MAX_MESSAGE],
        transient=error.get("is_transient") is True,
        trace_id=trace_id if isinstance(trace_id, str) else None,
    )

"""Graph's error envelope, and the errors that are not tied to one business rule.

Decide on code and subcode only: nearly every error says `OAuthException`, and texts are localised at Meta.
Source: https://developers.facebook.com/docs/graph-api/guides/error-handling
"""

import json
import secrets
from collections.abc import Mapping, Sequence

OAUTH = "OAuthException"
GRAPH_METHOD = "GraphMethodException"
UNAUTHORIZED = 401


class GraphError(Exception):
    """An answer in Graph's error envelope; raised anywhere below the dispatcher."""

    def __init__(
        self,
        message: str,
        *,
        code: int,
        subcode: int | None = None,
        kind: str = OAUTH,
        status: int = 400,
        title: str | None = None,
        user_message: str | None = None,
        transient: bool = False,
        blame: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        rule: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.subcode = subcode
        self.kind = kind
        self.status = status
        self.title = title
        self.user_message = user_message
        self.transient = transient
        self.blame = tuple(blame)
        self.headers = dict(headers or {})
        self.rule = rule

    def envelope(self) -> dict[str, object]:
        """The body Graph sends; `error_data` is a JSON string, as live answers have it."""
        error: dict[str, object] = {"message": self.message, "type": self.kind, "code": self.code}
        if self.blame:
            error["error_data"] = json.dumps(
                {"blame_field_specs": [[field] for field in self.blame]}, separators=(",", ":")
            )
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.subcode is not None or self.transient:
            error["is_transient"] = self.transient
        if self.title is not None:
            error["error_user_title"] = self.title
        if self.user_message is not None:
            error["error_user_msg"] = self.user_message
        error["fbtrace_id"] = new_trace_id()
        return {"error": error}

    def challenge(self) -> str:
        """The `www-authenticate` value that accompanies errors; header-safe."""
        what = "invalid_token" if self.status == UNAUTHORIZED else "invalid_request"
        text = self.message.encode("ascii", "replace").decode().replace('"', "'")
        text = "".join(char if char.isprintable() else " " for char in text)
        return f'OAuth "Facebook Platform" "{what}" "{text}"'


def new_trace_id() -> str:
    """Shaped like Meta's `fbtrace_id`: a capital A and 22 URL-safe characters."""
    return "A" + secrets.token_urlsafe(16)

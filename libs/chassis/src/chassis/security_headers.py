"""Headers on every answer, errors included: what a browser may do with it, which for an API is nothing."""

from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS: Final[Mapping[bytes, bytes]] = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
}
"""A route that sets one of these itself, such as a page with a policy of its own, keeps its value."""
HTTPS_HEADERS: Final[Mapping[bytes, bytes]] = {b"strict-transport-security": b"max-age=31536000"}
"""For who is reached by https: browsers then insist on it for a year, on this host only."""


class SecurityHeaders:
    """Adds the headers to whatever passes. Outermost, so that no other middleware answers without them."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = {**SECURITY_HEADERS, **(HTTPS_HEADERS if https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_missing(message, self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def add_missing(message: MutableMapping[str, Any], headers: Mapping[bytes, bytes]) -> None:
    """Add those headers to the start of a response that it does not have."""
    present = {name for name, _ in message["headers"]}
    message["headers"] = [
        *message["headers"],
        *((name, value) for name, value in headers.items() if name not in present),
    ]

"""Clients that send slowly, or without end: uvicorn waits for a request header as long as it takes.

Source: https://www.cve.org/CVERecord?id=CVE-2007-6750 (Slowloris), the attack that this ends.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_SECONDS: Final = 5.0
"""From the connection, or the first byte of a further request, to the end of its header."""
BODY_SECONDS: Final = 10.0
"""From the header to the last byte of the body, which `chassis.http` reads before anything else runs."""
MAX_HEADER_BYTES: Final = 32_768
"""Cookies of a browser may take some kilobytes."""


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which closes a connection whose request header takes too long or is too long."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_deadline: asyncio.TimerHandle | None = None
        self._pending_bytes = 0
        self._header_bytes = 0
        self._is_in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._await_header()

    def connection_lost(self, exc: Exception | None) -> None:
        self._header_is_here()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # A refusal may be sent while its body still comes: the rest of that has a deadline, but is no header.
        is_header = not self._is_in_body
        is_between_requests = self.cycle is None or self.cycle.response_complete
        if self._header_deadline is None and is_between_requests:
            self._await_header()
        super().data_received(data)
        if self._header_deadline is not None and is_header:
            self._pending_bytes += len(data)
            if self._pending_bytes > MAX_HEADER_BYTES and not self.transport.is_closing():
                self.send_400_response("The request header is too long.")

    def on_message_begin(self) -> None:
        self._header_bytes = 0
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._is_in_body = False
        super().on_message_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES:
            raise ValueError("The request header is too long.")  # answered with 400 by uvicorn

    def on_headers_complete(self) -> None:
        self._is_in_body = True
        self._header_is_here()
        super().on_headers_complete()

    def _await_header(self) -> None:
        self._pending_bytes = 0
        self._header_deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _header_is_here(self) -> None:
        if self._header_deadline is not None:
            self._header_deadline.cancel()
            self._header_deadline = None

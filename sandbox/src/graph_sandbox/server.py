"""The HTTP server the sandbox needs: uvicorn, with the connection in reach so that faults can break it."""

import asyncio

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

GRACE_SECONDS = 1
"""How long calls that hang on purpose may hold up the end of the server."""
KEEP_ALIVE_SECONDS = 5
"""As short as clients keep an idle connection: one kept over a network cut loses an answer."""


class ReachableProtocol(HttpToolsProtocol):
    """Puts the connection's transport into the ASGI scope's state, as `transport`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def make_server(app: Starlette, *, host: str, port: int, log_level: str = "warning") -> uvicorn.Server:
    """A server for the sandbox. The `date` header is the sandbox's own, because its clock can be shifted."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=ReachableProtocol,
        ws="none",
        log_level=log_level.lower(),
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    return uvicorn.Server(config)

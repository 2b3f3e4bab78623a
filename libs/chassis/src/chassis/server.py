"""The HTTP server of every process: uvicorn, with an end that nobody in front of it notices.

A balancer keeps sending for a moment after a process was told to stop. So on SIGTERM `/health/ready` says no
at once, requests are served for `shutdown_delay_seconds` more, and only then the port is closed and what runs
is let end.
"""

import asyncio
import gc
import signal
from types import FrameType
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette

from chassis.settings import ServiceSettings
from chassis.slow_clients import ImpatientProtocol
from chassis.telemetry import close_telemetry

DRAIN_SECONDS: Final = 5
"""Requests that are running when the port is closed get this long to end."""


def is_stopping(app: Starlette) -> bool:
    """Whether this process was told to stop and should get no more requests."""
    return bool(getattr(app.state, "stopping", False))


def serve(app: Starlette, settings: ServiceSettings, *, port: int, trusted_proxies: str = "") -> None:
    """Serve `app` until told to stop; the `X-Forwarded-*` headers of `trusted_proxies` are believed."""
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=port,
        loop="chassis.event_loop:EventLoop",
        http=ImpatientProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=trusted_proxies or None,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    try:
        _Server(config, app, delay_seconds=settings.shutdown_delay_seconds).run()
    finally:
        close_telemetry()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: Starlette, *, delay_seconds: float) -> None:
        super().__init__(config)
        self._app_to_drain = app
        self._delay_seconds = delay_seconds
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: Any = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        # What is here now stays: to look through all of it for garbage would stop everything for 80 ms.
        _ = gc.collect()
        gc.freeze()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain at the first SIGTERM; a second one, or Ctrl-C, ends at once."""
        waits = sig == signal.SIGTERM and self._delay_seconds > 0 and not is_stopping(self._app_to_drain)
        self._app_to_drain.state.stopping = True
        if waits and self._loop:
            # A signal handler may only hand over to the loop.
            self._loop.call_soon_threadsafe(
                self._loop.call_later, self._delay_seconds, super().handle_exit, sig, None
            )
        else:
            super().handle_exit(sig, frame)

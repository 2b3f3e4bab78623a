"""Running the sandbox inside a test process, on a thread and a free port of its own."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graph_sandbox.app import create_app
from graph_sandbox.server import make_server
from graph_sandbox.state import App

START_SECONDS = 10.0


@contextmanager
def running_sandbox(
    app: App, *, host: str = "127.0.0.1", port: int = 0, state_file: Path | None = None
) -> Iterator[str]:
    """Serve `app` until the block ends; yields the base address without a slash at its end.

    Raises:
        RuntimeError: the server did not start within ten seconds.
    """
    server = make_server(create_app(app, state_file=state_file), host=host, port=port, log_level="error")
    thread = threading.Thread(target=server.run, daemon=True, name="graph-sandbox")
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the sandbox did not start")
        thread.join(0.01)
    try:
        bound = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://{host}:{bound}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)

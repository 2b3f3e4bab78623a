"""The sandbox as one ASGI application: dialog, Graph, and `/_sandbox` to drive it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from graph_sandbox import control_api, dialog
from graph_sandbox.endpoint import GraphEndpoint
from graph_sandbox.faults import FaultBoard
from graph_sandbox.limits import Limits
from graph_sandbox.snapshot import keep_saved, load_file, save_file
from graph_sandbox.state import App, World


def create_app(app: App, *, state_file: Path | None = None) -> Starlette:
    """Build the application around a world, which is `app.state.world` of what is returned.

    With a `state_file` the world starts from it and is kept in it; without one it lives in memory only.
    """
    world, faults, limits = World(app), FaultBoard(), Limits()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if state_file is None:
            yield
            return
        load_file(world, state_file)
        saving = asyncio.create_task(keep_saved(world, state_file))
        yield
        saving.cancel()
        save_file(world, state_file)

    built = Starlette(
        routes=[
            Route("/_sandbox", control_api.to_page),
            Mount("/_sandbox", routes=control_api.routes()),
            Route("/{version}/dialog/oauth", dialog.show_dialog),
            Route("/{version}/dialog/oauth/decision", dialog.decide, methods=["POST"]),
            Route("/dialog/oauth", dialog.show_dialog),
            Route("/dialog/oauth/decision", dialog.decide, methods=["POST"]),
            Mount("/", app=GraphEndpoint(world, faults, limits)),
        ],
        lifespan=lifespan,
    )
    built.state.world, built.state.faults, built.state.limits = world, faults, limits
    return built

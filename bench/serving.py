"""How the doors of the yardsticks are served; a module of its own, so that no worker loads it."""

import os

import uvicorn
from fastapi import FastAPI
from raw import PORT


def serve(app: FastAPI) -> None:
    """Serve as ours are served."""
    uvicorn.run(
        app,
        port=int(os.environ[PORT]),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )

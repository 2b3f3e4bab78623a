"""`python serving.py PORT DELAY`: a readiness page and a slow answer, served as a service is."""

import asyncio
import sys

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from chassis.server import is_stopping, serve
from chassis.settings import ServiceSettings


async def ready(request: Request) -> PlainTextResponse:
    return PlainTextResponse("", status_code=503 if is_stopping(request.app) else 200)


async def slow(_: Request) -> PlainTextResponse:
    await asyncio.sleep(0.5)
    return PlainTextResponse("done")


if __name__ == "__main__":
    app = Starlette(routes=[Route("/ready", ready), Route("/slow", slow)])
    serve(app, ServiceSettings(shutdown_delay_seconds=float(sys.argv[2])), port=int(sys.argv[1]))

"""`python serving.py PORT DELAY`: a readiness page and a slow answer, served as a service is."""

import asyncio
import gc
import sys

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from chassis.http import install
from chassis.server import is_stopping, serve
from chassis.settings import ServiceSettings


async def ready(request: Request) -> PlainTextResponse:
    return PlainTextResponse("", status_code=503 if is_stopping(request.app) else 200)


async def slow(_: Request) -> PlainTextResponse:
    await asyncio.sleep(0.5)
    return PlainTextResponse("done")


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.body())


async def frozen(_: Request) -> PlainTextResponse:
    return PlainTextResponse(str(gc.get_freeze_count()))


if __name__ == "__main__":
    app = FastAPI(
        routes=[
            Route("/ready", ready),
            Route("/slow", slow),
            Route("/echo", echo, methods=["POST"]),
            Route("/frozen", frozen),
        ]
    )
    install(app, body_for=lambda _, error: error.flat_body())
    serve(app, ServiceSettings(shutdown_delay_seconds=float(sys.argv[2])), port=int(sys.argv[1]))

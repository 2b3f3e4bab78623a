"""A small HTTP service with everything that can go wrong."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import structlog
from fastapi import APIRouter, FastAPI, HTTPException, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, field_validator
from starlette.middleware.cors import CORSMiddleware

from chassis.errors import AppError, RateLimited, Unauthorized, Unavailable
from chassis.http import install
from chassis.telemetry import current_traceparent

ORIGIN = "http://localhost:3000"


class SignUp(BaseModel):
    email: str
    password: str = Field(min_length=8)
    body: str | None = None
    formats: list[str] = ["feed"]

    @field_validator("formats")
    @classmethod
    def _at_least_one(cls, formats: list[str]) -> list[str]:
        if not formats:
            raise ValueError("At least one format required")
        return formats


def body_for(path: str, error: AppError) -> BaseModel:
    return error.nested_body() if path.startswith("/auth") else error.flat_body()


def create_app() -> FastAPI:
    """Build the service."""
    app = FastAPI(openapi_url=None)
    install(app, body_for=body_for, form_paths=frozenset({"/form"}))
    app.add_middleware(CORSMiddleware, allow_origins=[ORIGIN], allow_credentials=True)
    app.include_router(answers)
    app.include_router(failures)
    return app


answers = APIRouter()


@answers.post("/echo")
@answers.post("/auth/signup")
async def echo(body: SignUp) -> dict[str, object]:
    return {"email": body.email}


@answers.post("/form")
async def form(request: Request) -> dict[str, object]:
    return {"length": len(await request.body())}


@answers.get("/items/{item_id}")
async def items(item_id: str, limit: Annotated[int, Query(ge=1, le=200)] = 50) -> dict[str, object]:
    return {"id": item_id, "limit": limit}


@answers.get("/context")
async def context() -> dict[str, object]:
    return {"traceparent": current_traceparent(), **structlog.contextvars.get_contextvars()}


failures = APIRouter()


@failures.get("/auth/me")
async def me() -> None:
    raise Unauthorized("Not logged in", hint="Log in to continue.")


@failures.get("/crash")
@failures.get("/auth/crash")
async def crash() -> None:
    raise RuntimeError("planted-detail access_token=planted-token")


@failures.get("/busy")
async def busy() -> None:
    raise RateLimited("Too many tries", retry_after_seconds=2.3)


@failures.get("/down")
async def down() -> None:
    raise Unavailable("The database does not answer.", retry_after_seconds=0.1)


@failures.get("/teapot")
async def teapot() -> None:
    raise HTTPException(418, "I am a teapot")


@failures.get("/half")
async def half() -> StreamingResponse:
    """Breaks off after the answer has begun."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"half of "
        await asyncio.sleep(0)
        raise RuntimeError("planted-detail")

    return StreamingResponse(parts(), headers={"content-length": "100"})

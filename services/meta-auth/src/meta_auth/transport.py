"""The one way out to Meta: no proxy from the environment, no redirects, no endless answers, no patience.

httpx2 is the maintained continuation of httpx, and what Authlib's client is built on.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import httpx2

from chassis.errors import MetaApiError, Unavailable

CONVERSATION_SECONDS: Final = 15.0
"""For everything that one request of a user asks of Meta, retries included."""
MAX_ANSWER_BYTES: Final = 1_048_576
"""A page of 100 ad accounts has about 60 kB."""
CLIENT_OPTIONS: Final[dict[str, Any]] = {
    "timeout": httpx2.Timeout(10.0, connect=3.0),
    "trust_env": False,
    "follow_redirects": False,
    # The size limit counts what arrives; a compressed answer could unfold to any size.
    "headers": {"accept": "application/json", "accept-encoding": "identity"},
}


class AnswerTooLarge(MetaApiError):
    """The answer is longer than anything we ask for; asking again would bring it again."""


class MetaTransport(httpx2.AsyncBaseTransport):
    """Connections to Meta, shared by the OAuth client and the Graph client."""

    def __init__(self) -> None:
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        response.stream = _Limited(cast("httpx2.AsyncByteStream", response.stream))
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Limited(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = 0
        async for chunk in self._stream:
            total += len(chunk)
            if total > MAX_ANSWER_BYTES:
                raise AnswerTooLarge("Meta's answer is too long to be read.")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


def conversation_end() -> float:
    """When a conversation that starts now must be over, on the monotonic clock."""
    return time.monotonic() + CONVERSATION_SECONDS


@asynccontextmanager
async def until(end: float) -> AsyncIterator[None]:
    """Run a block that talks to Meta, not longer than `end`.

    Raises:
        Unavailable: the time is over.
    """
    try:
        async with asyncio.timeout(end - time.monotonic()):
            yield
    except TimeoutError as exc:
        raise no_answer() from exc


def no_answer() -> Unavailable:
    return Unavailable("Meta did not answer in time.", hint="Try again in a moment.", retry_after_seconds=5.0)

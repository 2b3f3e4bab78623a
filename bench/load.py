"""A load generator that costs little beside what it measures: ready-made bytes over kept-alive sockets."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

HEADERS_END: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length: "
SUCCESS: Final = (b"200", b"201")


def request_bytes(method: str, path: str, headers: dict[str, str] | None = None) -> bytes:
    """One request; a POST carries an empty object."""
    body = "{}" if method == "POST" else ""
    every = {"host": "bench", "content-type": "application/json", "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**every, **(headers or {})}.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n{body}".encode()


@dataclass(frozen=True, kw_only=True)
class Load:
    """What came of a number of requests: bodies, seconds each, seconds in all, our own CPU seconds."""

    bodies: list[bytes]
    each: list[float]
    elapsed: float
    cpu: float

    @property
    def per_second(self) -> float:
        return len(self.each) / self.elapsed

    def centile_ms(self, number: int) -> float:
        return 1000 * statistics.quantiles(self.each, n=100)[number - 1]


class Line:
    """One kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, url: str) -> "Line":
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def exchange(self, request: bytes) -> bytes:
        """Send a request; the body of its answer, which must be a success."""
        self._writer.write(request)
        head = await self._reader.readuntil(HEADERS_END)
        start = head.lower().index(LENGTH) + len(LENGTH)
        body = await self._reader.readexactly(int(head[start : head.index(b"\r", start)]))
        assert head.split(b" ", 2)[1] in SUCCESS, (head, body)
        return body

    def close(self) -> None:
        self._writer.close()


async def send_all(url: str, requests: Sequence[bytes], *, connections: int) -> Load:
    """Send all requests over so many connections, on each one after the other."""
    waiting, bodies, each = iter(requests), [], []

    async def send_on(line: Line) -> None:
        for request in waiting:
            began = time.perf_counter()
            bodies.append(await line.exchange(request))
            each.append(time.perf_counter() - began)

    lines = [await Line.open(url) for _ in range(connections)]
    cpu, began = time.process_time(), time.perf_counter()
    await asyncio.gather(*(send_on(line) for line in lines))
    load = Load(bodies=bodies, each=each, elapsed=time.perf_counter() - began, cpu=time.process_time() - cpu)
    for line in lines:
        line.close()
    return load

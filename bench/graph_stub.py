"""The lightest thing that answers like Graph: a new id for each create, after a settable time.

Nothing is checked, and what comes is kept unread, so that it is never what a benchmark waits for.
`python bench/graph_stub.py --port 3999`.

- `POST …/act_<n>/campaigns`, `…/adsets`: `{"id": "…"}`. `GET` of the same, or of `…/<campaign>/adsets`: all
  that were made there, so that who has lost an answer finds what it made. Every other GET: an empty list.
- `POST /_stub/delay/<ms>`: answer creates after so long. `GET /_stub/first/<account>`: when, in seconds since
  1970, its first create arrived. `GET /_stub/creates` and `/_stub/reads`: how many there were.
"""

import asyncio
import itertools
import json
import time
from collections import defaultdict
from typing import Any, Final, NamedTuple, cast
from urllib.parse import parse_qs

import typer
import uvloop

HEADERS_END: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length:"


class Made(NamedTuple):
    """One object; what it was made with is read only when it is asked for."""

    id: str
    edge: str
    at: float
    form: bytes

    def as_json(self) -> dict[str, Any]:
        fields = parse_qs(self.form.decode())
        return {
            "id": self.id,
            "status": "PAUSED",
            "created_time": time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(self.at)),
            "adlabels": json.loads(fields.get("adlabels", ["[]"])[0]),
        }


class Graph:
    """What all connections share."""

    def __init__(self) -> None:
        self.ids = itertools.count(120_210_000_000_000_001)
        self.delay_seconds = 0.0
        self.first: dict[str, float] = {}
        self.creates = 0
        self.reads = 0
        self.made: dict[str, list[Made]] = defaultdict(list)
        self.account_of: dict[str, str] = {}

    def answer(self, method: bytes, path: str, form: bytes) -> tuple[bytes, float]:
        """The body for one request, and after how long to send it."""
        if path.startswith("/_stub/"):
            return self._told(*path.split("/")[2:]), 0.0
        if method != b"POST":
            self.reads += 1
            return self._listed(*path.split("/")[-2:]), 0.0
        account, edge = path.split("/")[-2:]
        now = time.time()
        self.first.setdefault(account, now)
        self.creates += 1
        made = Made(id=str(next(self.ids)), edge=edge, at=now, form=form)
        self.made[account].append(made)
        self.account_of[made.id] = account
        return b'{"id":"%b"}' % made.id.encode(), self.delay_seconds

    def _listed(self, parent: str, edge: str) -> bytes:
        found = self.made.get(self.account_of.get(parent, parent), ())
        return json.dumps({"data": [made.as_json() for made in found if made.edge == edge]}).encode()

    def _told(self, what: str, value: str = "") -> bytes:
        if what == "delay":
            self.delay_seconds = int(value) / 1000
        found = {
            "first": self.first.get(value),
            "creates": self.creates,
            "reads": self.reads,
            "delay": self.delay_seconds,
        }
        return json.dumps(found[what]).encode()


class Connection(asyncio.Protocol):
    """One kept-alive connection; a client sends one request at a time."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(HEADERS_END)
        if not found or len(rest) < _length(head):
            return
        self._buffer = b""
        method, target, _ = head.split(b" ", 2)
        body, seconds = self._graph.answer(method, target.decode().partition("?")[0], rest)
        answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
            len(body),
            body,
        )
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.find(LENGTH)
    return int(lowered[start + len(LENGTH) :].split(b"\r\n", 1)[0]) if start >= 0 else 0


async def serve(port: int) -> None:
    """Answer until cancelled."""
    graph = Graph()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(graph), "127.0.0.1", port)
    await server.serve_forever()


def main(port: int = 3999) -> None:
    """Serve on this port of the loopback address."""
    uvloop.run(serve(port))


if __name__ == "__main__":
    typer.run(main)

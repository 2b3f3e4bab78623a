"""Stands between the services and the sandbox and keeps the secrets that pass, so that a test knows them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import httpx

SECRET_PARAMS = ("code", "fb_exchange_token", "input_token", "access_token", "appsecret_proof")
_KEPT_BACK = {
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "content-encoding",
    "date",
    "server",
}
_TOKEN = re.compile(rb'"access_token"\s*:\s*"([^"]+)"')


class Recorder(ThreadingHTTPServer):
    """A proxy for one address, on a port of its own."""

    daemon_threads = True

    def __init__(self, port: int, target: str) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.target = target
        self.seen: dict[str, set[str]] = {}
        self.requests = 0

    def note(self, name: str, value: str) -> None:
        if value:
            self.seen.setdefault(name, set()).add(value)

    def note_request(self, target: str, headers: dict[str, str], body: bytes) -> None:
        self.requests += 1
        form = body.decode("latin-1") if "form" in headers.get("content-type", "") else ""
        for name, value in (*parse_qsl(urlsplit(target).query), *parse_qsl(form)):
            if name in SECRET_PARAMS:
                self.note(name, value)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() in {"bearer", "oauth"}:
            self.note("access_token", token)


class _Handler(BaseHTTPRequestHandler):
    server: Recorder
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        body = self.rfile.read(length) if length else b""
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.note_request(self.path, headers, body)
        kept = {name: value for name, value in headers.items() if name not in _KEPT_BACK}
        answer = httpx.request(
            self.command,
            f"{self.server.target}{self.path}",
            content=body,
            headers=kept,
            trust_env=False,
            timeout=20,
        )
        for token in _TOKEN.findall(answer.content):
            self.server.note("issued", token.decode())
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name not in _KEPT_BACK:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815 - names of the base class

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def recorder(port: int, target: str) -> Iterator[Recorder]:
    with Recorder(port, target) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()

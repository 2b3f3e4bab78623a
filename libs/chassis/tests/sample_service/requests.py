"""What tests of the served sample service send, and how they read the answer."""

import socket
from contextlib import closing
from typing import Any

import httpx

PASSWORD = "planted-password"
JSON = {"content-type": "application/json"}
GOOD = {"email": "ada@example.com", "password": PASSWORD}


def post(client: httpx.Client, body: bytes | str, *, path: str = "/echo", **headers: str) -> httpx.Response:
    return client.post(path, content=body, headers=JSON | headers)


def head(content_length: object) -> bytes:
    """The head of a request that declares this length."""
    lines = (
        "POST /echo HTTP/1.1",
        "host: a",
        "content-type: application/json",
        f"content-length: {content_length}",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def raw(address: tuple[str, int], request: bytes) -> bytes:
    """What comes back for these very bytes until the server closes the connection."""
    with closing(socket.create_connection(address, timeout=10)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def issue_free(answer: httpx.Response) -> dict[str, Any]:
    """The body, which must be of shape B, without its list of issues."""
    body: dict[str, Any] = answer.json()
    assert set(body) <= {"error", "message", "hint", "issues"}
    return {key: value for key, value in body.items() if key != "issues"}

"""`python -m graph_sandbox.probe [PORT]`: the health check of the image; exit code 0 when the sandbox serves.

A process of its own every few seconds, in an image whose standard library has no bytecode: so it imports no
more than a socket. With urllib it cost more than the sandbox itself.
"""

import socket
import sys

TIMEOUT_SECONDS = 3
REQUEST = b"GET /_sandbox/health HTTP/1.0\r\nhost: localhost\r\n\r\n"


def main(port: str = "3004") -> int:
    """Ask once."""
    try:
        with socket.create_connection(("127.0.0.1", int(port)), TIMEOUT_SECONDS) as connection:
            connection.sendall(REQUEST)
            return 0 if connection.recv(64).split(b" ")[1:2] == [b"200"] else 1
    except OSError:
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

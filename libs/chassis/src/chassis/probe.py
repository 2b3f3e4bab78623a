"""`python -m chassis.probe PORT PATH`: the health check of an image; exit code 0 when it answers 200 there.

A process of its own every few seconds, so it imports next to nothing.
"""

import sys
from http.client import OK, HTTPConnection

TIMEOUT_SECONDS = 3


def main(port: str, path: str) -> int:
    """Ask once; what is wrong goes to standard output, where `docker inspect` shows it."""
    connection = HTTPConnection("127.0.0.1", int(port), timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except OSError as error:
        print(f"no answer: {error}")  # noqa: T201 - a command
        return 1
    print(text)  # noqa: T201 - a command
    return 0 if answer.status == OK else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

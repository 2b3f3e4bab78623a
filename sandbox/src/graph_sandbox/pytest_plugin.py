"""The fixture `graph_sandbox` for any project: one sandbox per session, in its first state for each test.

Nothing is imported until a test asks for it, so that other tests pay nothing.
"""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

if TYPE_CHECKING:
    from graph_sandbox.state import App

REDIRECT_URI = "http://localhost/callback"
VERSION = "v25.0"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox, and what a test wants of it."""

    address: str
    """Without a slash at its end; the SDK's `GRAPH`."""
    app: "App"

    @property
    def graph(self) -> str:
        """The address with a live version."""
        return f"{self.address}/{VERSION}"

    def log_in(self, persona: str = "ada", scope: str = "ads_management,business_management") -> str:
        """Walk through the dialog as this person; gives the token."""
        asked = {"client_id": self.app.app_id, "redirect_uri": REDIRECT_URI, "scope": scope}
        answer = urlencode(asked | {"persona": persona, "decision": "approve"})
        _, location = self._send("POST", f"/{VERSION}/dialog/oauth/decision", answer, FORM)
        code = parse_qs(urlsplit(location).query)["code"][0]
        secret = {"client_id": self.app.app_id, "client_secret": self.app.app_secret}
        exchange = urlencode(secret | {"redirect_uri": REDIRECT_URI, "code": code})
        body, _ = self._send("POST", f"/{VERSION}/oauth/access_token", exchange, FORM)
        return str(json.loads(body)["access_token"])

    def drive(self, method: str, path: str, **body: Any) -> Any:
        """Call an operation of `/_sandbox`, which its OpenAPI document lists; gives its JSON."""
        answer, _ = self._send(
            method, f"/_sandbox{path}", json.dumps(body) if body else "", "application/json"
        )
        return json.loads(answer)

    def ledger(self, kind: str | None = None) -> list[dict[str, Any]]:
        """What was asked and what happened, oldest first."""
        entries: list[dict[str, Any]] = self.drive("GET", f"/ledger?kind={kind}" if kind else "/ledger")[
            "data"
        ]
        return entries

    def arm(self, do: str, **fault: Any) -> None:
        """Arm a fault; the README says which there are."""
        self.drive("POST", "/faults", do=do, **fault)

    def _send(self, method: str, path: str, body: str, content_type: str) -> tuple[str, str]:
        """One call without following a redirect; gives the body and the redirect's address."""
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=10)
        try:
            connection.request(method, path, body, {"content-type": content_type})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 400:  # noqa: PLR2004 - refused
            raise AssertionError(f"{method} {path}: {answer.status} {text}")
        return text, answer.headers.get("location") or ""


@pytest.fixture(scope="session")
def graph_sandbox_server() -> Iterator[Sandbox]:
    """The sandbox of this session."""
    from graph_sandbox.state import App  # noqa: PLC0415 - as the docstring says
    from graph_sandbox.testing import running_sandbox  # noqa: PLC0415

    app = App("100000000000001", "sandbox-app-secret", (REDIRECT_URI,))
    with running_sandbox(app) as address:
        yield Sandbox(address, app)


@pytest.fixture
def graph_sandbox(graph_sandbox_server: Sandbox) -> Sandbox:
    """A sandbox in its first state: no objects, no faults, nobody logged in."""
    graph_sandbox_server.drive("POST", "/reset")
    return graph_sandbox_server

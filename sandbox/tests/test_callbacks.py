"""Removing the app and asking for deletion, as the app's own endpoints hear of it."""

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

SECRET = "test-app-secret"
ADA = "10220000000000001"
Got = list[tuple[str, dict[str, list[str]]]]


@contextmanager
def app_endpoints() -> Iterator[tuple[str, Got]]:
    """An app that keeps what it is sent and answers as it should."""
    got: Got = []

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            got.append((self.path, parse_qs(body)))
            answer = b'{"url":"https://app.test/deletion/1","confirmation_code":"abc1"}'
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keep) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join(10)


@pytest.fixture
def app(http: httpx.Client) -> Iterator[Got]:
    with app_endpoints() as (address, got):
        urls = {
            "deauthorize_url": f"{address}/meta/deauthorize",
            "data_deletion_url": f"{address}/meta/data-deletion",
        }
        http.post("/_sandbox/settings", json=urls).raise_for_status()
        yield got


def payload_of(form: dict[str, list[str]]) -> dict[str, Any]:
    """Check the signature as an app does, and read what was signed."""
    signature, body = form["signed_request"][0].split(".")
    wanted = hmac.new(SECRET.encode(), body.encode(), "sha256").digest()
    assert base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)) == wanted
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def test_removing_the_app_in_the_settings_tells_it_and_ends_the_tokens(
    http: httpx.Client, graph: httpx.Client, app: Got
) -> None:
    told = http.post("/_sandbox/personas/ada/remove-app").json()
    assert (told["sent"], told["status"]) == (True, 200)
    [(path, form)] = app
    assert path == "/meta/deauthorize"
    payload = payload_of(form)
    assert (payload["user_id"], payload["algorithm"]) == (ADA, "HMAC-SHA256")
    assert abs(payload["issued_at"] - time.time()) < 10
    assert graph.get("/me").json()["error"]["error_subcode"] == 458


def test_taking_back_all_permissions_by_graph_tells_the_app_too(
    graph: httpx.Client, app: Got, ledger: Callable[..., list[dict[str, Any]]]
) -> None:
    assert graph.delete("/me/permissions").json() == {"success": True}
    deadline = time.monotonic() + 10
    while not (entries := ledger(kind="callback")):
        assert time.monotonic() < deadline
    assert (entries[0]["callback"], entries[0]["http_status"]) == ("deauthorize", 200)
    assert [path for path, _ in app] == ["/meta/deauthorize"]


def test_taking_back_one_permission_tells_nobody(graph: httpx.Client, app: Got) -> None:
    graph.delete("/me/permissions/ads_management").raise_for_status()
    assert graph.get("/me").status_code == 200
    assert app == []


def test_a_wish_for_deletion_is_sent_signed_and_its_answer_shown(http: httpx.Client, app: Got) -> None:
    told = http.post("/_sandbox/personas/ada/delete-data").json()
    assert json.loads(told["body"])["confirmation_code"] == "abc1"
    [(path, form)] = app
    payload = payload_of(form)
    assert path == "/meta/data-deletion"
    assert payload["user_id"] == ADA
    assert payload["expires"] > payload["issued_at"]


def test_an_app_without_endpoints_or_that_does_not_answer_is_said(http: httpx.Client) -> None:
    assert http.post("/_sandbox/personas/ada/delete-data").json()["sent"] is False
    http.post("/_sandbox/settings", json={"data_deletion_url": "http://127.0.0.1:9/x"}).raise_for_status()
    told = http.post("/_sandbox/personas/ada/delete-data").json()
    assert (told["sent"], told["status"]) == (True, None)
    assert http.post("/_sandbox/personas/nobody/delete-data").status_code == 404


def test_tokens_expire_on_demand(http: httpx.Client, graph: httpx.Client) -> None:
    assert http.post("/_sandbox/tokens/expire", json={"user": "ada"}).json() == {"tokens": 1}
    answer = graph.get("/me")
    assert (answer.status_code, answer.json()["error"]["error_subcode"]) == (401, 463)


@pytest.mark.parametrize(
    ("persona", "currencies", "statuses"),
    [
        ("eva", ["SEK"], [1]),
        ("finn", ["SEK"], [1]),
        ("hana", ["JPY"], [1]),
        ("ivo", ["EUR", "EUR", "EUR"], [2, 101, 3]),
    ],
)
def test_a_persona_has_one_situation(
    as_persona: Callable[[str], httpx.Client], persona: str, currencies: list[str], statuses: list[int]
) -> None:
    fields = {"fields": "currency,account_status"}
    rows = as_persona(persona).get("/me/adaccounts", params=fields).json()["data"]
    assert [row["currency"] for row in rows] == currencies
    assert [row["account_status"] for row in rows] == statuses

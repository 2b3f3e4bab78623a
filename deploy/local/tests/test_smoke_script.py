"""The smoke script against an API that answers as told: what a healthy gateway would not say on demand."""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local_stack.ports import free_port

Smoke = Callable[..., subprocess.CompletedProcess[str]]

SCRIPT = Path(__file__).parents[3] / "scripts" / "meta-step3-smoke.sh"
CUSTOMER = "7d7c5c4e-0b38-4c0e-9f4b-6f3a5b1f0e11"
PASSWORD = 'quote " backslash \\ done'


def run(run_id: str, status: str, error: str | None = None) -> dict[str, Any]:
    times = {"startedAt": None, "finishedAt": None}
    return {
        "id": run_id,
        "trigger": "manual",
        "status": status,
        **times,
        "errorMessage": error,
        "createdAt": "t",
    }


class Api:
    """A server on a free port; `answers` maps method and path to status and body, and may be changed."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {
            "GET /health": (200, {"ok": True, "db": True, "redis": True}),
            "POST /auth/login": (200, {"userId": "u", "customerId": CUSTOMER, "email": "demo@example.com"}),
            "GET /auth/me": (200, {"userId": "u", "customerId": CUSTOMER, "email": "demo@example.com"}),
            "GET /meta/status": (200, {"status": "connected", "selectedAdAccountId": "act_1"}),
            "GET /ads/status": (
                200,
                {
                    "prerequisites": {
                        "website": {"ok": True, "hint": None},
                        "meta": {"ok": False, "hint": "Connect your Meta account"},
                    },
                    "derived": {"metaWriteMode": "real"},
                },
            ),
            "POST /ads/publish": (201, {"runId": "run-2", "jobId": "job-2"}),
            "GET /ads/runs": (200, {"data": [run("run-2", "success"), run("run-1", "failed", "older")]}),
            "GET /ads/objects": (200, {"campaignId": "120210000000000001", "adsetId": "120210000000000002"}),
        }
        self.seen: list[tuple[str, str | None, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", free_port()), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                name = f"{self.command} {self.path.partition('?')[0]}"
                api.seen.append((name, self.headers.get("x-customer-id"), json.loads(body or "null")))
                status, answer = api.answers[name]
                self.send_response(status)
                if name == "POST /auth/login" and status == 200:
                    self.send_header(
                        "set-cookie", "session=fresh; HttpOnly; SameSite=Lax; Path=/; Max-Age=604800"
                    )
                self.end_headers()
                self.wfile.write(json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode())

            do_POST = do_GET  # noqa: N815  the name is the base class's

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.close()


@pytest.fixture
def smoke(tmp_path: Path) -> Smoke:
    def call(url: str, **env: str) -> subprocess.CompletedProcess[str]:
        cookies = {"COOKIE_FILE": str(tmp_path / "cookies.txt")}
        environment = {"PATH": os.environ["PATH"], "API_URL": url, **cookies, **env}
        argv = [str(SCRIPT)]
        return subprocess.run(  # noqa: S603  our own script
            argv, env=environment, capture_output=True, text=True, check=False
        )

    return call


LOGIN = {"TEST_USER_EMAIL": "demo@example.com", "TEST_USER_PASSWORD": PASSWORD}
COOKIE = {"SESSION_COOKIE": "given", "CUSTOMER_ID": CUSTOMER}


def test_a_login_leads_to_the_ids_and_code_0(api: Api, smoke: Smoke) -> None:
    done = smoke(api.url, **LOGIN)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-2:] == [
        "campaign_id: 120210000000000001",
        "adset_id: 120210000000000002",
    ]
    assert "metaWriteMode: real" in done.stdout
    assert "meta: not ok (Connect your Meta account)" in done.stdout
    assert ("POST /auth/login", None, {"email": "demo@example.com", "password": PASSWORD}) in api.seen
    assert ("POST /ads/publish", CUSTOMER, {}) in api.seen


def test_a_session_cookie_with_its_customer_needs_no_login(api: Api, smoke: Smoke) -> None:
    assert smoke(api.url, **COOKIE).returncode == 0
    assert [name for name, *_ in api.seen if "/auth/" in name] == []


def test_a_cookie_file_is_enough_and_the_customer_is_asked_from_the_api(
    api: Api, smoke: Smoke, tmp_path: Path
) -> None:
    smoke(api.url, **LOGIN)
    api.seen.clear()
    assert smoke(api.url).returncode == 0
    assert [name for name, *_ in api.seen][1] == "GET /auth/me"
    assert (tmp_path / "cookies.txt").stat().st_mode & 0o077 == 0


def test_only_the_run_that_it_started_counts(api: Api, smoke: Smoke) -> None:
    text = '100: Invalid "daily_budget", really. Raise the budget.'
    runs = [run("run-3", "success"), run("run-2", "failed", text), run("run-1", "success")]
    api.answers["GET /ads/runs"] = (200, {"data": runs})
    done = smoke(api.url, **COOKIE)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-2:] == [f"error_message: {text}", "FAIL: run run-2 failed"]


@pytest.mark.parametrize(
    ("request_name", "answer", "words"),
    [
        ("GET /health", (503, {"ok": False, "db": False, "redis": True}), '"db":false'),
        ("POST /auth/login", (401, {"message": "Invalid email or password"}), "Invalid email or password"),
        (
            "GET /meta/status",
            (401, {"message": "Session expired or invalid", "hint": "Log in again"}),
            "Log in again",
        ),
        (
            "GET /meta/status",
            (200, {"status": "disconnected", "selectedAdAccountId": None}),
            "is disconnected",
        ),
        ("GET /meta/status", (200, {"status": "connected", "selectedAdAccountId": None}), "no ad account"),
        ("GET /ads/status", (500, {"message": "Internal error"}), "/ads/status answered 500"),
        ("POST /ads/publish", (503, {"error": "UNAVAILABLE", "message": "Try again"}), "Try again"),
        ("POST /ads/publish", (502, "<html>"), "no message"),
        ("GET /ads/runs", (403, {"message": "Session customerId does not match"}), "does not match"),
        ("GET /ads/objects", (200, None), "no campaign id"),
    ],
)
def test_every_refusal_ends_in_one_line_that_says_why(
    api: Api, smoke: Smoke, request_name: str, answer: tuple[int, Any], words: str
) -> None:
    api.answers[request_name] = answer
    done = smoke(api.url, **LOGIN)
    _assert_one_fail_line(done, words)


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({}, "no session: set TEST_USER_EMAIL"),
        ({"TEST_USER_EMAIL": "demo@example.com"}, "TEST_USER_PASSWORD is not"),
        ({"SESSION_COOKIE": "given"}, "CUSTOMER_ID is not"),
        ({**LOGIN, "COOKIE_FILE": "/nowhere/cookies.txt"}, "cannot write the cookie file"),
    ],
)
def test_a_session_that_is_not_given_in_full_is_refused(
    api: Api, smoke: Smoke, env: dict[str, str], words: str
) -> None:
    _assert_one_fail_line(smoke(api.url, **env), words)


def test_an_api_that_is_down_is_named(smoke: Smoke) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    _assert_one_fail_line(smoke(url, **LOGIN), f"no answer from {url}/health")


def _assert_one_fail_line(done: subprocess.CompletedProcess[str], words: str) -> None:
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert [line for line in lines if line.startswith("FAIL: ")] == lines[-1:]
    assert words in lines[-1]
    assert done.stderr == ""

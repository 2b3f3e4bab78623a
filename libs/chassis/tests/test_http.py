"""What a service answers to whatever is thrown at it, over a real socket."""

import socket
import time
from collections.abc import Callable
from contextlib import closing
from uuid import UUID

import httpx
import pytest
from sample_service.app import ORIGIN
from sample_service.requests import GOOD, head, post

from chassis.internal_calls import internal_client
from chassis.security_headers import SECURITY_HEADERS
from chassis.telemetry import span


def test_a_good_request_is_answered(client: httpx.Client) -> None:
    answer = client.post("/echo", json=GOOD)
    assert answer.status_code == 200
    assert answer.text == '{"email":"ada@example.com"}'


def test_the_paths_of_login_pages_get_the_nested_body(client: httpx.Client) -> None:
    assert client.get("/auth/me").status_code == 401
    assert client.get("/auth/me").json() == {
        "error": {"code": "UNAUTHORIZED", "message": "Not logged in"},
        "message": "Not logged in",
        "hint": "Log in to continue.",
    }
    for answer in (post(client, b"{", path="/auth/signup"), client.get("/auth/nowhere")):
        assert set(answer.json()["error"]) == {"code", "message"}
        assert answer.json()["message"] == answer.json()["error"]["message"]


def test_an_unknown_route_is_not_found(client: httpx.Client) -> None:
    answer = client.get("/nowhere")
    assert answer.status_code == 404
    assert answer.json() == {
        "error": "NOT_FOUND",
        "message": "No route GET /nowhere",
        "hint": "See the API documentation.",
    }
    assert client.post("/nowhere", json={}).status_code == 404


def test_a_known_route_with_another_method_says_which_it_takes(client: httpx.Client) -> None:
    answer = client.get("/echo")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["error"] == "VALIDATION_ERROR"
    assert answer.json()["message"] == "GET is not supported for /echo"


@pytest.mark.parametrize(
    "path", ["/items/%00", "/items/%ff%fe", "/items/%ed%a0%80", "/%2e%2e/etc", "/items/é"]
)
def test_odd_characters_in_a_path_are_no_fault_of_ours(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code in {200, 404}


def test_an_uncaught_exception_is_internal_without_any_detail(
    client: httpx.Client, logged: Callable[[], str]
) -> None:
    answer = client.get("/crash", headers={"x-request-id": "crash-1"})
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "INTERNAL",
        "message": "Internal error",
        "hint": "Try again in a moment.",
    }
    assert answer.headers["x-request-id"] == "crash-1"
    assert "planted" not in answer.text + str(answer.headers)
    lines = logged()
    assert "unhandled_error" in lines
    assert "RuntimeError" in lines
    assert "crash-1" in lines


def test_an_uncaught_exception_has_the_nested_body_where_that_is_read(client: httpx.Client) -> None:
    assert client.get("/auth/crash").json()["error"] == {"code": "INTERNAL", "message": "Internal error"}


def test_an_exception_after_the_answer_began_ends_the_connection(client: httpx.Client) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/half")
    assert client.get("/items/1").status_code == 200


def test_who_shall_come_back_later_is_told_when_in_whole_seconds(client: httpx.Client) -> None:
    busy, down = client.get("/busy"), client.get("/down")
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "3")
    assert (down.status_code, down.headers["retry-after"]) == (503, "1")
    assert busy.json()["error"] == "RATE_LIMITED"


def test_another_http_exception_is_a_refusal_with_its_text(client: httpx.Client) -> None:
    answer = client.get("/teapot")
    assert (answer.status_code, answer.json()["message"]) == (400, "I am a teapot")


@pytest.mark.parametrize("proposed", ["abc-123", "A" * 64, "5b6f7c1e-0d52-4a4e-9f5e-2f0c6f8f3a11"])
def test_a_harmless_request_id_is_kept(client: httpx.Client, proposed: str) -> None:
    answer = client.get("/context", headers={"x-request-id": proposed})
    assert answer.headers["x-request-id"] == answer.json()["request_id"] == proposed


@pytest.mark.parametrize("proposed", ["", "-", "A" * 65, "a b", "a\tb", "é", "<script>", "²"], ids=ascii)
def test_another_request_id_is_replaced_by_one_of_ours(client: httpx.Client, proposed: str) -> None:
    answer = client.get("/context", headers=[(b"x-request-id", proposed.encode("latin-1"))])
    assert str(UUID(answer.headers["x-request-id"])) == answer.json()["request_id"]


def test_request_ids_do_not_leak_into_the_next_request(client: httpx.Client) -> None:
    client.get("/context", headers={"x-request-id": "mine"})
    assert client.get("/context").json()["request_id"] != "mine"


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/items/1"), ("GET", "/nowhere"), ("POST", "/echo"), ("GET", "/crash"), ("GET", "/busy")],
)
def test_every_answer_carries_the_security_headers_and_those_a_browser_needs(
    client: httpx.Client, method: str, path: str
) -> None:
    answer = client.request(method, path, headers={"origin": ORIGIN})
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name.decode()] == value.decode()
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert len(answer.headers.get_list("x-request-id")) == 1


def test_requests_are_logged_without_query_and_health_checks_are_not(
    client: httpx.Client, logged: Callable[[], str]
) -> None:
    client.get("/items/1?access_token=planted-token", headers={"x-request-id": "logged-1"})
    client.get("/health")
    lines = logged()
    assert "http_request" in lines
    assert "/items/1" in lines
    assert "logged-1" in lines
    assert "planted" not in lines
    assert "/health" not in lines


async def test_a_call_to_another_service_carries_the_trace_and_follows_no_redirect(
    address: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    kept = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with internal_client(f"http://{address[0]}:{address[1]}", timeout_seconds=5) as client:
        with span("call", traceparent=kept):
            answer = await client.get("/context")
        assert answer.json()["traceparent"].split("-")[1] == kept.split("-")[1]
        assert not client.follow_redirects


def test_a_slow_client_does_not_keep_others_waiting(client: httpx.Client, address: tuple[str, int]) -> None:
    with closing(socket.create_connection(address, timeout=10)) as slow:
        slow.sendall(head(100) + b"{")
        began = time.monotonic()
        assert client.get("/items/1").status_code == 200
        assert time.monotonic() - began < 5

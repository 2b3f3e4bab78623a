"""Logs are JSON with the ids that lead through the system, and without any secret; traces survive storage."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_service.planted import META_TOKEN
from sample_service.telling import KEPT

from chassis.telemetry import _MAY_HOLD_SECRET, _SECRET_VALUE, CLOSE_SECONDS, redact, trace_id_of


def told(**environment: str) -> str:
    """What a process of the sample service writes to stdout."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "LOG_"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "sample_service.telling"],
        cwd=Path(__file__).parent,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in told(LOG_FORMAT="json").splitlines()]


def the(lines: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event]


def test_every_line_is_json_with_time_level_and_service(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        assert {"event", "level", "timestamp", "service"} <= set(line)
        assert line["service"] == "sample"
        assert line["timestamp"].endswith("Z")


def test_no_secret_is_in_any_line(lines: list[dict[str, Any]]) -> None:
    found = [line for line in lines if "planted" in json.dumps(line)]
    assert found == []


def test_what_is_no_secret_stays_readable(lines: list[dict[str, Any]]) -> None:
    assert the(lines, "query")[0]["url"] == (
        "https://graph.example/me?fields=id&access_token=[redacted]&limit=5"
    )
    assert the(lines, "nested")[0]["calls"] == [
        {"body": {"password": "[redacted]", "email": "kept@example.com"}}
    ]
    assert the(lines, "json")[0]["body"] == '{"access_token": "[redacted]", "expires": 5}'
    assert the(lines, "address")[0]["url"] == "postgresql://gateway:[redacted]@db:5432/auto_ads"


def test_an_exception_is_one_line_with_its_traceback(lines: list[dict[str, Any]]) -> None:
    failed = the(lines, "failed")
    assert len(failed) == 2
    for line in failed:
        assert line["level"] == "error"
        assert (
            "ValueError: invalid literal for int() with base 10: 'input_token=[redacted]'"
            in line["exception"]
        )


def test_ids_bound_to_the_context_are_on_every_line_of_it(lines: list[dict[str, Any]]) -> None:
    assert the(lines, "query")[0]["run_id"] == "run-1"
    assert the(lines, "a library says access_token=[redacted]")[0]["run_id"] == "run-1"
    assert "run_id" not in the(lines, "outside")[0]


def test_a_line_inside_a_span_carries_its_trace_id(lines: list[dict[str, Any]]) -> None:
    (inside,), (outside,) = the(lines, "inside"), the(lines, "outside")
    assert inside["traceparent"].split("-")[1] == inside["trace_id"]
    assert "trace_id" not in outside


def test_a_kept_traceparent_goes_on_in_the_same_trace(lines: list[dict[str, Any]]) -> None:
    (inside,), (continued,) = the(lines, "inside"), the(lines, "continued")
    assert continued["trace_id"] == inside["trace_id"] == continued["trace"]
    (adopted,) = the(lines, "adopted")
    assert adopted["trace_id"] == trace_id_of(KEPT) == trace_id_of(adopted["traceparent"])
    assert adopted["traceparent"] != KEPT


def test_a_broken_traceparent_begins_a_new_trace(lines: list[dict[str, Any]]) -> None:
    fresh = [line["trace_id"] for line in the(lines, "fresh")]
    assert len(set(fresh)) == 4
    assert "0" * 32 not in fresh


def test_lines_below_the_level_and_addresses_logged_by_libraries_are_left_out(
    lines: list[dict[str, Any]],
) -> None:
    assert the(lines, "below the level") == []
    assert [line for line in lines if "HTTP Request" in line["event"]] == []


def test_lines_for_a_person_hide_secrets_too() -> None:
    text = told(LOG_FORMAT="console", LOG_LEVEL="DEBUG")
    assert "planted" not in text
    assert "below the level" in text


@pytest.mark.parametrize(
    "value",
    ["plain text", "password=a", '{"password": "a"}', "bearer a", "redis://:a@b", 7, None, True, ["a"]],
    ids=repr,
)
def test_redaction_is_stable_and_keeps_the_kind_of_a_value(value: object) -> None:
    assert redact(redact(value)) == redact(value)
    assert type(redact(value)) is type(value)


@pytest.mark.parametrize(
    "text", ["status code: 200", "error_code=190", "Password: at least 8 characters", "http://host:80/a@b"]
)
def test_what_only_sounds_like_a_secret_is_kept(text: str) -> None:
    assert redact(text) == text


PIECES = (
    "access_token",
    "code",
    "PASSWORD",
    "=",
    ":",
    "'",
    '"',
    " ",
    "\n",
    "Bearer",
    "://",
    "@",
    "/",
    "eAA",
    "a" * 20,
)


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join))
def test_no_secret_is_missed_by_the_quick_look(text: str) -> None:
    assert _SECRET_VALUE.search(text) is None or _MAY_HOLD_SECRET.search(text) is not None


def test_a_token_of_meta_is_known_by_its_form() -> None:
    assert redact(f"token {META_TOKEN} expired") == "token [redacted] expired"
    assert redact("EAA is an abbreviation") == "EAA is an abbreviation"


@pytest.mark.parametrize("text", [None, "", "00-abc", "a-b-c-d-e"])
def test_what_is_no_traceparent_has_no_trace_id(text: str | None) -> None:
    assert trace_id_of(text) is None


class Collector(BaseHTTPRequestHandler):
    """Keeps the bodies that are posted to it."""

    received: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        type(self).received.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    kind = type("OneCollector", (Collector,), {"received": []})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", kind.received
        server.shutdown()
        thread.join()


def test_spans_are_sent_to_the_collector_when_there_is_one_and_are_complete_at_the_end() -> None:
    with collector() as (address, received):
        told(OTEL_EXPORTER_OTLP_ENDPOINT=address)
    assert {path for path, _ in received} == {"/v1/traces"}
    sent = b"".join(body for _, body in received)
    for name in (b"service.name", b"sample", b"click", b"later", b"from outside"):
        assert name in sent
    assert bytes.fromhex(KEPT.split("-")[1]) in sent


@pytest.mark.parametrize("state", ["down", "hanging"])
def test_a_collector_that_does_not_answer_holds_an_ending_process_up_for_two_seconds_at_most(
    state: str,
) -> None:
    def seconds(**environment: str) -> float:
        began = time.monotonic()
        told(**environment)
        return time.monotonic() - began

    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        if state == "down":
            server.close()
        assert seconds(OTEL_EXPORTER_OTLP_ENDPOINT=address) < seconds() + CLOSE_SECONDS + 1

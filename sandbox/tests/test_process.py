"""The sandbox as a process: its command line, its end, and what it remembers."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

ACCOUNT = "act_101500000000001"
HTTP = httpx.Client(trust_env=False, timeout=10, limits=httpx.Limits(max_keepalive_connections=0))
REDIRECT = "http://localhost:9/back"
FORM = {
    "name": "n",
    "objective": "OUTCOME_TRAFFIC",
    "status": "PAUSED",
    "special_ad_categories": "[]",
    "is_adset_budget_sharing_enabled": "false",
    "adlabels": '[{"name":"pa-run-1"}]',
}


@contextmanager
def started(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The real command on a free port, ready; killed at the end if it still runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "graph_sandbox",
        "--port",
        str(port),
        "--redirect-uri",
        REDIRECT,
        *options,
    ]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "SANDBOX_APP_ID": "77", "SANDBOX_APP_SECRET": "s3"}
    process = subprocess.Popen(  # noqa: S603 - our own module, started on purpose
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    base = f"http://127.0.0.1:{port}"
    try:
        _poll(lambda: HTTP.get(f"{base}/_sandbox/health").json()["ok"])
        yield base, process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_state_survives_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "sandbox.json"
    with started("--state", str(state)) as (base, process):
        token = _login(base)
        headers = {"authorization": f"Bearer {token}"}
        made = HTTP.post(f"{base}/v25.0/{ACCOUNT}/campaigns", headers=headers, data=FORM).json()["id"]
        HTTP.post(f"{base}/_sandbox/accounts/{ACCOUNT}", json={"min_daily_budget": 4321})
        seq = HTTP.get(f"{base}/_sandbox/health").json()["ledger_seq"]
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    assert state.stat().st_mode & 0o777 == 0o600
    with started("--state", str(state)) as (base, _):
        fields = {"fields": "name,adlabels"}
        found = HTTP.get(f"{base}/v25.0/{made}", headers=headers, params=fields).json()
        assert found["adlabels"][0]["name"] == "pa-run-1"
        listed = HTTP.get(f"{base}/v25.0/{ACCOUNT}/campaigns", headers=headers).json()["data"]
        assert listed == [{"id": made}]
        again = HTTP.post(f"{base}/v25.0/{ACCOUNT}/campaigns", headers=headers, data=FORM).json()["id"]
        assert int(again) > int(made)
        assert len(HTTP.get(f"{base}/v25.0/{ACCOUNT}/adlabels", headers=headers).json()["data"]) == 1
        budget = HTTP.get(f"{base}/v25.0/{ACCOUNT}", headers=headers, params={"fields": "min_daily_budget"})
        assert budget.json()["min_daily_budget"] == 4321
        entries = HTTP.get(f"{base}/_sandbox/ledger").json()["data"]
        assert entries[0]["seq"] == 1
        assert entries[seq]["seq"] == seq + 1


def test_a_killed_sandbox_loses_at_most_its_last_second(tmp_path: Path) -> None:
    state = tmp_path / "sandbox.json"
    with started("--state", str(state)) as (base, process):
        token = _login(base)
        _poll(lambda: token in state.read_text())
        process.kill()
        process.wait(10)
    with started("--state", str(state)) as (base, _):
        answer = HTTP.get(f"{base}/v25.0/me", headers={"authorization": f"Bearer {token}"})
        assert answer.json()["name"] == "Ada Lindqvist"


def test_what_was_set_by_hand_survives_a_kill(tmp_path: Path) -> None:
    """Settings and a reset leave no entry in the ledger, and are kept all the same."""
    state = tmp_path / "sandbox.json"
    with started("--state", str(state)) as (base, process):
        token = _login(base)
        _poll(lambda: token in state.read_text())
        HTTP.post(f"{base}/_sandbox/reset", json={}).raise_for_status()
        HTTP.post(f"{base}/_sandbox/settings", json={"proof_seconds": 123}).raise_for_status()
        _poll(lambda: '"proof_seconds": 123' in state.read_text())
        process.kill()
        process.wait(10)
    with started("--state", str(state)) as (base, _):
        assert HTTP.get(f"{base}/_sandbox/settings").json()["proof_seconds"] == 123
        answer = HTTP.get(f"{base}/v25.0/me", headers={"authorization": f"Bearer {token}"})
        assert answer.json()["error"]["code"] == 190


def test_the_file_is_written_only_when_something_changed(tmp_path: Path) -> None:
    state = tmp_path / "sandbox.json"
    with started("--state", str(state)) as (base, _):
        token = _login(base)
        _poll(lambda: token in state.read_text())
        first = state.stat().st_ino
        _poll(lambda: _seconds_since(state) > 2.5)
        assert state.stat().st_ino == first
        HTTP.get(f"{base}/v25.0/me")
        _poll(lambda: state.stat().st_ino != first)


def test_kills_in_the_middle_of_writing_leave_a_whole_file(tmp_path: Path) -> None:
    """Each save writes megabytes beside the file, then takes its place; the kill comes while it writes."""
    state, fresh = tmp_path / "sandbox.json", tmp_path / "sandbox.json.new"
    seen = 0
    for _ in range(3):
        with started("--state", str(state)) as (base, process):
            HTTP.post(f"{base}/_sandbox/personas/ben/accounts", json={"count": 10_000}).raise_for_status()
            _poll(fresh.exists, pause=0.0005)
            process.kill()
            process.wait(10)
        seen += fresh.exists()
    assert seen > 0, "no kill came in the middle of writing"
    with started("--state", str(state)) as (base, _):
        assert HTTP.get(f"{base}/_sandbox/health").json()["ok"]


def test_a_file_that_holds_something_else_is_named(tmp_path: Path) -> None:
    state = tmp_path / "sandbox.json"
    state.write_text('{"format": 1, "settings": ')
    ended = subprocess.run(  # noqa: S603 - as above
        [sys.executable, "-m", "graph_sandbox", "--port", "0", "--state", str(state)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode != 0
    assert f"{state} does not hold the state of a sandbox" in ended.stderr
    assert state.read_text() == '{"format": 1, "settings": '


def test_the_end_is_quick_and_quiet_while_a_call_hangs() -> None:
    with started() as (base, process):
        HTTP.post(f"{base}/_sandbox/faults", json={"do": "hang"}).raise_for_status()
        outcome: list[str] = []
        caller = threading.Thread(target=lambda: outcome.append(_silence(base)))
        caller.start()
        _poll(lambda: HTTP.get(f"{base}/_sandbox/faults").json()["data"][0]["hits"] == 1)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=10)
        caller.join(10)
    assert outcome == ["RemoteProtocolError"]
    assert "Traceback" not in output


def test_the_health_check_of_the_image_tells_serving_from_not() -> None:
    probe = [sys.executable, "-m", "graph_sandbox.probe"]
    with started() as (base, process):
        port = base.rpartition(":")[2]
        assert subprocess.run([*probe, port], check=False, timeout=30).returncode == 0  # noqa: S603 - ours
        process.kill()
        process.wait(10)
        assert subprocess.run([*probe, port], check=False, timeout=30).returncode == 1  # noqa: S603 - ours


def test_a_busy_port_is_said_and_ends_the_process() -> None:
    with started() as (base, _):
        port = str(urlsplit(base).port)
        second = subprocess.run(  # noqa: S603 - as above
            [sys.executable, "-m", "graph_sandbox", "--port", port],
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode != 0
    assert "address already in use" in second.stderr.lower()


def _login(base: str) -> str:
    form = {"client_id": "77", "redirect_uri": REDIRECT, "scope": "ads_management", "decision": "approve"}
    location = HTTP.post(f"{base}/v25.0/dialog/oauth/decision", data=form).headers["location"]
    code = parse_qs(urlsplit(location).query)["code"][0]
    exchange = {"client_id": "77", "client_secret": "s3", "redirect_uri": REDIRECT, "code": code}
    token: str = HTTP.post(f"{base}/v25.0/oauth/access_token", data=exchange).json()["access_token"]
    return token


def _silence(base: str) -> str:
    try:
        return HTTP.get(f"{base}/v25.0/me", timeout=20).text
    except httpx.HTTPError as error:
        return type(error).__name__


def _seconds_since(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _poll(read: Callable[[], object], *, seconds: float = 15, pause: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if read():
                return
        except (httpx.HTTPError, OSError):
            pass
        threading.Event().wait(pause)
    raise AssertionError("the condition did not come true in time")


def test_a_time_without_an_offset_is_utc_wherever_the_sandbox_runs() -> None:
    program = "from graph_sandbox.markets import timestamp; print(timestamp('2100-01-01T00:00:00'))"
    told = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-c", program],
        env={**os.environ, "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "4102444800.0\n"

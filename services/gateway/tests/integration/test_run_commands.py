"""`python -m gateway runs list | show`, as an operator or a script calls it."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from gateway_harness import Database, Person, Publisher

from chassis.database import Connection
from contracts.events import RunFailedBody, RunStartedBody, RunStepBody

REFUSED: dict[str, Any] = {
    "mode": "real",
    "error_code": "META_100",
    "step": "campaign",
    "message": "100: Budget is too low. access_token=EAAsecretsecretsecretsecret",
}
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def runs(database: Database) -> Cli:
    """`runs ...` in a pipe."""

    def call(*words: str, url: str = database.serving_url) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "gateway", "runs", *words],
            env=_environment(url),
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def _environment(url: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONWARNINGS": "error", "DATABASE_URL": url, "COLUMNS": "220"}


async def _failed_run(person: Person, publisher: Publisher) -> dict[str, Any]:
    run = await person.publish()
    await publisher.tell(run, 1, RunStartedBody, mode="real")
    await publisher.tell(
        run, 2, RunStepBody, step="campaign", state="started", message="Creating.\tNow\x1b[2J"
    )
    await publisher.tell(run, 3, RunFailedBody, **REFUSED)
    return await run.until(lambda seen: seen["status"] == "failed" and len(seen["steps"]) == 3)


def _rows(text: str) -> list[dict[str, str]]:
    names, *lines = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(names, line, strict=True)) for line in lines]


async def test_runs_are_listed_newest_first_one_line_each_when_piped(
    person: Person, publisher: Publisher, runs: Cli
) -> None:
    older = await _failed_run(person, publisher)
    newer = await person.publish()
    done = runs("list", "--customer", str(person.customer))
    assert done.returncode == 0, done.stderr
    first, second = _rows(done.stdout)
    assert (first["id"], first["status"], first["took"]) == (str(newer.run_id), "queued", "")
    assert (second["id"], second["customer"]) == (older["id"], str(person.customer))
    assert (second["status"], second["step"], second["error"]) == ("failed", "campaign", "META_100")
    assert second["trace"] == older["traceId"]
    assert second["age"].endswith(" s")
    assert second["took"].endswith(" s")


async def test_a_status_and_a_limit_choose_among_all_customers(
    person: Person, other: Person, publisher: Publisher, runs: Cli
) -> None:
    await person.publish()
    failed = [await _failed_run(someone, publisher) for someone in (other, other)]
    assert [row["id"] for row in _rows(runs("list", "--status", "failed", "--limit", "2").stdout)] == [
        run["id"] for run in reversed(failed)
    ]
    assert {row["status"] for row in _rows(runs("list").stdout)} >= {"queued", "failed"}


async def test_json_is_what_the_api_says_and_whose_run_it_is(
    person: Person, publisher: Publisher, runs: Cli
) -> None:
    run = await _failed_run(person, publisher)
    shown = json.loads(runs("show", run["id"], "--json").stdout)
    assert shown == {**run, "customerId": str(person.customer)}
    (listed,) = json.loads(runs("list", "--json", "--customer", str(person.customer)).stdout)
    assert listed == {name: value for name, value in shown.items() if name != "steps"}
    assert json.loads(runs("list", "--json", "--customer", str(uuid4())).stdout) == []


async def test_a_run_is_shown_with_its_timeline_and_nothing_that_drives_a_terminal_or_logs_in(
    person: Person, publisher: Publisher, runs: Cli
) -> None:
    run = await _failed_run(person, publisher)
    done = runs("show", run["id"])
    assert done.returncode == 0, done.stderr
    facts, _, timeline = done.stdout.partition("\n\n")
    assert f"id:            {run['id']}" in facts
    assert "error code:    META_100" in facts
    rows = _rows(timeline)
    assert [row["version"] for row in rows] == ["1", "2", "3"]
    assert rows[1]["message"] == "Creating.\\tNow\\x1b[2J"
    assert "EAAsecret" not in done.stdout


@pytest.mark.parametrize(("width", "shows_all_ids"), [("220", True), ("100", False)])
async def test_a_person_at_a_terminal_gets_a_table_that_fits(
    person: Person, publisher: Publisher, database: Database, width: str, shows_all_ids: bool
) -> None:
    run = await _failed_run(person, publisher)
    shown = _at_a_terminal(database, width, "list", "--customer", str(person.customer))
    assert run["id"] in shown
    assert (run["traceId"] in shown) == (str(person.customer) in shown) == shows_all_ids
    assert "\t" not in shown
    assert "\x1b[31mfailed" in shown


def _at_a_terminal(database: Database, width: str, *words: str) -> str:
    ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "gateway", "runs", *words],
        env={**_environment(database.serving_url), "TERM": "xterm", "COLUMNS": width},
        stdout=theirs,
        stdin=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:  # Linux' way to say that the other side has closed
            pass
        os.close(ours)
    assert process.returncode == 0
    return shown.decode()


async def test_looking_changes_nothing(
    person: Person, publisher: Publisher, runs: Cli, admin: Connection
) -> None:
    run = await _failed_run(person, publisher)
    row = "SELECT r.*, r.xmin FROM ad_runs AS r WHERE id = $1"
    before = await admin.fetchrow(row, run["id"])
    runs("list")
    runs("show", run["id"])
    assert await admin.fetchrow(row, run["id"]) == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("show", str(uuid4())), 1),
        (("show", "nonsense"), 2),
        (("list", "--status", "nonsense"), 2),
        (("list", "--customer", "' OR true --"), 2),
        (("list", "--limit", "0"), 2),
    ],
)
def test_what_cannot_be_done_is_said_with_an_exit_code(runs: Cli, words: tuple[str, ...], code: int) -> None:
    done = runs(*words)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr


def test_a_database_that_is_away_is_one_line_and_no_password(runs: Cli) -> None:
    done = runs("list", url="postgresql://gateway:sesame@127.0.0.1:1/x")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The database does not answer")
    assert "sesame" not in done.stderr

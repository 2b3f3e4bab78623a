"""Thousands of requests made from the OpenAPI document, as nobody and as two customers at once.

schemathesis generates them: the document's examples, every boundary of every schema, random values good and
bad, and walks along the document's links. `security_api_fuzz` is the program; each identity has a process.
"""

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from e2e_driver import Advertiser
from e2e_system import EmbeddedSystem
from security_by_hand import reach_by_hand
from security_people import Tenant
from security_requests import Operation
from security_sessions import more_sessions, spare_sessions

SEED = 20_261_125
"""The same requests each time; another one is tried by changing it here."""
CASES = 5_000
EXAMPLES, WALKS = 80, 80
FEWER = {"/signup": 6, "/auth/login": 6, "/auth/password": 6, "/auth/password-reset/confirm": 6}
"""A password hash costs a third of a second of a core."""
ENDS_SESSIONS = [
    "POST /signup",
    "POST /auth/login",
    "POST /auth/logout",
    "POST /auth/logout-everywhere",
    "POST /auth/password",
    "POST /auth/sessions/{session_id}/end",
]
"""These carry sessions of somebody else, who has nothing to lose."""
SPARE = 600
SECONDS = 420
REDIRECTS = {"GET /meta/oauth/callback"}
"""What never answers 2xx: reached when it redirects."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What all identities saw, by operation and status, and what broke a promise."""

    statuses: dict[str, Counter[int]]
    failures: list[str]
    by_identity: dict[str, int]


@pytest_asyncio.fixture(scope="module")
async def outcome(stack: EmbeddedSystem, owner: Tenant, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """All three, side by side. The owner is connected and has published; the newcomer has nothing yet."""
    folder = tmp_path_factory.mktemp("jobs")
    async with Advertiser(stack.gateway_url) as newcomer:
        await newcomer.sign_up()
        new_user = (await newcomer.get("/auth/me"))["userId"]
    people = {
        "nobody": None,
        "owner": (owner.customer_id, owner.user_id),
        "newcomer": (newcomer.customer_id, new_user),
    }
    paths = [await _job(stack, folder / f"{name}.json", person) for name, person in people.items()]
    by_hand = await reach_by_hand(stack, stack.data_dir / "mail")
    await asyncio.gather(*(_run(path) for path in paths))
    results = {path.stem: json.loads(path.with_suffix(".result.json").read_text()) for path in paths}
    statuses: dict[str, Counter[int]] = {}
    for result in results.values():
        for name, counted in result["statuses"].items():
            statuses.setdefault(name, Counter()).update({int(key): value for key, value in counted.items()})
    for name, status in by_hand.items():
        statuses.setdefault(name, Counter())[status] += 1
    for name, result in results.items():
        assert result["sessions_left"] > 1 or people[name] is None, f"{name} ran out of sessions"
    return Outcome(
        statuses=statuses,
        failures=[failure for result in results.values() for failure in result["failures"]],
        by_identity={
            name: sum(sum(counted.values()) for counted in result["statuses"].values())
            for name, result in results.items()
        },
    )


async def _job(stack: EmbeddedSystem, path: Path, person: tuple[str, str] | None) -> Path:
    async with Advertiser(stack.gateway_url) as other:
        await other.sign_up()
        with_nothing_to_lose = (await other.get("/auth/me"))["userId"]
    job: dict[str, Any] = {
        "url": f"{stack.gateway_url}/openapi.json",
        "customer_id": person[0] if person else None,
        "cookies": await more_sessions(stack, person[1], 50) if person else [],
        "spare_cookies": await spare_sessions(stack, with_nothing_to_lose, SPARE) if person else [],
        "ends_sessions": ENDS_SESSIONS,
        "seed": SEED,
        "examples": EXAMPLES,
        "walks": WALKS,
        "fewer": FEWER,
    }
    await asyncio.to_thread(path.write_text, json.dumps(job))
    return path


async def _run(path: Path) -> None:
    program = Path(__file__).with_name("security_api_fuzz.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        str(path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, output.decode()[-4000:]


pytestmark = pytest.mark.timeout(SECONDS + 60)


def test_thousands_of_cases_ran_for_each_identity(outcome: Outcome) -> None:
    assert sum(outcome.by_identity.values()) >= CASES, f"seed {SEED}: {outcome.by_identity}"
    assert min(outcome.by_identity.values()) >= CASES / 6, outcome.by_identity


def test_no_answer_is_a_500_and_none_is_missing(outcome: Outcome) -> None:
    broken = {name: dict(counted) for name, counted in outcome.statuses.items() if counted[500] or counted[0]}
    assert broken == {}, f"seed {SEED}"


def test_every_answer_is_as_the_document_says(outcome: Outcome) -> None:
    assert outcome.failures == [], f"seed {SEED}: {len(outcome.failures)}\n" + "\n".join(
        outcome.failures[:20]
    )


def test_every_operation_succeeded_at_least_once(outcome: Outcome, operations: list[Operation]) -> None:
    def succeeded(name: str) -> int:
        counted = outcome.statuses.get(name, Counter())
        return sum(n for status, n in counted.items() if status < (400 if name in REDIRECTS else 300))

    never = {
        operation.name: dict(outcome.statuses.get(operation.name, Counter()))
        for operation in operations
        if not succeeded(operation.name)
    }
    assert never == {}, f"seed {SEED}"

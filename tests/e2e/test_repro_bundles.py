"""A run that failed is written into one file, and a fresh sandbox answers its requests in the same way."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from e2e_driver import ACCOUNTS, Advertiser, Sandbox, eventually
from e2e_system import System, database_url

from graph_sandbox.state import App
from graph_sandbox.testing import running_sandbox
from local_stack.services import ADS_PUBLISHER, inherited_environment

NewAccount = Callable[[], str]
Spoil = Callable[[Advertiser, Sandbox, str], Awaitable[object]]
APP = App("77", "fresh-secret", ("http://localhost:9/back",))
SAME, DIFFERS = "same", "DIFFERS"


@contextmanager
def fresh_sandbox() -> Iterator[str]:
    """A sandbox that has seen nothing yet; its people have the same ad accounts."""
    with running_sandbox(APP) as address:
        more = {"count": ACCOUNTS, "dsa_defaults": False}
        httpx.post(f"{address}/_sandbox/personas/ben/accounts", json=more, trust_env=False).raise_for_status()
        yield address


@pytest.fixture
def fresh_url() -> Iterator[str]:
    with fresh_sandbox() as address:
        yield address


async def token_at(url: str, persona: str) -> str:
    async with Sandbox(
        url, app_id=APP.app_id, app_secret=APP.app_secret, redirect_uri=APP.redirect_uris[0]
    ) as fresh:
        return await fresh.user_token(persona)


async def run_command(
    command: tuple[str, ...], env: dict[str, str], *, exit_code: int = 0
) -> subprocess.CompletedProcess[str]:
    done = await asyncio.to_thread(
        subprocess.run, command, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done


async def operate(stack: System, *arguments: str, exit_code: int = 0) -> subprocess.CompletedProcess[str]:
    done = await stack.command(ADS_PUBLISHER, *arguments)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done


async def bundled(stack: System, run_id: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    file = folder / "bundle.json"
    file.write_text((await operate(stack, "bundle", run_id)).stdout)
    return file, json.loads(file.read_text())


async def replayed(file: Path, url: str, token: str, *, exit_code: int = 0) -> list[list[str]]:
    """The lines of the comparison: call, then, now, same or not. A replay needs none of the system."""
    command = (sys.executable, "-m", "ads_publisher", "bundle-replay", str(file), "--sandbox-url", url)
    done = await run_command(command, {**inherited_environment(), "TOKEN": token}, exit_code=exit_code)
    return [line.split("\t") for line in done.stdout.splitlines()]


async def budget_too_low(advertiser: Advertiser, sandbox: Sandbox, account: str) -> None:
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await advertiser.save(budgetOverride=30)


async def minimum_was_raised(advertiser: Advertiser, sandbox: Sandbox, account: str) -> None:
    await sandbox.name_owner(account)
    await sandbox.change_account(account, min_daily_budget=40_000)
    await advertiser.set_up(account)


async def account_disabled(advertiser: Advertiser, sandbox: Sandbox, account: str) -> None:
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.change_account(account, account_status=2)


async def beneficiary_too_long(advertiser: Advertiser, sandbox: Sandbox, account: str) -> None:
    await sandbox.change_account(account, default_dsa_payor="x", default_dsa_beneficiary="x" * 513)
    await advertiser.set_up(account)


async def token_dies_midway(advertiser: Advertiser, sandbox: Sandbox, account: str) -> None:
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm("revoke_token", at="before_commit", step="adset", account=account)


async def blocked_for_spam(advertiser: Advertiser, sandbox: Sandbox, account: str) -> None:
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm("error", at="before_commit", step="adset", account=account, code=368, subcode=1404078)


@pytest.mark.parametrize(
    ("spoil", "step", "error"),
    [
        (budget_too_low, "adset", (100, 1885272)),
        (minimum_was_raised, "adset", (100, 1885272)),
        (beneficiary_too_long, "adset", (100, None)),
        (account_disabled, "campaign", (200, None)),
        (token_dies_midway, "adset", (190, 460)),
        (blocked_for_spam, "adset", (368, 1404078)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_a_fresh_sandbox_refuses_the_calls_of_a_bundle_as_meta_did(
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: NewAccount,
    stack: System,
    fresh_url: str,
    tmp_path: Path,
    spoil: Spoil,
    step: str,
    error: tuple[int, int | None],
) -> None:
    account = new_account()
    await spoil(advertiser, sandbox, account)
    failed = await advertiser.finished((await advertiser.start_publish())["runId"])
    await sandbox.revoke_tokens("ben", None)
    assert failed["status"] == "failed"
    file, bundle = await bundled(stack, failed["id"], tmp_path)
    last = bundle["calls"][-1]
    assert (last["request"]["method"], last["step"], last["attempt"]) == ("POST", step, 1)
    assert (last["answer"]["error"]["code"], last["answer"]["error"].get("error_subcode")) == error
    assert last["answer"]["error"]["fbtrace_id"]
    assert bundle["trace_id"] == failed["traceId"]
    assert [news["message"] for news in bundle["timeline"]] == [entry["message"] for entry in failed["steps"]]

    lines = await replayed(file, fresh_url, await token_at(fresh_url, "ben"))
    code, subcode = error
    assert [line[3] for line in lines] == [SAME] * len(bundle["calls"])
    assert lines[-1][1:3] == [f"{code}/{subcode}"] * 2


async def test_a_run_that_found_no_payor_reads_the_same_nothing_on_a_fresh_sandbox(
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: NewAccount,
    stack: System,
    fresh_url: str,
    tmp_path: Path,
) -> None:
    account = new_account()
    await advertiser.set_up(account)
    failed = await advertiser.finished((await advertiser.start_publish())["runId"])
    file, bundle = await bundled(stack, failed["id"], tmp_path)
    assert bundle["timeline"][-1]["errorCode"] == "DSA_MISSING"
    assert [call["step"] for call in bundle["calls"]] == ["campaign", "adset", "adset"]
    async with Sandbox(fresh_url, app_id="", app_secret="", redirect_uri="") as fresh:
        await fresh.name_owner(account)
    lines = await replayed(file, fresh_url, await token_at(fresh_url, "ben"))
    assert [line[1:] for line in lines] == [
        ["2xx id", "2xx id", SAME],
        ["2xx id", "2xx id", SAME],
        ["2xx 1 rows", "2xx 1 rows", SAME],
    ]
    async with Sandbox(fresh_url, app_id="", app_secret="", redirect_uri="") as fresh:
        calls = await fresh.ledger(account=account, kind="call")
    assert [call["path"] for call in calls][-1].endswith("/dsa_recommendations")


async def test_a_call_that_ends_otherwise_is_told(
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: NewAccount,
    stack: System,
    fresh_url: str,
    tmp_path: Path,
) -> None:
    account = new_account()
    await budget_too_low(advertiser, sandbox, account)
    failed = await advertiser.finished((await advertiser.start_publish())["runId"])
    file, bundle = await bundled(stack, failed["id"], tmp_path)
    bundle["calls"][-1]["request"]["params"]["daily_budget"] = "100000"
    file.write_text(json.dumps(bundle))
    lines = await replayed(file, fresh_url, await token_at(fresh_url, "ben"), exit_code=1)
    assert lines[-1][1:] == ["100/1885272", "2xx id", DIFFERS]


async def test_the_curl_of_a_bundle_repeats_a_run_whose_answers_were_lost(
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: NewAccount,
    stack: System,
    fresh_url: str,
    tmp_path: Path,
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm("reset", step="campaign", account=account)
    await sandbox.arm("error_500", at="before_commit", step="adset", account=account)
    run = await advertiser.publish_to_success()
    file, bundle = await bundled(stack, run["id"], tmp_path)
    assert bundle["calls"][0]["failure"] == "ReadError"
    assert bundle["calls"][0]["status"] is None

    script = "\n".join(line for call in bundle["calls"] for line in call["curl"])
    token = await token_at(fresh_url, "ben")
    env = {**inherited_environment(), "SANDBOX_URL": fresh_url, "TOKEN": token, "ACCOUNT": account}
    await run_command(("sh", "-c", script), env)
    async with Sandbox(fresh_url, app_id="", app_secret="", redirect_uri="") as fresh:
        objects = await fresh.objects(account)
        markers = {entry["marker"] for entry in objects}
        assert sorted(entry["kind"] for entry in objects) == ["adset", "campaign"]
        assert markers == {f"pa-run-{run['id']}"}
    with fresh_sandbox() as another:
        lines = await replayed(file, another, await token_at(another, "ben"))
    assert [line[3] for line in lines] == [SAME] * len(bundle["calls"])


async def test_a_proof_that_was_refused_is_refused_again(
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: NewAccount,
    stack: System,
    fresh_url: str,
    tmp_path: Path,
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    try:
        await sandbox.change_settings(clock_offset_seconds=-600.0)
        run = await advertiser.publish_to_success()
    finally:
        await sandbox.change_settings(clock_offset_seconds=0.0)
    file, bundle = await bundled(stack, run["id"], tmp_path)
    lines = await replayed(file, fresh_url, await token_at(fresh_url, "ben"))
    assert lines[0][1:] == ["100/None", "100/None", SAME]
    assert [line[3] for line in lines] == [SAME] * len(bundle["calls"])


async def test_a_bundle_brings_a_stand_in_for_the_campaign_of_an_earlier_run(
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: NewAccount,
    stack: System,
    fresh_url: str,
    tmp_path: Path,
) -> None:
    account = new_account()
    await budget_too_low(advertiser, sandbox, account)
    first = await advertiser.finished((await advertiser.start_publish())["runId"])
    second = await advertiser.finished((await advertiser.start_publish())["runId"])
    assert second["campaignId"] == first["campaignId"] is not None
    file, bundle = await bundled(stack, second["id"], tmp_path)
    assert [call["request"]["method"] for call in bundle["calls"]] == ["GET", "POST"]
    lines = await replayed(file, fresh_url, await token_at(fresh_url, "ben"))
    assert [line[1:] for line in lines] == [
        ["2xx account_id, id, status", "2xx account_id, id, status", SAME],
        ["100/1885272", "100/1885272", SAME],
    ]


async def test_a_bundle_holds_no_secret(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System, tmp_path: Path
) -> None:
    account = new_account()
    await budget_too_low(advertiser, sandbox, account)
    failed = await advertiser.finished((await advertiser.start_publish())["runId"])
    file, _ = await bundled(stack, failed["id"], tmp_path)
    text = file.read_text()
    credentials = stack.credentials
    secrets = [
        credentials.app_secret,
        *(pair.private for pair in credentials.service_keys.values()),
        advertiser.session,
        advertiser.email,
        str(advertiser.customer_id),
        "appsecret",
        "EAAS",
    ]
    assert [secret for secret in secrets if secret in text] == []


async def test_an_operator_lists_jobs_and_looks_at_one(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await budget_too_low(advertiser, sandbox, account)
    failed = await advertiser.finished((await advertiser.start_publish())["runId"])
    listed = await operate(stack, "jobs", "list", "--lane", account, "--status", "failed")
    [row] = [line.split("\t") for line in listed.stdout.splitlines()]
    assert row[0] == failed["id"]
    assert row[2:5] == ["publish", "failed", account]
    assert row[8:] == ["2", "META_100/1885272"]
    assert (await operate(stack, "jobs", "list", "--lane", account, "--status", "done")).stdout == ""

    shown = (await operate(stack, "jobs", "show", failed["id"])).stdout
    assert "adset\t1\trejected\t\t100/1885272" in shown
    assert failed["errorMessage"] in shown
    assert failed["traceId"] in shown
    whole = json.loads((await operate(stack, "jobs", "show", failed["jobId"], "--json")).stdout)
    assert [attempt["outcome"] for attempt in whole["journal"]] == ["created", "rejected"]
    assert [call["answer"].get("error", {}).get("code") for call in whole["calls"]] == [None, 100]
    assert whole["run_id"] == failed["id"]
    nobody = await operate(stack, "jobs", "show", str(advertiser.customer_id), exit_code=1)
    assert nobody.stderr == f"There is no job or run {advertiser.customer_id}.\n"


async def test_a_publisher_removes_old_calls_by_itself(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await budget_too_low(advertiser, sandbox, account)
    failed = await advertiser.finished((await advertiser.start_publish())["runId"])
    database = await asyncpg.connect(database_url(stack))
    try:
        aged = await database.execute(
            "UPDATE ads_publisher.meta_calls SET at = now() - interval '31 days' WHERE job_id = $1",
            failed["jobId"],
        )
        assert aged == "UPDATE 2"
        await stack.restart(ADS_PUBLISHER)
        await eventually(
            lambda: database.fetchval(
                "SELECT count(*) FROM ads_publisher.meta_calls WHERE job_id = $1", failed["jobId"]
            ),
            lambda count: count == 0,
        )
    finally:
        await database.close()


async def test_its_customer_downloads_the_same_bundle_and_nobody_else_does(
    advertiser: Advertiser, new_account: NewAccount, stack: System, tmp_path: Path
) -> None:
    await advertiser.set_up(new_account())
    run = await advertiser.finished((await advertiser.start_publish())["runId"])
    path = f"/ads/runs/{run['id']}/bundle"
    answer = await advertiser.request("GET", path)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="run-{run["id"]}.json"'
    downloaded = answer.json()
    _, made = await bundled(stack, run["id"], tmp_path)
    assert downloaded.pop("made_at") <= made.pop("made_at")
    assert downloaded == made
    async with Advertiser(stack.gateway_url) as stranger:
        await stranger.sign_up()
        foreign = await stranger.request("GET", path)
        unknown = await stranger.request("GET", f"/ads/runs/{uuid4()}/bundle")
    assert (foreign.status_code, foreign.content) == (404, unknown.content)

"""What nobody can read, and a run that always crashes: set aside, shown, and tried again by an operator."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from e2e_driver import Advertiser, Sandbox, eventually
from e2e_system import System
from redis.asyncio import Redis

from contracts.events import AdsSync, SyncRequest
from local_stack.services import ADS_PUBLISHER, GATEWAY

NewAccount = Callable[[], str]
CRASHED = "Something went wrong on our side. Nothing more is tried; an operator has been told."
FAILPOINTS = "FAILPOINTS"


async def operate(
    stack: System, service: str, *arguments: str, exit_code: int = 0
) -> subprocess.CompletedProcess[str]:
    """Run `python -m <service> dead ...` as an operator beside the running service does."""
    done = await stack.command(service, "dead", *arguments)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done


async def listed(stack: System, service: str, *arguments: str) -> list[list[str]]:
    done = await operate(stack, service, "list", *arguments)
    return [line.split("\t") for line in done.stdout.splitlines()]


async def test_what_nobody_can_read_is_set_aside_and_holds_nobody_up(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    garbage = {
        "unreadable_json": "{",
        "unknown_type": '{"type":"ADS_DELETE"}',
        "invalid_field": '{"type":"ADS_PUBLISH","access_token":"EAAsecretsecretsecretsecret"}',
    }
    async with Redis.from_url(stack.valkey.url) as redis:
        for body in garbage.values():
            await redis.xadd("ads.publish", {"__data__": body})
        await redis.xadd("ads.results", {"__data__": "{"})
        await redis.xadd("meta.connections", {"__data__": "{"})
        await advertiser.publish_to_success()
        # Two services read the connections, and each sets aside what it cannot read.
        for stream, count in (("ads.publish", len(garbage)), ("ads.results", 1), ("meta.connections", 2)):
            await eventually(
                lambda stream=stream: redis.xlen(f"{stream}.dead"), lambda n, count=count: n == count
            )

        dead = await listed(stack, ADS_PUBLISHER)
        assert {line[2] for line in dead} == set(garbage)
        assert {line[1] for line in await listed(stack, GATEWAY)} == {
            "ads.results.dead",
            "meta.connections.dead",
        }
        [invalid] = [line[0] for line in dead if line[2] == "invalid_field"]
        shown = await operate(stack, ADS_PUBLISHER, "show", invalid)
        assert "data: Field required" in shown.stdout
        assert "EAAsecret" not in shown.stdout

        # Still unreadable, so it comes back under another id.
        await operate(stack, ADS_PUBLISHER, "replay", invalid)
        await eventually(lambda: redis.xlen("ads.publish.dead"), lambda count: count == len(garbage))
        assert await redis.xrange("ads.publish.dead", min=invalid, max=invalid) == []


async def test_a_command_that_was_buried_by_mistake_is_worked_after_its_replay(
    advertiser: Advertiser, stack: System
) -> None:
    run_id = uuid4()
    event = AdsSync(
        id=uuid4(),
        source="/gateway",
        time=datetime.now(UTC),
        subject=str(run_id),
        customerid=advertiser.customer_id,
        data=SyncRequest(run_id=run_id),
    )
    async with Redis.from_url(stack.valkey.url) as redis:
        # As a publisher leaves it that is older than the event's version.
        await redis.xadd(
            "ads.publish.dead",
            {"__data__": event.to_json(), "error": "unknown_version", "group": "ads-publisher"},
        )
        await operate(stack, ADS_PUBLISHER, "replay", "--error", "unknown_version")

        async def results() -> list[str]:
            entries = await redis.xrange("ads.results")
            bodies = [fields[b"__data__"] for _, fields in entries]
            return [json.loads(body)["type"] for body in bodies if str(run_id).encode() in body]

        told = await eventually(results, lambda types: bool({"RUN_FAILED", "RUN_SUCCEEDED"} & set(types)))
    assert told[0] == "RUN_STARTED"


@pytest.mark.parametrize(
    ("failpoints", "campaigns_before"),
    [
        ("publisher.granted=raise", 0),
        # Meta has the campaign, and the journal does not know.
        ("publisher.campaign.answered=raise;publisher.settle.found=raise", 1),
    ],
    ids=["before anything is created", "with a campaign that the journal does not know"],
)
async def test_a_run_that_always_crashes_fails_and_a_replay_finishes_it_with_one_campaign(
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: NewAccount,
    stack: System,
    failpoints: str,
    campaigns_before: int,
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    try:
        await stack.restart(ADS_PUBLISHER, env={FAILPOINTS: failpoints})
        failed = await advertiser.publish()
    finally:
        await stack.restart(ADS_PUBLISHER, env={FAILPOINTS: ""})
    assert (failed["status"], failed["errorMessage"]) == ("failed", CRASHED)
    assert (failed["errorCode"], failed["fixedBy"]) == ("INTERNAL", "operator")
    assert len(await sandbox.created(account, "campaign")) == campaigns_before
    [[job, place, error, *_]] = await listed(stack, ADS_PUBLISHER, "--error", "crashed", "--limit", "1")
    assert (place, error) == ("publish_jobs", "crashed")
    assert failed["id"] in (await operate(stack, ADS_PUBLISHER, "show", job)).stdout

    await operate(stack, ADS_PUBLISHER, "replay", failed["id"])
    run = await eventually(
        lambda: advertiser.run(failed["id"]), lambda seen: seen["status"] == "success", seconds=20
    )
    assert "An operator has started this run again." in [step["message"] for step in run["steps"]]
    assert run["errorMessage"] is None
    assert await sandbox.created(account, "campaign") == [run["campaignId"]]
    assert await sandbox.created(account, "adset") == [run["adsetId"]]
    await operate(stack, ADS_PUBLISHER, "replay", job, exit_code=1)

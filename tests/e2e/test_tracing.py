"""One publish is one trace, from the click to the last row, whatever happened on the way."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
from e2e_collector import Collector, Told
from e2e_driver import Advertiser, Sandbox, eventually
from e2e_system import System, database_url

from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH

NewAccount = Callable[[], str]
FAILPOINTS = "FAILPOINTS"
BEGIN = ("POST /ads/publish", "accept publish", "send ads.publish", "process ads.publish", "run publish")
CREATES = ("POST {ad_account}/campaigns", "POST {ad_account}/adsets")
GRANT = "POST /internal/connections/{customer_id}/grant"
END = "process ads.results"


def dangling(trace: list[Told]) -> list[str]:
    """Spans whose parent was told by nobody."""
    known = {span.id for span in trace}
    return [f"{span.service}: {span.name}" for span in trace if span.parent and span.parent not in known]


async def whole_trace(collector: Collector, run: dict[str, Any]) -> list[Told]:
    """The spans of a run that has ended, once the gateway has told of its end and nothing dangles."""

    async def spans() -> list[Told]:
        return collector.trace(run["traceId"])

    last = max(step["version"] for step in run["steps"])

    def is_whole(trace: list[Told]) -> bool:
        ends = [span for span in trace if span.name == END]
        return len(ends) >= last and not dangling(trace)

    return await eventually(spans, is_whole, seconds=20)


def assert_one_story(collector: Collector, run: dict[str, Any], trace: list[Told]) -> None:
    """All processes tell of the run in this one trace, with one root, and nowhere else."""
    assert {span.service for span in trace} == {GATEWAY, ADS_PUBLISHER, META_AUTH}
    roots = [span.name for span in trace if not span.parent]
    assert roots == [BEGIN[0]]
    names = {span.name for span in trace}
    assert {*BEGIN, *CREATES, GRANT, "send ads.results", END} <= names
    elsewhere = [
        span.name
        for span in collector.spans()
        if span.attributes.get("run.id") == run["id"] and span.trace != run["traceId"]
    ]
    assert elsewhere == []


def chain(trace: list[Told], span: Told) -> list[str]:
    """Names from the root down to this span."""
    by_id = {each.id: each for each in trace}
    names = [span.name]
    while span.parent:
        span = by_id[span.parent]
        names.insert(0, span.name)
    return names


async def let_the_wait_pass(stack: System, run_id: str) -> None:
    """The shortest wait that Meta's limits bring is a minute; here it passes at once."""
    connection = await asyncpg.connect(database_url(stack))
    await connection.execute("UPDATE ads_publisher.account_pauses SET until = now()")
    await connection.execute(
        "UPDATE ads_publisher.publish_jobs SET due_at = now() WHERE run_id = $1", UUID(run_id)
    )
    await connection.close()


async def test_a_publish_is_one_trace_through_all_processes(
    collector: Collector, advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    run = await advertiser.publish_to_success()
    trace = await whole_trace(collector, run)
    assert_one_story(collector, run, trace)
    [campaign] = [span for span in trace if span.name == CREATES[0]]
    assert chain(trace, campaign) == [*BEGIN[:3], "run publish", CREATES[0]]
    [served] = [span for span in trace if span.name == GRANT and span.service == META_AUTH]
    assert chain(trace, served) == [*BEGIN[:3], "run publish", "POST /internal/connections/{id}/grant", GRANT]
    assert campaign.attributes["run.step"] == "campaign"
    assert campaign.attributes["run.attempt"] == 1
    assert campaign.attributes["http.response.status_code"] == 200
    assert campaign.attributes["server.address"]
    assert campaign.attributes["meta.fbtrace_id"]


async def test_what_a_killed_publisher_began_stays_in_the_trace_of_the_run(
    collector: Collector,
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: NewAccount,
    stack: System,
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm("hang", at="after_commit", step="adset", account=account)
    started = await advertiser.start_publish()
    await eventually(lambda: sandbox.created(account, "adset"), bool)
    stack.kill(ADS_PUBLISHER)
    run = await advertiser.finished(started["runId"], seconds=30)
    assert run["status"] == "success", run["errorMessage"]
    trace = await whole_trace(collector, run)
    assert_one_story(collector, run, trace)
    first, *resumed = sorted(
        (span for span in trace if span.name == "run publish"), key=lambda span: span.attributes["run.fence"]
    )
    assert first.attributes["error.type"] == "killed"
    assert resumed
    # The resumed run goes on in the trace and points to the one before it.
    assert all(f"{run['traceId']}/{first.id}" in span.links for span in resumed[:1])


async def test_a_run_that_meta_throttled_is_one_trace(
    collector: Collector, advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await sandbox.arm("throttle", at="before_commit", step="adset", account=account)
    started = await advertiser.start_publish()
    await eventually(
        lambda: advertiser.run(started["runId"]),
        lambda seen: any("Waiting for Meta" in step["message"] for step in seen["steps"]),
    )
    await let_the_wait_pass(stack, started["runId"])
    run = await advertiser.finished(started["runId"], seconds=30)
    assert run["status"] == "success", run["errorMessage"]
    trace = await whole_trace(collector, run)
    assert_one_story(collector, run, trace)
    throttled = [span for span in trace if span.attributes.get("meta.code") == 80004]
    assert [span.name for span in throttled] == [CREATES[1]]


async def test_a_replay_from_the_dead_letters_goes_on_in_the_trace_of_the_run(
    collector: Collector,
    advertiser: Advertiser,
    sandbox: Sandbox,
    new_account: NewAccount,
    stack: System,
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    try:
        await stack.restart(ADS_PUBLISHER, env={FAILPOINTS: "publisher.granted=raise"})
        failed = await advertiser.publish()
    finally:
        await stack.restart(ADS_PUBLISHER, env={FAILPOINTS: ""})
    assert failed["status"] == "failed"
    replayed = await stack.command(ADS_PUBLISHER, "dead", "replay", failed["id"])
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    run = await eventually(
        lambda: advertiser.run(failed["id"]), lambda seen: seen["status"] == "success", seconds=20
    )
    trace = await whole_trace(collector, run)
    assert_one_story(collector, run, trace)
    crashes = [span for span in trace if span.name == "run publish"]
    assert len(crashes) > 1


async def test_with_everything_sampled_out_the_trace_of_a_failed_run_is_kept(
    collector: Collector, advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    nothing = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    everything = {"OTEL_TRACES_SAMPLER": "", "OTEL_TRACES_SAMPLER_ARG": ""}
    try:
        for name in (ADS_PUBLISHER, GATEWAY):
            await stack.restart(name, env=nothing)
        await advertiser.set_up(account)
        good = await advertiser.publish_to_success()
        await sandbox.delete(good["adsetId"], persona="ben")
        await sandbox.arm("error", at="before_commit", step="adset", account=account, code=100)
        failed = await advertiser.publish()
        assert failed["status"] == "failed"

        async def told() -> set[str]:
            return {span.name for span in collector.trace(failed["traceId"])}

        names = await eventually(told, lambda seen: {BEGIN[0], "run publish"} <= seen)
    finally:
        for name in (ADS_PUBLISHER, GATEWAY):
            await stack.restart(name, env=everything)
    assert {*BEGIN, CREATES[1]} <= names
    # What went well was sampled out as told.
    assert [span.name for span in collector.trace(good["traceId"]) if span.service != META_AUTH] == []

"""The use case: ask the saga for the next move, make it, repeat until the run is over.

Every way out is one transaction that ends the job, or gives it back until a time. No transaction is open
during a call to Meta or meta-auth.
"""

from datetime import datetime
from functools import partial
from typing import assert_never

from ads_publisher import payloads, store
from ads_publisher.answering import succeed
from ads_publisher.checks import DISABLED, connection_problem, settings_problem
from ads_publisher.creating import create
from ads_publisher.endings import Failure, prerequisite, tell_end, wait
from ads_publisher.graph import Access
from ads_publisher.meta_calls import about
from ads_publisher.outcomes import ReadFailed
from ads_publisher.pausing import pause, save_pauses
from ads_publisher.run import NAMES, Run
from ads_publisher.saga import Do, Finish, GiveUp, Move, Settle, Step, Verify, Wait, retry_delay
from ads_publisher.settling import keep_waiting, read_failed, settle, verify
from chassis.database import transaction
from chassis.errors import Unavailable
from chassis.failpoints import failpoint
from contracts.events import PublishRequest, RunStartedBody, RunStepBody, RunSucceededBody


async def publish(run: Run) -> None:
    """Carry a publish run on from wherever its journal is; return when it is over or waits.

    Raises:
        LeaseLost: another process has taken the job over.
        Unavailable: the database or meta-auth does not answer; nothing is half done.
    """
    mode = run.settings.mode
    request = PublishRequest.model_validate(run.job.request)
    await failpoint("publisher.claimed")
    start(run)
    if problem := settings_problem(request.settings):
        await run.fail(prerequisite(problem, "settings"))
    elif run.job.mode not in (None, mode):
        await run.fail(_mode_changed(str(run.job.mode), mode))
    elif mode == "disabled":
        await run.fail(Failure(text=DISABLED, code="CONFIG_ERROR", fixed_by="operator"))
    elif mode == "sim":
        await _simulate(run)
    elif await allowed(run):
        if run.job.mode is None:
            _tell_target(run, request)
        await _carry_on(run)


def start(run: Run) -> None:
    """Have it told once that the run has started, and in which mode."""
    if run.job.mode is None:
        what = "Publishing" if run.job.kind == "publish" else "Refreshing"
        mode = run.settings.mode
        facts = {"mode": mode, "message": f"{what} has started, in {mode} mode."}
        run.untold.append((RunStartedBody, facts))


async def allowed(run: Run) -> bool:
    """Ask meta-auth what may be done; False when the run ends here, waits, or moves to its account's lane."""
    try:
        grant = await run.grants.grant(run.job.customer_id, run.job.run_id)
    except Unavailable:
        await _wait_for_grant(run)
        return False
    problem = connection_problem(grant)
    if problem or grant.ad_account_id is None or grant.access_token is None:
        await run.fail(prerequisite(problem or "No grant", "connection"))
        return False
    if run.job.lane != grant.ad_account_id:
        async with transaction(run.pool, customer=run.job.customer_id) as acquired:
            if not await store.has_attempts(acquired, run.job):
                await store.change_lane(acquired, run.job, grant.ad_account_id)
                return False
        # What it has begun stands in the other account, and its doubts are settled by the next publish there.
        await run.fail(_account_changed(run.job.lane))
        return False
    access = Access(ad_account_id=grant.ad_account_id, token=grant.access_token.get_secret_value())
    run.use(grant, access)
    await failpoint("publisher.granted")
    return True


async def _wait_for_grant(run: Run) -> None:
    async with run.report() as news:
        wait(
            news,
            step="connection",
            message="The Meta connection service does not answer. Next try at {until}.",
            seconds=retry_delay(run.job.deferrals),
        )


async def _simulate(run: Run) -> None:
    short = str(run.job.customer_id)[:8]
    async with run.report() as news:
        news.tell(
            RunSucceededBody,
            message="Simulated: placeholder ids, no call to Meta was made.",
            mode="sim",
            **{f"{kind}_id": f"dev-{kind}-{short}" for kind in ("campaign", "adset", "ad", "catalog")},
        )
        news.end("done")
        news.after_commit(partial(tell_end, run.job))


def _tell_target(run: Run, request: PublishRequest) -> None:
    saved = request.settings
    if saved is None:
        return
    area = (
        f"{saved.geo_radius_km} km around {saved.geo_center_text}"
        if saved.geo_mode == "radius"
        else f"the regions {', '.join(saved.geo_regions)}"
    )
    facts = {
        "step": "settings",
        "state": "note",
        "message": f"The ad set targets {', '.join(payloads.COUNTRIES)}. Your area ({area}) is saved;"
        " this version does not use it yet.",
        "ad_account_id": run.access.ad_account_id,
    }
    run.untold.append((RunStepBody, facts))


async def _carry_on(run: Run) -> None:
    go_on = True
    while go_on:
        journal = await run.load_journal()
        move = run.next_move(journal.now)
        if journal.paused_until and isinstance(move, Do | Settle | Verify):
            await pause(run, _step_of(move), seconds=(journal.paused_until - journal.now).total_seconds())
            return
        try:
            with about(_step_of(move), attempt=_attempt_of(move)):
                go_on = await _make(run, move, journal.now)
        except ReadFailed as exc:
            go_on = await read_failed(run, exc, _step_of(move))
        await save_pauses(run)


async def _make(run: Run, move: Move, now: datetime) -> bool:
    """Make one move; False when the run is over or waits."""
    match move:
        case Do():
            return await create(run, move)
        case Settle(attempt=attempt):
            return await settle(run, attempt, now=now)
        case Verify(step=step, object_id=object_id):
            return await verify(run, step, object_id)
        case Wait(until=until, attempt=attempt):
            return await keep_waiting(run, attempt, until=until, now=now)
        case Finish(campaign_id=campaign_id, adset_id=adset_id):
            return await _finish(run, campaign_id, adset_id)
        case GiveUp(step=step):
            return await run.fail(_gave_up(step))
        case _:
            assert_never(move)


async def _finish(run: Run, campaign_id: str, adset_id: str) -> bool:
    async with run.report() as news:
        await succeed(run, news, campaign_id, adset_id)
    await failpoint("publisher.finish.after_commit")
    return False


def _step_of(move: Move) -> Step:
    match move:
        case Settle(attempt=attempt) | Wait(attempt=attempt):
            return attempt.step
        case Finish():
            return "adset"
        case Do(step=step) | Verify(step=step) | GiveUp(step=step):
            return step
        case _:
            assert_never(move)


def _attempt_of(move: Move) -> int | None:
    match move:
        case Do(number=number):
            return number
        case Settle(attempt=attempt) | Wait(attempt=attempt):
            return attempt.number
        case _:
            return None


def _gave_up(step: Step) -> Failure:
    name = payloads.CAMPAIGN_NAME if step == "campaign" else payloads.ADSET_NAME
    hint = f'Look in Ads Manager for "{name}" before you publish again.'
    return Failure(
        text=f"Meta never confirmed the {NAMES[step]}. {hint}",
        code="META_UNCONFIRMED",
        hint=hint,
        fixed_by="user",
        step=step,
        dead_reason="unconfirmed",
    )


def _account_changed(before: str) -> Failure:
    return Failure(
        text=f"Another ad account was selected while this run was at work in {before}. Publish again.",
        code="CONFIG_ERROR",
        hint="Publish again.",
        fixed_by="user",
    )


def _mode_changed(before: str, now: str) -> Failure:
    return Failure(
        text=f"The publisher was switched from {before} to {now} mode during this run. Publish again.",
        code="CONFIG_ERROR",
        hint="Publish again.",
        fixed_by="user",
    )

"""Write down what became of a create, each in one report."""

from functools import partial

from ads_publisher import metrics, store
from ads_publisher.endings import refused_by_meta, tell_end, wait
from ads_publisher.graph import served_at
from ads_publisher.meta_errors import advise
from ads_publisher.outcomes import MetaError
from ads_publisher.pausing import throttled
from ads_publisher.report_store import Answer
from ads_publisher.reporting import Report
from ads_publisher.run import NAMES, Run
from ads_publisher.saga import Attempt, AttemptOutcome, Do, retry_delay
from chassis.database import connection
from chassis.failpoints import failpoint
from contracts.events import RunStepBody, RunSucceededBody


def tell_object(run: Run, news: Report, attempt: Attempt, object_ids: list[str], *, adopted: bool) -> None:
    """Journal the object of an attempt. Of several with one marker the oldest, the first here, is ours."""
    object_id, *extra_ids = object_ids
    step, name = attempt.step, NAMES[attempt.step]
    outcome: AttemptOutcome = "adopted" if adopted else "created"
    message = (
        f"The {name} {object_id} had been created; it is used."
        if adopted
        else f"The {name} {object_id} was created, PAUSED."
    )
    news.draft.answer = Answer(
        attempt_id=attempt.id, outcome=outcome, object_id=object_id, extra_ids=extra_ids
    )
    news.draft.progress = True
    news.after_commit(partial(metrics.journaled, step, outcome))
    news.tell(
        RunStepBody,
        step=step,
        state="done",
        message=message,
        ad_account_id=run.access.ad_account_id,
        **{f"{step}_id": object_id},
    )


async def succeed(run: Run, news: Report, campaign_id: str, adset_id: str) -> None:
    """End the run well, with this report."""
    news.tell(
        RunSucceededBody,
        message=f"Campaign {campaign_id} and ad set {adset_id} are in the ad account, both PAUSED.",
        mode="real",
        ad_account_id=run.access.ad_account_id,
        campaign_id=campaign_id,
        adset_id=adset_id,
    )
    news.end("done")
    news.after_commit(partial(tell_end, run.job))
    await failpoint("publisher.finish.before_commit")


async def record_unknown(run: Run, move: Do, attempt_id: int, reason: str) -> None:
    async with run.report(move.step, move.number) as news:
        news.draft.answer = Answer(attempt_id=attempt_id, outcome="unknown", error={"reason": reason})
        news.after_commit(partial(metrics.journaled, move.step, "unknown"))
        news.tell(
            RunStepBody,
            step=move.step,
            state="checking",
            message=f"Meta's answer was lost. Checking with Meta whether the {NAMES[move.step]} was created.",
            attempt=move.number,
        )


async def record_not_sent(run: Run, move: Do, attempt_id: int, reason: str) -> None:
    async with run.report(move.step, move.number) as news:
        news.draft.answer = Answer(attempt_id=attempt_id, outcome="not_sent", error={"reason": reason})
        news.after_commit(partial(metrics.journaled, move.step, "not_sent"))
        wait(
            news,
            step=move.step,
            message="Meta cannot be reached. Next try at {until}.",
            seconds=retry_delay(run.job.deferrals),
        )


async def record_refusal(run: Run, move: Do, attempt_id: int, error: MetaError) -> bool:
    advice = advise(error)
    facts = {"code": error.code, "subcode": error.subcode, "fbtrace_id": error.fbtrace_id}
    if advice.kind == "throttle":
        await throttled(run, move.step, error, attempt_id=attempt_id, number=move.number)
        return False
    # The proof was too old or too new for Meta's clock: once more, stamped afresh, with the full window.
    again = advice.kind == "proof" and move.skew_seconds is None
    skew = await _skew(run, error) if again else None
    async with run.report(move.step, move.number) as news:
        news.draft.answer = Answer(
            attempt_id=attempt_id, outcome="rejected", error={**facts, "skew_seconds": skew}
        )
        news.after_commit(partial(metrics.journaled, move.step, "rejected"))
        news.tell(
            RunStepBody,
            step=move.step,
            state="note" if again else "failed",
            message=f"Meta refused the {NAMES[move.step]} (code {error.code}).",
            attempt=move.number,
            fbtrace_id=error.fbtrace_id,
        )
    if again:
        return True
    if advice.kind == "token":
        await run.report_trouble(error)
    return await run.fail(refused_by_meta(error, advice, move.step))


async def _skew(run: Run, error: MetaError) -> int:
    """Seconds by which Meta's clock is ahead of the one that stamps intents.

    Whatever time passes between Meta's answer and the look at our clock makes the next stamp older: safe.
    """
    async with connection(run.pool) as acquired:
        now = await store.clock_seconds(acquired)
    served = served_at(error.headers)
    return round(served - now) if served else 0

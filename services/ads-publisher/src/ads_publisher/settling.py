"""Settle what is not certain: an answer that was lost, an object of an earlier run, a read that failed."""

from datetime import datetime
from functools import partial

from ads_publisher import metrics, store
from ads_publisher.answering import tell_object
from ads_publisher.endings import clock, refused_by_meta, wait
from ads_publisher.meta_errors import advise
from ads_publisher.outcomes import ReadFailed
from ads_publisher.pausing import throttled
from ads_publisher.reconcile import find_by_marker, look_at
from ads_publisher.report_store import Answer
from ads_publisher.run import NAMES, Run
from ads_publisher.saga import Attempt, Step, next_look, retry_delay
from chassis.failpoints import failpoint
from contracts.events import RunStepBody, StepName


async def settle(run: Run, attempt: Attempt, *, now: datetime) -> bool:
    """Look for the object of an attempt without an answer: use it, look again later, or allow a new try.

    `now` was taken before the look, so an attempt is only called absent by a look that began after
    Meta had stopped admitting it.

    Raises:
        ReadFailed: Meta could not be asked.
    """
    hits = await find_by_marker(run.graph, run.access, attempt)
    if hits:
        await failpoint("publisher.settle.found")
        async with run.report(attempt.step, attempt.number) as news:
            tell_object(run, news, attempt, hits, adopted=True)
        return True
    if now >= attempt.not_before:
        await failpoint("publisher.settle.absent")
        await _record_absent(run, attempt)
        return True
    look = next_look(attempt, now=now)
    async with run.report(attempt.step, attempt.number) as news:
        news.change(store.record_look, attempt.id, look_at=look)
        wait(
            news,
            step=attempt.step,
            message=f"Checking with Meta whether the {NAMES[attempt.step]} was created."
            f" Next look at {{until}}; a new try not before {clock(attempt.not_before)}.",
            seconds=(look - now).total_seconds(),
        )
    return False


async def _record_absent(run: Run, attempt: Attempt) -> None:
    async with run.report(attempt.step, attempt.number) as news:
        news.draft.answer = Answer(attempt_id=attempt.id, outcome="absent")
        news.after_commit(partial(metrics.journaled, attempt.step, "absent"))
        news.tell(
            RunStepBody,
            step=attempt.step,
            state="note",
            message=f"Meta has not created the {NAMES[attempt.step]} and can no longer do so. Trying again.",
            attempt=attempt.number,
        )


async def keep_waiting(run: Run, attempt: Attempt, *, until: datetime, now: datetime) -> bool:
    """Give the run back until the next look is due."""
    seconds = max(0.5, (until - now).total_seconds())
    async with run.report() as news:
        wait(
            news,
            step=attempt.step,
            message=f"Checking with Meta whether the {NAMES[attempt.step]} was created."
            " Next look at {until}.",
            seconds=seconds,
        )
    return False


async def verify(run: Run, step: Step, object_id: str) -> bool:
    """Look whether the object of an earlier run still stands; if not, it is created again.

    Raises:
        ReadFailed: Meta could not be asked.
    """
    standing = await look_at(run.graph, run.access, object_id)
    name = NAMES[step]
    async with run.report(step) as news:
        if standing.gone:
            news.change(store.record_gone, customer_id=run.job.customer_id, object_id=object_id)
            news.tell(
                RunStepBody,
                step=step,
                state="note",
                message=f"The {name} {object_id} is no longer at Meta. A new one will be created.",
            )
            return True
        news.tell(
            RunStepBody,
            step=step,
            state="done",
            message=f"The {name} {object_id} is there already; no new one is needed.",
            ad_account_id=run.access.ad_account_id,
            **{f"{step}_id": object_id},
        )
    run.verified.add(object_id)
    return True


async def read_failed(run: Run, exc: ReadFailed, step: StepName) -> bool:
    """A look at Meta came to nothing. It changed nothing, so it is repeated when that can help."""
    error = exc.error
    if error is None or error.passing:
        message, seconds = "Meta does not answer. Next try at {until}.", retry_delay(run.job.deferrals)
    else:
        advice = advise(error)
        if advice.kind != "throttle":
            if advice.kind == "token":
                await run.report_trouble(error)
            return await run.fail(refused_by_meta(error, advice, step))
        await throttled(run, step, error)
        return False
    async with run.report(step) as news:
        wait(news, step=step, message=message, seconds=seconds)
    return False

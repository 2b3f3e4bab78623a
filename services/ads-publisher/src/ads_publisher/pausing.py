"""Waits that Meta asks for. They are kept in Postgres, so that every publisher process holds to them."""

from functools import partial
from typing import Final

from ads_publisher import metrics, store
from ads_publisher.endings import wait
from ads_publisher.outcomes import MetaError
from ads_publisher.report_store import Answer
from ads_publisher.run import Run
from ads_publisher.usage import APP, APP_WIDE_CODE, account_usage, throttle_seconds
from chassis.database import transaction
from contracts.events import StepName

WAITING_FOR_META: Final = "Waiting for Meta until {until}. It limits how often it is called."


async def throttled(
    run: Run,
    step: StepName,
    error: MetaError,
    *,
    attempt_id: int | None = None,
    number: int | None = None,
) -> None:
    """Meta has refused for now: pause the ad account, or everything, for all publishers, and wait."""
    seconds = throttle_seconds(account_usage(error.headers))
    scope = APP if error.code == APP_WIDE_CODE else run.access.ad_account_id
    async with run.report(step, number) as news:
        if attempt_id is not None:
            error_facts = {"code": error.code, "subcode": error.subcode}
            news.draft.answer = Answer(attempt_id=attempt_id, outcome="throttled", error=error_facts)
            news.after_commit(partial(metrics.journaled, step, "throttled"))
        news.change(store.save_pause, scope=scope, seconds=seconds)
        news.after_commit(partial(metrics.throttled, "app" if scope == APP else "account", seconds))
        wait(news, step=step, message=WAITING_FOR_META, seconds=seconds)


async def pause(run: Run, step: StepName, *, seconds: float) -> None:
    """Give the run back until its ad account, or the app, may be called again."""
    async with run.report() as news:
        wait(news, step=step, message=WAITING_FOR_META, seconds=seconds)
        news.after_commit(partial(metrics.throttled, "known", seconds))


async def save_pauses(run: Run) -> None:
    """Keep what Meta's usage headers ask for where every publisher process reads it."""
    for scope, seconds in run.graph.take_pauses().items():
        async with transaction(run.pool, customer=run.job.customer_id) as acquired:
            await store.save_pause(acquired, scope=scope, seconds=seconds)

"""Make one create: journal the intent, call Meta, journal what became of it."""

from functools import partial
from typing import Any, assert_never

from ads_publisher import metrics, payloads, store
from ads_publisher.endings import Failure, note, refused_by_meta, wait
from ads_publisher.graph import PROOF_VALID_SECONDS, served_at
from ads_publisher.meta_errors import advise
from ads_publisher.outcomes import Created, MetaError, NotSent, Outcome, Refused, Unknown
from ads_publisher.pausing import throttled
from ads_publisher.run import NAMES, Run
from ads_publisher.saga import Do, Step, retry_delay
from chassis.database import connection
from chassis.failpoints import failpoint
from chassis.telemetry import get_logger
from contracts.events import PublishRequest, RunStepBody

_log = get_logger(__name__)


async def create(run: Run, move: Do) -> bool:
    """Create one object; False when the run is over or waits.

    Raises:
        ReadFailed: the account could not be read for what the request needs; nothing was sent.
    """
    params = await _params(run, move)
    if params is None:
        return await run.fail(_dsa_missing())
    attempt_id, proof_time = await _journal_intent(run, move, params)
    await failpoint(f"publisher.{move.step}.intent_journaled")
    outcome = await run.graph.create(run.access, f"{move.step}s", params, proof_time=proof_time)
    _log.info(
        "meta_create",
        step=move.step,
        attempt=move.number,
        outcome=type(outcome).__name__,
    )
    await failpoint(f"publisher.{move.step}.answered")
    go_on = await _record(run, move, attempt_id, outcome)
    await failpoint(f"publisher.{move.step}.answer_journaled")
    return go_on


async def _params(run: Run, move: Do) -> dict[str, Any] | None:
    if move.parent_id is None:
        return payloads.campaign_params(run.job.run_id)
    owners = await _dsa_owners(run)
    if owners is None:
        return None
    beneficiary, payor = owners
    request = PublishRequest.model_validate(run.job.request)
    return payloads.adset_params(
        run.job.run_id,
        move.parent_id,
        daily_budget=payloads.daily_budget(request, run.grant),
        beneficiary=beneficiary,
        payor=payor,
    )


async def _journal_intent(run: Run, move: Do, params: dict[str, Any]) -> tuple[int, int]:
    """Commit the intent before anything is sent; returns the attempt's id and its proof time."""
    # The proof is stamped from this moment, backdated so that Meta refuses the call after the window,
    # even from a process that was asleep and wakes too late.
    window = run.settings.meta_admit_window_seconds
    backdate = PROOF_VALID_SECONDS - window
    if move.skew_seconds is not None:
        window, backdate = PROOF_VALID_SECONDS, -move.skew_seconds
    async with run.report(move.step, move.number) as news:
        journaled = await store.insert_intent(
            news.connection,
            run.job,
            ad_account_id=run.access.ad_account_id,
            step=move.step,
            number=move.number,
            parent_id=move.parent_id,
            backdate_seconds=backdate,
            not_before_seconds=window
            + run.settings.meta_clock_skew_seconds
            + run.settings.meta_settle_seconds,
        )
        await news.tell(
            RunStepBody,
            step=move.step,
            state="started",
            message=_intention(move.step, params),
            attempt=move.number,
            ad_account_id=run.access.ad_account_id,
        )
    return journaled


def _intention(step: Step, params: dict[str, Any]) -> str:
    sentence = f'Creating the {NAMES[step]} "{params["name"]}", PAUSED.'
    if step == "campaign":
        return sentence
    # A statement that the law asks for: whoever reads the run sees what is declared.
    return f"{sentence} Beneficiary: {params['dsa_beneficiary']}. Payor: {params['dsa_payor']}."


async def _record(run: Run, move: Do, attempt_id: int, outcome: Outcome) -> bool:
    match outcome:
        case Created(object_id=object_id, version_warning=warning):
            await record_object(run, move.step, move.number, attempt_id, [object_id], adopted=False)
            if warning:
                await note(run.pool, run.job, move.step, f"Meta says: {warning}")
            return True
        case Unknown(reason=reason):
            await _record_unknown(run, move, attempt_id, reason)
            return True
        case NotSent(reason=reason):
            await _record_not_sent(run, move, attempt_id, reason)
            return False
        case Refused(error=error):
            return await _record_refusal(run, move, attempt_id, error)
        case _:
            assert_never(outcome)


async def record_object(
    run: Run, step: Step, number: int, attempt_id: int, object_ids: list[str], *, adopted: bool
) -> None:
    """Journal the object of an attempt. Of several with one marker the oldest, the first here, is ours."""
    object_id, *extra_ids = object_ids
    name = NAMES[step]
    message = (
        f"The {name} {object_id} had been created; it is used."
        if adopted
        else f"The {name} {object_id} was created, PAUSED."
    )
    async with run.report(step, number) as news:
        await store.record_answer(
            news.connection,
            attempt_id,
            "adopted" if adopted else "created",
            object_id=object_id,
            extra_ids=extra_ids,
        )
        news.after_commit(partial(metrics.journaled, step, "adopted" if adopted else "created"))
        await store.progress_made(news.connection, run.job)
        await news.tell(
            RunStepBody,
            step=step,
            state="done",
            message=message,
            ad_account_id=run.access.ad_account_id,
            **{f"{step}_id": object_id},
        )


async def _record_unknown(run: Run, move: Do, attempt_id: int, reason: str) -> None:
    async with run.report(move.step, move.number) as news:
        await store.record_answer(news.connection, attempt_id, "unknown", error={"reason": reason})
        news.after_commit(partial(metrics.journaled, move.step, "unknown"))
        await news.tell(
            RunStepBody,
            step=move.step,
            state="checking",
            message=f"Meta's answer was lost. Checking with Meta whether the {NAMES[move.step]} was created.",
            attempt=move.number,
        )


async def _record_not_sent(run: Run, move: Do, attempt_id: int, reason: str) -> None:
    async with run.report(move.step, move.number) as news:
        await store.record_answer(news.connection, attempt_id, "not_sent", error={"reason": reason})
        news.after_commit(partial(metrics.journaled, move.step, "not_sent"))
        await wait(
            news,
            run.job,
            step=move.step,
            message="Meta cannot be reached. Next try at {until}.",
            seconds=retry_delay(run.job.deferrals),
        )


async def _record_refusal(run: Run, move: Do, attempt_id: int, error: MetaError) -> bool:
    advice = advise(error)
    facts = {"code": error.code, "subcode": error.subcode, "fbtrace_id": error.fbtrace_id}
    if advice.kind == "throttle":
        await throttled(run, move.step, error, attempt_id=attempt_id, number=move.number)
        return False
    # The proof was too old or too new for Meta's clock: once more, stamped afresh, with the full window.
    again = advice.kind == "proof" and move.skew_seconds is None
    skew = await _skew(run, error) if again else None
    async with run.report(move.step, move.number) as news:
        await store.record_answer(
            news.connection, attempt_id, "rejected", error={**facts, "skew_seconds": skew}
        )
        news.after_commit(partial(metrics.journaled, move.step, "rejected"))
        await news.tell(
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


async def _dsa_owners(run: Run) -> tuple[str, str] | None:
    """Who benefits from the ads and who pays: known, or read afresh from the account, or recommended."""
    beneficiary, payor = payloads.dsa_from_settings(run.grant, run.settings)
    if not (beneficiary and payor):
        facts = await run.graph.read_account(
            run.access, params={"fields": "default_dsa_beneficiary,default_dsa_payor"}
        )
        beneficiary = facts.get("default_dsa_beneficiary") or beneficiary
        payor = facts.get("default_dsa_payor") or payor
    if not (beneficiary and payor):
        answer = await run.graph.read_account(run.access, "dsa_recommendations")
        advised = payloads.recommended_owner(answer)
        beneficiary, payor = beneficiary or advised, payor or advised
    return (beneficiary, payor) if beneficiary and payor else None


def _dsa_missing() -> Failure:
    hint = (
        "Set the default beneficiary and payor of the ad account in Meta Ads Manager"
        " or META_DSA_BENEFICIARY and META_DSA_PAYOR for the publisher."
    )
    return Failure(
        text=f"Ads shown in the EU must name a beneficiary and a payor. This ad account has none. {hint}",
        code="DSA_MISSING",
        hint=hint,
        fixed_by="ad_account_admin",
        step="adset",
    )

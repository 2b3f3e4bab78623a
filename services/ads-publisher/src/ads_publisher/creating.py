"""Make one create: journal the intent, call Meta, journal what became of it."""

from dataclasses import dataclass, replace
from typing import Any, assert_never

from ads_publisher import payloads
from ads_publisher.answering import record_not_sent, record_refusal, record_unknown, succeed, tell_object
from ads_publisher.endings import Failure
from ads_publisher.graph import PROOF_VALID_SECONDS
from ads_publisher.meta_calls import about
from ads_publisher.outcomes import Created, NotSent, Outcome, Refused, Unknown
from ads_publisher.report_store import Intent, Journaled
from ads_publisher.reporting import Report
from ads_publisher.run import NAMES, Run
from ads_publisher.saga import Attempt, Do, Finish, Step
from chassis.failpoints import failpoint
from chassis.telemetry import get_logger
from contracts.events import PublishRequest, RunStepBody

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Create:
    """A create and what it asks of Meta."""

    move: Do
    params: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Meant:
    """A create whose intent is journaled: it may be sent now."""

    create: Create
    journaled: Journaled


async def create(run: Run, move: Do) -> bool:
    """Create one object, and what is below it; False when the run is over or waits.

    An answer and the intent of what follows from it are one commit.

    Raises:
        ReadFailed: the account could not be read for what the request needs; nothing was sent.
    """
    owners = await _dsa_owners(run) if move.parent_id else None
    if move.parent_id and owners is None:
        return await run.fail(_dsa_missing())
    wanted = Create(move=move, params=_params(run, move, owners))
    async with run.report(move.step, move.number) as news:
        _intend(run, news, wanted)
    then: Meant | bool = _meant(run, news, wanted)
    while isinstance(then, Meant):
        then = await _send(run, then)
    return then


async def _send(run: Run, meant: Meant) -> Meant | bool:
    """Make the call; returns the create that may be sent next, or whether there is more to do."""
    move, params, proof_time = meant.create.move, meant.create.params, meant.journaled.proof_time
    await failpoint(f"publisher.{move.step}.intent_journaled")
    with about(move.step, attempt=move.number):
        outcome = await run.graph.create(run.access, f"{move.step}s", params, proof_time=proof_time)
    _log.info("meta_create", step=move.step, attempt=move.number, outcome=type(outcome).__name__)
    await failpoint(f"publisher.{move.step}.answered")
    then = await _record(run, move, meant.journaled.attempt, outcome)
    await failpoint(f"publisher.{move.step}.answer_journaled")
    return then


async def _record(run: Run, move: Do, attempt: Attempt, outcome: Outcome) -> Meant | bool:
    match outcome:
        case Created():
            return await _record_created(run, attempt, outcome)
        case Unknown(reason=reason):
            await record_unknown(run, move, attempt.id, reason)
            return True
        case NotSent(reason=reason):
            await record_not_sent(run, move, attempt.id, reason)
            return False
        case Refused(error=error):
            return await record_refusal(run, move, attempt.id, error)
        case _:
            assert_never(outcome)


async def _record_created(run: Run, attempt: Attempt, outcome: Created) -> Meant | bool:
    """Journal the object, and in the same commit what follows from it."""
    created = replace(attempt, outcome="created", object_id=outcome.object_id)
    run.remember([created if each.id == attempt.id else each for each in run.journal])
    follows = _what_follows(run, attempt)
    async with run.report(attempt.step, attempt.number) as news:
        tell_object(run, news, attempt, [outcome.object_id], adopted=False)
        if outcome.version_warning:
            warning = f"Meta says: {outcome.version_warning}"
            news.tell(RunStepBody, step=attempt.step, state="note", message=warning)
        match follows:
            case Create():
                _intend(run, news, follows)
            case Finish(campaign_id=campaign_id, adset_id=adset_id):
                await succeed(run, news, campaign_id, adset_id)
            case _:
                pass
    if isinstance(follows, Finish):
        await failpoint("publisher.finish.after_commit")
    return _meant(run, news, follows) if isinstance(follows, Create) else follows is None


def _what_follows(run: Run, attempt: Attempt) -> Create | Finish | None:
    """The next move, if it needs nothing but what is known here; None leaves it to another look.

    So a pause that another process has just asked for, for the whole app, is noticed one call later.
    """
    beneficiary, payor = payloads.dsa_from_settings(run.grant, run.settings)
    # What is due when does not matter: a look at Meta is nothing that follows at once.
    match run.next_move(attempt.intent_at):
        case Finish() as end:
            return end
        case Do() as move if beneficiary and payor and not run.graph.wants_pause:
            return Create(move=move, params=_params(run, move, (beneficiary, payor)))
        case _:
            return None


def _params(run: Run, move: Do, owners: tuple[str, str] | None) -> dict[str, Any]:
    if move.parent_id is None or owners is None:
        return payloads.campaign_params(run.job.run_id)
    beneficiary, payor = owners
    request = PublishRequest.model_validate(run.job.request)
    return payloads.adset_params(
        run.job.run_id,
        move.parent_id,
        daily_budget=payloads.daily_budget(request, run.grant),
        beneficiary=beneficiary,
        payor=payor,
    )


def _intend(run: Run, news: Report, create: Create) -> None:
    """Journal the intent with this report, which is committed before anything is sent."""
    move = create.move
    # The proof is stamped from this moment, backdated so that Meta refuses the call after the window,
    # even from a process that was asleep and wakes too late.
    window = run.settings.meta_admit_window_seconds
    backdate = PROOF_VALID_SECONDS - window
    if move.skew_seconds is not None:
        window, backdate = PROOF_VALID_SECONDS, -move.skew_seconds
    news.draft.intent = Intent(
        ad_account_id=run.access.ad_account_id,
        step=move.step,
        number=move.number,
        parent_id=move.parent_id,
        backdate_seconds=backdate,
        not_before_seconds=window + run.settings.meta_clock_skew_seconds + run.settings.meta_settle_seconds,
    )
    news.tell(
        RunStepBody,
        step=move.step,
        state="started",
        message=_intention(move.step, create.params),
        attempt=move.number,
        ad_account_id=run.access.ad_account_id,
    )


def _meant(run: Run, news: Report, create: Create) -> Meant:
    if news.journaled is None:
        raise RuntimeError("no create without a journaled intent")
    run.journal.append(news.journaled.attempt)
    return Meant(create=create, journaled=news.journaled)


def _intention(step: Step, params: dict[str, Any]) -> str:
    sentence = f'Creating the {NAMES[step]} "{params["name"]}", PAUSED.'
    if step == "campaign":
        return sentence
    # A statement that the law asks for: whoever reads the run sees what is declared.
    return f"{sentence} Beneficiary: {params['dsa_beneficiary']}. Payor: {params['dsa_payor']}."


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

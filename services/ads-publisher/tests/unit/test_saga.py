"""Is the decision right for every journal?"""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from ads_publisher.saga import (
    MAX_ATTEMPTS,
    Attempt,
    AttemptOutcome,
    Do,
    Finish,
    GiveUp,
    Settle,
    Step,
    Verify,
    Wait,
    next_look,
    next_move,
)

JOB = uuid4()
EARLIER = uuid4()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def attempt(
    step: Step = "campaign",
    outcome: AttemptOutcome | None = None,
    *,
    number: int = 1,
    object_id: str | None = None,
    parent_id: str | None = None,
    job_id: UUID = JOB,
    look_in: float = 0,
    skew_seconds: int | None = None,
    row: int = 1,
) -> Attempt:
    return Attempt(
        id=row,
        job_id=job_id,
        run_id=job_id,
        step=step,
        number=number,
        parent_id=parent_id,
        intent_at=NOW - timedelta(seconds=5),
        not_before=NOW + timedelta(seconds=60),
        look_at=NOW + timedelta(seconds=look_in),
        outcome=outcome,
        object_id=object_id,
        skew_seconds=skew_seconds,
    )


CAMPAIGN = attempt(outcome="created", object_id="11")


def test_an_empty_journal_asks_for_the_campaign() -> None:
    assert next_move([], job_id=JOB, now=NOW) == Do(step="campaign", number=1, parent_id=None)


def test_a_stored_campaign_leads_to_its_ad_set() -> None:
    assert next_move([CAMPAIGN], job_id=JOB, now=NOW) == Do(step="adset", number=1, parent_id="11")


def test_both_objects_finish_the_run() -> None:
    adset = attempt("adset", "adopted", object_id="22", parent_id="11")
    assert next_move([CAMPAIGN, adset], job_id=JOB, now=NOW) == Finish(campaign_id="11", adset_id="22")


def test_an_intent_without_an_answer_is_settled_and_never_repeated() -> None:
    lost = attempt(outcome=None)
    assert next_move([lost], job_id=JOB, now=NOW) == Settle(attempt=lost)


def test_a_lost_answer_waits_for_its_next_look() -> None:
    lost = attempt(outcome="unknown", look_in=4)
    assert next_move([lost], job_id=JOB, now=NOW) == Wait(until=lost.look_at, attempt=lost)


def test_a_doubt_that_an_earlier_run_left_is_settled_first() -> None:
    doubt = attempt(outcome="unknown", job_id=EARLIER)
    assert next_move([doubt], job_id=JOB, now=NOW) == Settle(attempt=doubt)


def test_an_absent_create_may_be_tried_again_with_the_next_number() -> None:
    assert next_move([attempt(outcome="absent", number=3)], job_id=JOB, now=NOW) == Do(
        step="campaign", number=4, parent_id=None
    )


def test_five_lost_creates_end_in_a_person_looking() -> None:
    journal = [attempt(outcome="absent", number=n) for n in range(1, MAX_ATTEMPTS + 1)]
    assert next_move(journal, job_id=JOB, now=NOW) == GiveUp(step="campaign")


def test_lost_creates_of_an_earlier_run_do_not_count() -> None:
    journal = [attempt(outcome="absent", number=n, job_id=EARLIER) for n in range(1, MAX_ATTEMPTS + 1)]
    assert isinstance(next_move(journal, job_id=JOB, now=NOW), Do)


def test_the_campaign_of_an_earlier_run_is_looked_at_before_it_is_used() -> None:
    earlier = attempt(outcome="created", object_id="11", job_id=EARLIER)
    assert next_move([earlier], job_id=JOB, now=NOW) == Verify(step="campaign", object_id="11")
    seen = next_move([earlier], job_id=JOB, now=NOW, verified={"11"})
    assert seen == Do(step="adset", number=1, parent_id="11")


def test_a_campaign_that_is_gone_takes_its_ad_set_with_it() -> None:
    gone = attempt(outcome="gone", object_id="11", job_id=EARLIER)
    orphan = attempt("adset", "created", object_id="22", parent_id="11", job_id=EARLIER)
    assert next_move([gone, orphan], job_id=JOB, now=NOW) == Do(step="campaign", number=1, parent_id=None)


def test_a_proof_that_was_too_old_is_stamped_afresh() -> None:
    refused = attempt(outcome="rejected", skew_seconds=-600)
    assert next_move([refused], job_id=JOB, now=NOW) == Do(
        step="campaign", number=2, parent_id=None, skew_seconds=-600
    )


def test_the_last_look_is_not_before_the_admit_window_has_passed() -> None:
    late = attempt(outcome="unknown")
    assert next_look(late, now=NOW + timedelta(seconds=59.5)) == late.not_before
    assert next_look(late, now=NOW) == NOW + timedelta(seconds=1)


outcomes = st.sampled_from(
    [None, "created", "adopted", "gone", "unknown", "absent", "rejected", "throttled", "not_sent"]
)


@st.composite
def journals(draw: st.DrawFn) -> list[Attempt]:
    rows = []
    for row in range(draw(st.integers(0, 6))):
        outcome = draw(outcomes)
        step: Step = draw(st.sampled_from(["campaign", "adset"]))
        rows.append(
            attempt(
                step,
                outcome,
                number=row + 1,
                object_id=str(100 + row) if outcome in ("created", "adopted", "gone") else None,
                parent_id=None if step == "campaign" else draw(st.sampled_from(["100", "101", "102"])),
                job_id=draw(st.sampled_from([JOB, EARLIER])),
                look_in=draw(st.sampled_from([-1.0, 0.0, 5.0])),
                row=row + 1,
            )
        )
    return rows


@given(journals())
def test_nothing_is_created_while_an_answer_for_that_step_is_missing(journal: list[Attempt]) -> None:
    move = next_move(journal, job_id=JOB, now=NOW, verified={"100", "101", "102"})
    if isinstance(move, Do):
        same = [a for a in journal if a.step == move.step and a.parent_id == move.parent_id]
        assert not any(a.unsettled for a in same)
        assert not any(a.alive for a in same)


@given(journals())
def test_a_new_attempt_never_takes_a_number_that_was_used(journal: list[Attempt]) -> None:
    move = next_move(journal, job_id=JOB, now=NOW, verified={"100", "101", "102"})
    if isinstance(move, Do):
        assert move.number not in [a.number for a in journal if a.job_id == JOB and a.step == move.step]


@given(journals())
def test_a_run_only_finishes_with_an_ad_set_of_its_own_campaign(journal: list[Attempt]) -> None:
    move = next_move(journal, job_id=JOB, now=NOW, verified={str(n) for n in range(100, 107)})
    if isinstance(move, Finish):
        adset = next(a for a in journal if a.object_id == move.adset_id)
        assert adset.parent_id == move.campaign_id
        assert adset.alive

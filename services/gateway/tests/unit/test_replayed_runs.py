"""What news makes of a run that had failed and that an operator has opened again."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from run_samples import QUEUED, after, news

from contracts.events import (
    RunEvent,
    RunFailedBody,
    RunStartedBody,
    RunStepBody,
    RunSucceededBody,
)

STARTED = news(1, RunStartedBody, mode="real")
CRASHED = news(2, RunFailedBody, mode="real", error_code="INTERNAL", fixed_by="operator")
NOTE = news(3, RunStepBody, step="campaign", state="note", campaign_id="99")
REPLAYED = news(4, RunStartedBody, mode="real", replayed=True)
CREATED = news(5, RunStepBody, step="campaign", state="done", ad_account_id="act_1", campaign_id="11")
DONE = news(6, RunSucceededBody, mode="real", ad_account_id="act_1", campaign_id="11", adset_id="22")
CRASHED_AGAIN = news(6, RunFailedBody, mode="real", error_code="INTERNAL", fixed_by="operator")


def test_a_replay_opens_a_failed_run_and_takes_its_error_away() -> None:
    run = after(QUEUED, STARTED, CRASHED, REPLAYED)
    assert (run.status, run.finished_at, run.last_version) == ("running", None, 4)
    assert (run.error_code, run.error_message, run.fixed_by) == (None, None, None)
    assert run.started_at == STARTED.time


def test_a_replayed_run_ends_as_any_other() -> None:
    run = after(QUEUED, STARTED, CRASHED, REPLAYED, CREATED, DONE)
    assert (run.status, run.finished_at, run.campaign_id, run.adset_id) == ("success", DONE.time, "11", "22")
    failed = after(QUEUED, STARTED, CRASHED, REPLAYED, CRASHED_AGAIN)
    assert (failed.status, failed.error_code, failed.finished_at) == (
        "failed",
        "INTERNAL",
        CRASHED_AGAIN.time,
    )


def test_a_start_that_is_no_replay_opens_nothing() -> None:
    failed = after(QUEUED, CRASHED)
    assert after(failed, news(9, RunStartedBody, mode="real")) == failed


def test_an_older_replay_opens_nothing() -> None:
    ended = after(QUEUED, CRASHED_AGAIN)
    assert after(ended, REPLAYED) == ended


def test_notes_after_the_end_open_nothing() -> None:
    failed = after(QUEUED, CRASHED)
    assert after(failed, NOTE) == failed


def test_a_run_that_ended_well_is_never_opened_again() -> None:
    done = after(QUEUED, STARTED, DONE)
    later = (
        news(7, RunStartedBody, mode="real", replayed=True),
        news(8, RunFailedBody, mode="real", error_code="INTERNAL"),
    )
    assert after(done, *later) == done


def test_the_end_of_a_replay_counts_although_the_run_was_kept_closed() -> None:
    run = after(QUEUED, STARTED, CRASHED, DONE)
    assert (run.status, run.error_code, run.campaign_id) == ("success", None, "11")


@given(st.permutations([STARTED, CRASHED, NOTE, REPLAYED, CREATED, DONE]))
def test_in_whatever_order_the_news_of_a_replay_comes_the_end_is_the_same(order: list[RunEvent]) -> None:
    run = after(QUEUED, *order)
    expected = after(QUEUED, STARTED, CRASHED, NOTE, REPLAYED, CREATED, DONE)
    volatile = {"started_at": None, "step": None, "campaign_id": None}
    assert replace(run, **volatile) == replace(expected, **volatile)
    assert run.campaign_id == "11"

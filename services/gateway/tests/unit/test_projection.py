"""What news makes of a run and of the objects, whatever the order it comes in."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_samples import NOON, a_run, after, news

from contracts.events import (
    ObjectsSyncedBody,
    RunEvent,
    RunFailed,
    RunFailedBody,
    RunStartedBody,
    RunStepBody,
    RunSucceededBody,
    RunWaitingBody,
)
from gateway.projection import is_publish_failure, project_objects, project_run
from gateway.store.ads import AdObjects


def some_objects(**changed: Any) -> AdObjects:
    objects = AdObjects(
        id=UUID(int=1),
        ad_account_id="act_1",
        catalog_id=None,
        campaign_id="11",
        adset_id="22",
        creative_id=None,
        ad_id=None,
        status="paused",
        last_publish_step="adset",
        last_publish_error=None,
        last_synced_at=None,
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(objects, **changed)


STORY = [
    news(1, RunStartedBody, mode="real"),
    news(2, RunStepBody, step="campaign", state="started"),
    news(3, RunStepBody, step="campaign", state="done", ad_account_id="act_1", campaign_id="11"),
    news(4, RunWaitingBody, step="adset", until=NOON),
    news(5, RunStepBody, step="adset", state="done", adset_id="22"),
]
SUCCESS = news(6, RunSucceededBody, mode="real", ad_account_id="act_1", campaign_id="11", adset_id="22")
FAILURE = news(6, RunFailedBody, mode="real", error_code="META_100", step="adset", campaign_id="11")


@given(st.permutations(STORY))
def test_before_the_end_every_order_of_news_leads_to_the_same_run(order: list[RunEvent]) -> None:
    told, expected = after(a_run(), *order), after(a_run(), *STORY)
    assert replace(told, started_at=None) == replace(expected, started_at=None)
    assert (told.status, told.mode, told.campaign_id, told.adset_id) == ("running", "real", "11", "22")


@given(
    st.lists(st.sampled_from(STORY)),
    st.sampled_from([SUCCESS, FAILURE]),
    st.lists(st.sampled_from([*STORY, SUCCESS, FAILURE])),
)
def test_nothing_changes_a_run_that_has_ended(
    before: list[RunEvent], end: RunEvent, later: list[RunEvent]
) -> None:
    ended = after(a_run(), *before, end)
    assert ended.status in ("success", "failed")
    assert ended.finished_at == end.time
    assert after(ended, *later) == ended


@given(st.lists(st.sampled_from(STORY), min_size=1))
def test_a_version_never_goes_back(events: list[RunEvent]) -> None:
    run = a_run()
    for event in events:
        following = project_run(run, event)
        assert following.last_version >= run.last_version
        run = following


def test_a_wait_is_shown_until_the_next_news() -> None:
    waiting = after(a_run(), news(1, RunWaitingBody, step="campaign", until=NOON, message="Waiting for Meta"))
    assert waiting.hint == "Waiting for Meta"
    assert after(waiting, STORY[2]).hint is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"error_code": "META_190", "meta_code": 190}, True),
        ({"error_code": "OUTCOME_UNKNOWN", "step": "campaign"}, True),
        ({"error_code": "MISSING_PREREQUISITE", "step": "connection"}, False),
        ({"error_code": "MISSING_PREREQUISITE", "step": "settings"}, False),
        ({"error_code": "CONFIG_ERROR"}, False),
    ],
)
def test_only_what_went_wrong_at_meta_is_a_failure_of_the_publish(
    fields: dict[str, Any], expected: bool
) -> None:
    event = news(1, RunFailedBody, mode="real", **fields)
    assert isinstance(event, RunFailed)
    assert is_publish_failure(event.data) is expected


def test_an_ad_set_that_is_gone_does_not_stay_when_its_replacement_is_refused() -> None:
    run = after(a_run(), *STORY[:1], FAILURE)
    state = project_objects(some_objects(), run, FAILURE, is_late=False)
    assert state is not None
    assert (state.campaign_id, state.adset_id, state.status) == ("11", None, "error")


def test_a_refusal_without_ids_keeps_those_that_exist() -> None:
    refusal = news(2, RunFailedBody, mode="real", error_code="META_190", meta_code=190, step="campaign")
    state = project_objects(some_objects(), after(a_run(), STORY[0], refusal), refusal, is_late=False)
    assert state is not None
    assert (state.campaign_id, state.adset_id) == ("11", "22")


@pytest.mark.parametrize(
    ("stored", "run"),
    [
        ({"ad_account_id": "act_2"}, {"ad_account_id": "act_1", "mode": "real"}),
        ({"campaign_id": "dev-campaign-1", "adset_id": "dev-adset-1"}, {"mode": "real"}),
        ({"campaign_id": "dev-campaign-1", "adset_id": "dev-adset-1"}, {"mode": None}),
    ],
)
def test_foreign_and_simulated_ids_never_count(stored: dict[str, Any], run: dict[str, Any]) -> None:
    started = news(2, RunStepBody, step="campaign", state="started")
    state = project_objects(some_objects(**stored), after(a_run(**run), started), started, is_late=False)
    assert state is not None
    assert (state.campaign_id, state.adset_id) == (None, None)


def test_a_late_sync_report_counts_unless_the_objects_have_changed_since() -> None:
    synced = news(2, ObjectsSyncedBody, ad_account_id="act_1", campaign_id="11", campaign_status="PAUSED")
    run = a_run(job_type="sync", status="success", last_version=3)
    state = project_objects(some_objects(), run, synced, is_late=True)
    assert state is not None
    assert (state.campaign_id, state.adset_id, state.status) == ("11", None, "error")
    newer = some_objects(updated_at=NOON + timedelta(minutes=1))
    assert project_objects(newer, run, synced, is_late=True) is None


@pytest.mark.parametrize("event", [*STORY, SUCCESS, FAILURE])
def test_a_sync_touches_the_objects_by_its_report_only(event: RunEvent) -> None:
    run = after(a_run(job_type="sync"), event)
    assert project_objects(some_objects(), run, event, is_late=False) is None

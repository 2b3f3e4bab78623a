"""What an event stream sends, and when it waits, for every order in which news may arrive."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.progress import GAP_SECONDS, Places, TooManyStreams, sendable
from gateway.store.progress import News
from gateway.store.runs import RunStep

NOW = datetime.now(UTC)


def _news(version: int, age_seconds: float = 0.0) -> News:
    step = RunStep(version=version, type="RUN_STEP", step=None, state=None, message="", at=NOW, data={})
    return News(step=step, age_seconds=age_seconds)


def _versions(news: list[News], after: int) -> list[int]:
    return [step.version for step in sendable(news, after=after)[0]]


@given(st.permutations(range(1, 9)), st.lists(st.booleans(), min_size=8, max_size=8))
def test_any_order_of_arrival_is_sent_once_in_the_order_of_versions(
    order: list[int], looks: list[bool]
) -> None:
    here: list[int] = []
    sent: list[int] = []
    for version, looks_now in zip(order, looks, strict=True):
        here.append(version)
        after = sent[-1] if sent else 0
        if looks_now:
            sent += _versions([_news(one) for one in sorted(here) if one > after], after)
    after = sent[-1] if sent else 0
    sent += _versions([_news(one) for one in sorted(here) if one > after], after)
    assert sent == list(range(1, 9))


def test_behind_a_gap_nothing_is_sent_before_it_has_waited_its_time_and_then_it_is() -> None:
    steps, held_seconds = sendable([_news(1), _news(3, 4.0), _news(4, 4.0)], after=0)
    assert ([step.version for step in steps], held_seconds) == ([1], GAP_SECONDS - 4.0)
    assert _versions([_news(1), _news(3, GAP_SECONDS), _news(4, 0.0)], 0) == [1, 3, 4]


def test_a_second_gap_is_waited_for_on_its_own() -> None:
    steps, held_seconds = sendable([_news(2, GAP_SECONDS), _news(4, 1.0)], after=0)
    assert ([step.version for step in steps], held_seconds) == ([2], GAP_SECONDS - 1.0)


def test_what_is_behind_the_last_seen_event_needs_no_gap_to_be_filled_again() -> None:
    assert _versions([_news(8), _news(9)], 7) == [8, 9]


def test_places_are_bounded_and_given_back() -> None:
    places = Places(in_all=2, per_customer=1)
    one, two, three = uuid4(), uuid4(), uuid4()
    with places.take(one), places.take(two):
        with pytest.raises(TooManyStreams, match="This customer"), places.take(one):
            pass
        with pytest.raises(TooManyStreams, match="Too many event streams"), places.take(three):
            pass
    with places.take(three), places.take(one):
        pass

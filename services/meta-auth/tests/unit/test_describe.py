"""What a user reads about the connection and the ad accounts."""

from dataclasses import replace
from datetime import timedelta

import pytest
from meta_auth_samples import ASKED, NOW, ROW

from meta_auth.describe import placeholder_account, refusal_of, status_of
from meta_auth.graph import GraphAccount

ACCOUNT = GraphAccount(
    id="act_1",
    name="A",
    status=1,
    currency="SEK",
    tasks=frozenset({"ADVERTISE"}),
    min_daily_budget_minor=1,
    dsa_beneficiary=None,
    dsa_payor=None,
)


@pytest.mark.parametrize(
    ("left", "days", "hint"),
    [
        (timedelta(days=60), 60, None),
        (timedelta(days=15), 15, None),
        (timedelta(days=14, hours=23), 14, "expires in 14 days."),
        (timedelta(days=1, hours=1), 1, "expires in 1 day."),
        (timedelta(hours=3), 0, "expires today."),
        (timedelta(seconds=-1), 0, "expires today."),
    ],
)
def test_the_end_of_the_connection_is_announced_in_its_last_two_weeks(
    left: timedelta, days: int, hint: str | None
) -> None:
    status = status_of(replace(ROW, expires_at=NOW + left), asked=ASKED, now=NOW)
    assert status.expires_in_days == days
    if hint is None:
        assert status.hint is None
    else:
        assert status.hint == f"Your Meta connection {hint} Reconnect Meta in Settings."


def test_a_token_without_an_end_is_not_announced_to_end() -> None:
    status = status_of(replace(ROW, expires_at=None), asked=ASKED, now=NOW)
    assert (status.hint, status.expires_in_days, status.token_expires_at) == (None, None, None)


def test_without_a_connection_everything_is_null() -> None:
    for row in (None, replace(ROW, status="disconnected")):
        status = status_of(row, asked=ASKED, now=NOW)
        filled = status.model_dump(exclude_none=True)
        assert filled == {"status": "disconnected", "version": row.version if row else 0}


def test_scopes_that_were_asked_for_and_not_granted_are_named() -> None:
    status = status_of(replace(ROW, scopes=["ads_management", "public_profile"]), asked=ASKED, now=NOW)
    assert status.missing_scopes == ["business_management"]


@pytest.mark.parametrize("code", [1, 8, 9, 201, None])
def test_an_account_in_use_can_be_selected(code: int | None) -> None:
    assert refusal_of(replace(ACCOUNT, status=code)) is None


@pytest.mark.parametrize("code", [2, 3, 7, 100, 101, 202])
def test_an_account_that_cannot_advertise_says_why_and_what_to_do(code: int) -> None:
    refusal = refusal_of(replace(ACCOUNT, status=code))
    assert refusal is not None
    assert all(refusal)


@pytest.mark.parametrize(
    ("tasks", "allowed"), [({"MANAGE"}, True), ({"ANALYZE", "DRAFT"}, False), (set(), False), (None, True)]
)
def test_writing_needs_a_task_that_allows_it(tasks: set[str] | None, *, allowed: bool) -> None:
    account = replace(ACCOUNT, tasks=None if tasks is None else frozenset(tasks))
    assert (refusal_of(account) is None) is allowed


def test_the_development_account_has_the_prefix_once() -> None:
    assert placeholder_account("dev-account-123").id == "act_dev-account-123"
    assert placeholder_account("act_5").id == "act_5"

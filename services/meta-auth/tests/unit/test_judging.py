"""What a check of a token means: nothing new, a warning told once, or the end."""

from dataclasses import replace
from datetime import timedelta

import pytest
from meta_auth_samples import ASKED, NOW, ROW

from meta_auth.graph import TokenFacts
from meta_auth.judging import Broken, Fine, Verdict, judge
from meta_auth.store import MetaConnection

APP = "424200000000017"
FACTS = TokenFacts(
    app_id=APP,
    user_id="1",
    is_valid=True,
    scopes=list(ASKED),
    expires_at=NOW + timedelta(days=60),
    data_access_expires_at=NOW + timedelta(days=90),
    code=None,
    subcode=None,
)


def judged(row: MetaConnection = ROW, facts: TokenFacts = FACTS) -> Verdict:
    return judge(row, facts, app_id=APP, asked=ASKED, required=("ads_management",), now=NOW)


def warning(row: MetaConnection, facts: TokenFacts) -> Fine:
    verdict = judged(row, facts)
    assert isinstance(verdict, Fine)
    return verdict


def test_a_good_token_is_no_news() -> None:
    assert judged() == Fine(trouble=None, warned_days=None, reason=None, expires_in_days=60)


@pytest.mark.parametrize(
    ("hours", "told"),
    [(15 * 24, None), (14 * 24 + 1, 14), (8 * 24, 14), (7 * 24, 7), (3 * 24, 3), (25, 1), (2, 1)],
)
def test_the_end_is_announced_fourteen_seven_three_and_one_days_ahead(hours: int, told: int | None) -> None:
    facts = replace(FACTS, expires_at=NOW + timedelta(hours=hours))
    found = warning(ROW, facts)
    assert (found.reason, found.warned_days) == ("token_expiring" if told else None, told)
    again = warning(replace(ROW, warned_days=found.warned_days), facts)
    assert (again.reason, again.warned_days) == (None, told)


def test_each_step_nearer_to_the_end_is_told_once() -> None:
    told, row = [], ROW
    for day in range(20, -1, -1):
        found = warning(row, replace(FACTS, expires_at=NOW + timedelta(days=day, hours=1)))
        if found.reason:
            told.append(found.expires_in_days)
        row = replace(row, warned_days=found.warned_days)
    assert told == [14, 7, 3, 1]


def test_a_token_without_an_end_is_not_announced() -> None:
    facts = replace(FACTS, expires_at=None, data_access_expires_at=None)
    assert warning(ROW, facts) == Fine(trouble=None, warned_days=None)


def test_the_end_of_data_access_is_announced_and_then_breaks_the_connection() -> None:
    soon = replace(FACTS, data_access_expires_at=NOW + timedelta(days=6))
    assert (warning(ROW, soon).reason, warning(ROW, soon).expires_in_days) == ("data_access_expiring", 6)
    over = judged(facts=replace(FACTS, data_access_expires_at=NOW))
    assert isinstance(over, Broken)
    assert over.reason == "data_access_expiring"


@pytest.mark.parametrize(
    ("code", "subcode", "reason"),
    [
        (190, 463, "token_expired"),
        (190, 458, "token_revoked"),
        (190, 460, "token_revoked"),
        (190, None, "token_revoked"),
        (None, None, "token_revoked"),
        (102, None, "token_revoked"),
    ],
)
def test_a_dead_token_breaks_the_connection(code: int | None, subcode: int | None, reason: str) -> None:
    verdict = judged(facts=replace(FACTS, is_valid=False, scopes=[], code=code, subcode=subcode))
    assert isinstance(verdict, Broken)
    assert verdict.reason == reason
    assert verdict.trouble


@pytest.mark.parametrize("subcode", [459, 464])
def test_a_token_that_sleeps_breaks_nothing(subcode: int) -> None:
    verdict = judged(facts=replace(FACTS, is_valid=False, scopes=[], code=190, subcode=subcode))
    assert isinstance(verdict, Fine)


@pytest.mark.parametrize("changes", [{"app_id": "1"}, {"app_id": ""}, {"user_id": "8"}, {"user_id": ""}])
def test_a_token_of_another_app_or_person_breaks_the_connection(changes: dict[str, str]) -> None:
    assert isinstance(judged(facts=replace(FACTS, **changes)), Broken)


def test_a_required_scope_that_is_gone_breaks_the_connection_and_is_named() -> None:
    verdict = judged(facts=replace(FACTS, scopes=["business_management"]))
    assert verdict == Broken(
        trouble="Meta no longer grants ads_management. Reconnect Meta in Settings with all permissions.",
        reason="scope_lost",
    )


def test_an_optional_scope_that_is_gone_is_told_once_and_shown_until_it_is_back() -> None:
    without = replace(FACTS, scopes=["ads_management"])
    found = warning(ROW, without)
    assert (found.reason, "business_management" in (found.trouble or "")) == ("scope_lost", True)
    known = replace(ROW, scopes=["ads_management"], trouble=found.trouble)
    assert (warning(known, without).reason, warning(known, without).trouble) == (None, found.trouble)
    assert warning(known, FACTS).trouble is None


def test_an_optional_scope_that_was_never_granted_is_no_news() -> None:
    row = replace(ROW, scopes=["ads_management"])
    found = warning(row, replace(FACTS, scopes=["ads_management"]))
    assert (found.reason, found.trouble) == (None, None)

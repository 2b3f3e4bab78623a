"""The judge finds what it is there to find: each kind of wrong, planted in books that are right."""

from dataclasses import replace

import pytest
from crash_lab.checker import KINDS, Books, Change, Journaled, MetaObject, RunRow, Told, check, counts

ACCOUNT = "act_1"
TOLD = Told(run_id="r1", customer_id="c1", account=ACCOUNT, status="success", campaign_id="11", adset_id="12")
ROW = RunRow(
    run_id="r1", customer_id="c1", status="success", campaign_id="11", adset_id="12", job_status="done"
)
CAMPAIGN = MetaObject(object_id="11", step="campaign", account=ACCOUNT, parent_id=None, run_id="r1")
ADSET = MetaObject(object_id="12", step="adset", account=ACCOUNT, parent_id="11", run_id="r1")
MADE = [
    Change(event="created", object_id="11", step="campaign", run_id="r1", status="PAUSED"),
    Change(event="created", object_id="12", step="adset", run_id="r1", status="PAUSED"),
]
GOOD = Books(
    told=[TOLD],
    runs=[ROW],
    journal=[
        Journaled(run_id="r1", step="campaign", object_id="11"),
        Journaled(run_id="r1", step="adset", object_id="12"),
    ],
    objects=[CAMPAIGN, ADSET],
    changes=MADE,
)


def test_books_that_agree_give_no_verdict() -> None:
    assert check(GOOD) == []


def test_a_second_run_that_uses_the_first_ones_objects_is_right() -> None:
    second = replace(TOLD, run_id="r2")
    books = replace(GOOD, told=[TOLD, second], runs=[ROW, replace(ROW, run_id="r2")])
    assert check(books) == []


SECOND_CAMPAIGN = replace(CAMPAIGN, object_id="13")
DOCTORED = {
    "no such run": ("lost", replace(GOOD, runs=[])),
    "open, and nobody has the job": (
        "lost",
        replace(GOOD, runs=[replace(ROW, status="queued", job_status=None)]),
    ),
    "never told, though the database knows": ("stuck", replace(GOOD, told=[replace(TOLD, status=None)])),
    "still running": ("stuck", replace(GOOD, runs=[replace(ROW, status="running", job_status="running")])),
    "two live campaigns of a run": ("duplicate", replace(GOOD, objects=[CAMPAIGN, ADSET, SECOND_CAMPAIGN])),
    "two for a moment": (
        "duplicate",
        replace(
            GOOD,
            changes=[
                *MADE,
                Change(event="created", object_id="13", step="campaign", run_id="r1", status="PAUSED"),
                Change(event="deleted", object_id="13", step="campaign", run_id="r1", status="DELETED"),
            ],
        ),
    ),
    "two of a customer in one account, by two runs": (
        "duplicate",
        replace(
            GOOD,
            told=[TOLD, replace(TOLD, run_id="r2")],
            runs=[ROW, replace(ROW, run_id="r2")],
            objects=[CAMPAIGN, ADSET, replace(SECOND_CAMPAIGN, run_id="r2")],
        ),
    ),
    "an object of a run that nobody knows": (
        "ghost",
        replace(GOOD, objects=[CAMPAIGN, ADSET, replace(ADSET, object_id="14", run_id="r9")]),
    ),
    "an object without a marker": (
        "ghost",
        replace(GOOD, objects=[CAMPAIGN, ADSET, replace(ADSET, object_id="14", run_id=None)]),
    ),
    "the client was told another id": ("wrong", replace(GOOD, told=[replace(TOLD, campaign_id="10")])),
    "the client was told success, the database says failed": (
        "wrong",
        replace(GOOD, runs=[replace(ROW, status="failed")]),
    ),
    "the object is not there": ("wrong", replace(GOOD, objects=[CAMPAIGN])),
    "another parent": ("wrong", replace(GOOD, objects=[CAMPAIGN, replace(ADSET, parent_id="10")])),
    "another account": ("wrong", replace(GOOD, objects=[replace(CAMPAIGN, account="act_2"), ADSET])),
    "another customer's run": (
        "wrong",
        replace(
            GOOD,
            told=[TOLD, replace(TOLD, run_id="r2", customer_id="c2")],
            runs=[ROW, replace(ROW, run_id="r2", customer_id="c2")],
        ),
    ),
    "not in the journal": ("wrong", replace(GOOD, journal=GOOD.journal[:1])),
    "a job that still runs after the end": ("wrong", replace(GOOD, runs=[replace(ROW, job_status="ready")])),
    "created ACTIVE": ("wrong", replace(GOOD, changes=[replace(MADE[0], status="ACTIVE"), MADE[1]])),
    "made ACTIVE later": (
        "wrong",
        replace(GOOD, changes=[*MADE, replace(MADE[0], event="updated", status="ACTIVE")]),
    ),
    "failed without a reason that counts": (
        "wrong",
        replace(
            GOOD,
            told=[replace(TOLD, status="failed", error="Something")],
            runs=[replace(ROW, status="failed", job_status="failed")],
        ),
    ),
}


@pytest.mark.parametrize("name", DOCTORED)
def test_a_planted_wrong_is_found_and_called_by_its_name(name: str) -> None:
    kind, books = DOCTORED[name]
    assert {verdict.kind for verdict in check(books)} == {kind}


def test_every_kind_of_verdict_is_planted() -> None:
    assert {kind for kind, _ in DOCTORED.values()} == set(KINDS)


def test_a_failure_that_is_no_fault_of_ours_may_be_excused() -> None:
    _, books = DOCTORED["failed without a reason that counts"]
    assert check(books, may_fail=lambda told: told.error == "Something") == []


def test_an_extra_that_was_swept_may_be_excused() -> None:
    _, books = DOCTORED["two for a moment"]
    assert check(books, never_two=False) == []


def test_verdicts_are_counted_by_kind() -> None:
    _, books = DOCTORED["no such run"]
    assert counts(check(books)) == {"lost": 1, "duplicate": 0, "stuck": 0, "ghost": 0, "wrong": 0}

"""The planted bugs are still bugs of today's source; `make mutants` shows that each is caught."""

import ast

import pytest
from crash_lab.mutants import MUTANTS, Mutant, applied
from crash_lab.points import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.bug)
def test_a_planted_bug_still_finds_its_place_and_is_valid_source(mutant: Mutant) -> None:
    ast.parse(applied(mutant))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.bug)
def test_the_tests_that_should_catch_it_exist(mutant: Mutant) -> None:
    for test in mutant.tests:
        path, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / path).read_text() if name else (ROOT / path).exists()


def test_there_are_at_least_ten_different_bugs() -> None:
    assert len({mutant.bug for mutant in MUTANTS}) == len(MUTANTS) >= 10

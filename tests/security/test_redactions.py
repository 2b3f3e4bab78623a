"""The canaries notice when a defence of secrets is gone: each is taken away in a copy of the source."""

import ast

import pytest
from crash_lab.mutants import Mutant, applied, hunt
from security_redactions import REDACTIONS

SECONDS = 1800
"""A story for each, and one without any bug; half a minute each where nothing else runs."""


@pytest.mark.parametrize("mutant", REDACTIONS, ids=lambda mutant: mutant.bug)
def test_a_defence_still_finds_its_place_and_leaves_valid_source(mutant: Mutant) -> None:
    ast.parse(applied(mutant))


@pytest.mark.timeout(SECONDS)
def test_each_defence_that_is_taken_away_is_noticed() -> None:
    told: list[str] = []
    assert len(REDACTIONS) >= 3
    assert hunt(REDACTIONS, told.append) == [], "\n".join(told)

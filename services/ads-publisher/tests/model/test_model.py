"""Does the protocol hold in every order in which things can happen, and is each of its guards needed?

The decisions are the saga's own; the store's guards, Meta and the network are the model's.
"""

from functools import cache

import pytest
from publish_model.explorer import MAX_ROWS, Findings, explore
from publish_model.reduction import reduced
from publish_model.rules import Rules
from publish_model.scenarios import AD_SET, DELETED_AND_KILLED, FULL, REMOVALS
from publish_model.world import World


def walk(name: str, world: World, rules: Rules, max_rows: int = MAX_ROWS) -> Findings:
    found = explore(world, rules, max_rows=max_rows)
    print(f"{name}: {found.states} states, {len(found.ends)} ends")  # noqa: T201 - shown by pytest -rP
    return found


@cache
def full_walk(name: str) -> Findings:
    return walk(name, FULL[name], Rules())


@pytest.mark.parametrize("name", FULL)
def test_with_every_guard_nothing_is_made_twice_lost_wrong_or_stuck(name: str) -> None:
    found = full_walk(name)
    assert found.bad is None, (found.bad, found.trace)
    assert found.cut == 0, "the walk must be whole"


@pytest.mark.parametrize("name", REMOVALS)
def test_a_guard_that_is_removed_is_missed_or_another_stands_behind_it(name: str) -> None:
    removal = REMOVALS[name]
    found = walk(name, removal.world, removal.rules, removal.max_rows)
    if removal.found is None:
        assert found.bad is None, (found.bad, found.trace)
        assert found.ends
        assert found.cut == 0
    else:
        assert found.bad is not None, removal.why
        assert found.bad.startswith(removal.found), (found.bad, found.trace)


def test_the_walks_reach_success_after_kills_zombies_adoption_and_a_new_attempt() -> None:
    """A model in which nothing good can happen would find nothing bad either."""
    start = FULL["one run, killed twice"]
    ends = [world for world in full_walk("one run, killed twice").ends if world.jobs[0].status == "done"]
    killed = [world for world in ends if world.budget.kills == 0]
    zombie = [world for world in ends if world.budget.takeovers < start.budget.takeovers]
    assert killed
    assert zombie
    for outcome in ("adopted", "absent"):
        assert any(row.outcome == outcome for world in killed for row in world.journal)
        assert any(row.outcome == outcome for world in zombie for row in world.journal)
    for world in ends:
        job = world.jobs[0]
        assert [thing.id for thing in world.live("campaign")] == [job.campaign_id]
        assert [thing.id for thing in world.live("adset")] == [job.adset_id]


def test_a_run_gives_up_only_after_five_creates_that_came_to_nothing() -> None:
    ends = full_walk("four creates absent before").ends
    given_up = [world for world in ends if world.jobs[0].status == "failed"]
    assert given_up
    for world in given_up:
        assert sum(row.outcome == "absent" for row in world.journal if row.job == 0) == 5
        assert not [thing for thing in world.things if thing.job == 0]


def test_a_second_run_uses_what_the_first_one_left() -> None:
    ends = full_walk("a second run after it").ends
    both = [world for world in ends if [job.status for job in world.jobs] == ["failed", "done"]]
    inherited = [world for world in both if world.things[0].job == 0]
    assert inherited
    for world in inherited:
        assert world.jobs[1].campaign_id == world.things[0].id
        assert len(world.live("campaign")) == 1


def test_leaving_out_what_cannot_matter_leaves_out_no_end() -> None:
    short = explore(AD_SET, Rules())
    long = explore(AD_SET, Rules(), reductions=False)
    assert len(short.ends) > 10
    assert long.states > short.states
    assert {reduced(world, Rules()) for world in long.ends} == set(short.ends)


def test_a_campaign_that_vanishes_under_a_killed_run_does_not_block_its_ad_account() -> None:
    found = walk("deleted and killed", DELETED_AND_KILLED, Rules())
    assert found.bad is None, (found.bad, found.trace)


def test_an_ad_set_left_alive_below_a_vanished_campaign_would_block_it() -> None:
    assert walk("deleted and killed", DELETED_AND_KILLED, Rules(gone_below=False)).bad is not None

"""Two hundred runs while services, Redis and Postgres crash and a third of the creates go wrong."""

import pytest
from crash_lab.chaos import CUSTOMERS, run_chaos
from crash_lab.nursery import Nursery

RUNS = 200
SEED = 20_240_613


@pytest.mark.timeout(420)
async def test_in_chaos_every_accepted_run_ends_with_one_campaign_and_one_ad_set(nursery: Nursery) -> None:
    outcome = await run_chaos(nursery, runs=RUNS, seed=SEED)
    assert outcome.verdicts == [], outcome.summary()
    assert len(outcome.presses) == RUNS
    assert sum(outcome.kills.values()) >= 10, outcome.summary()
    assert outcome.faults > RUNS * 0.3
    assert len({press.account for press in outcome.presses}) > CUSTOMERS

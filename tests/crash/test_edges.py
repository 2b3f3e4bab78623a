"""Creates that land late, extras that may or may not be swept, clocks that differ, limits that are near."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from crash_lab.checker import Verdict, check
from crash_lab.clients import Fleet, Press, accept, follow
from crash_lab.lab import Lab
from crash_lab.nursery import Nursery
from crash_lab.scenes import LATE_SECONDS, PATIENT_META, SWEEPING, arm_late_create
from e2e_driver import eventually

FINAL_SECONDS = 60.0
SWEPT_SECONDS = 60.0
STRICT_META = {"proof_seconds": 300, "clock_offset_seconds": 0.0}


@pytest_asyncio.fixture(scope="module")
async def lab(nursery: Nursery) -> AsyncIterator[Lab]:
    """A system whose sweeper looks after 1, 12, 18, 24 and 30 seconds."""
    async with Lab(nursery, overrides=SWEEPING) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def fleet(lab: Lab) -> AsyncIterator[Fleet]:
    """Four customers of one agency."""
    gathered = Fleet(lab, 4)
    await gathered.gather()
    yield gathered
    await gathered.leave()


@pytest_asyncio.fixture
async def presses(lab: Lab, fleet: Fleet) -> AsyncIterator[list[Press]]:
    """One publish for each customer, not yet pressed; Meta is itself again afterwards."""
    yield await fleet.next_batch()
    await lab.sandbox.clear_faults()
    await lab.sandbox.change_settings(**STRICT_META)


async def publish(lab: Lab, *presses: Press) -> None:
    await asyncio.gather(*(accept(press) for press in presses))
    until = time.monotonic() + FINAL_SECONDS
    await asyncio.gather(*(follow(press, until=until) for press in presses))
    lab.told += [press.told for press in presses if press.told]


async def judge(lab: Lab, *presses: Press, never_two: bool = True) -> list[Verdict]:
    """What is wrong with these runs; what other tests have left standing is theirs."""
    ours = {press.run_id for press in presses} | {""}
    return [found for found in check(await lab.books(), never_two=never_two) if found.run_id in ours]


async def ledger_of(lab: Lab, press: Press, event: str) -> list[dict[str, Any]]:
    """What happened to this run's objects at Meta."""
    entries = await lab.sandbox.ledger(account=press.account, kind=event)
    return [entry for entry in entries if entry.get("marker") == f"pa-run-{press.run_id}"]


async def extra_of(lab: Lab, press: Press, step: str) -> str:
    """The second object of a step, as soon as it is there."""

    async def made() -> list[str]:
        return [entry["id"] for entry in await ledger_of(lab, press, "created") if entry["kind"] == step]

    ids = await eventually(made, lambda found: len(found) == 2, seconds=LATE_SECONDS * 3)
    [extra] = set(ids) - {(await press.customer.run(press.run_id))[f"{step}Id"]}
    return extra


async def note_about(press: Press, object_id: str) -> str:
    """What the run's timeline says of an extra object, once the sweeper has looked."""

    async def notes() -> list[str]:
        steps = (await press.customer.run(press.run_id))["steps"]
        said = [step["message"] for step in steps]
        return [text for text in said if "second" in text and object_id in text]

    return (await eventually(notes, bool, seconds=SWEPT_SECONDS))[0]


async def test_a_create_that_arrives_after_the_window_is_refused_by_meta(
    lab: Lab, presses: list[Press]
) -> None:
    for press in presses:
        await arm_late_create(lab, press)
    await publish(lab, *presses)
    for press in presses:

        async def late(press: Press = press) -> list[dict[str, Any]]:
            # Refused before anyone looked whose ad account it is about.
            calls = await lab.sandbox.ledger(kind="call")
            return [
                call
                for call in calls
                if call.get("marker") == f"pa-run-{press.run_id}" and call.get("note") == "proof_expired"
            ]

        await eventually(late, bool, seconds=LATE_SECONDS * 2)
    assert await judge(lab, *presses) == []


async def test_a_lost_answer_is_never_answered_by_the_campaign_of_somebody_else(
    lab: Lab, fleet: Fleet, presses: list[Press]
) -> None:
    first, second = presses[0], presses[1]
    await publish(lab, first)
    await second.customer.select(first.account)
    second.account = first.account
    await lab.sandbox.arm("close", at="before_commit", step="campaign", account=first.account)
    await publish(lab, second)
    assert await judge(lab, first, second) == []


async def test_another_account_selected_during_a_run_ends_it_and_leaves_one_campaign_in_each(
    lab: Lab, fleet: Fleet, presses: list[Press]
) -> None:
    first = presses[0]
    await lab.sandbox.arm("close", at="before_commit", step="campaign", account=first.account)
    await accept(first)

    async def steps() -> list[dict[str, Any]]:
        return list((await first.customer.run(first.run_id))["steps"])

    await eventually(steps, lambda found: any(step["state"] == "checking" for step in found))
    elsewhere = (await fleet.next_batch())[0]
    await follow(first, until=time.monotonic() + FINAL_SECONDS)
    assert first.told
    assert (first.told.status, first.told.error) == (
        "failed",
        f"Another ad account was selected while this run was at work in {first.account}. Publish again.",
    )
    await publish(lab, elsewhere)
    await first.customer.select(first.account)
    back = Press(customer=first.customer, account=first.account)
    await publish(lab, back)
    lab.told.append(first.told)
    assert [found.detail for found in await judge(lab, first, elsewhere, back)] == [
        f"failed: {first.told.error}"
    ]


@pytest.mark.parametrize("step", ["campaign", "adset"])
async def test_an_extra_that_is_paused_and_unspent_is_deleted_and_the_run_says_so(
    lab: Lab, presses: list[Press], step: str
) -> None:
    press = presses[0]
    await lab.sandbox.change_settings(**PATIENT_META)
    await arm_late_create(lab, press, step=step)
    await publish(lab, press)
    extra = await extra_of(lab, press, step)
    assert "has been deleted" in await note_about(press, extra)
    assert [entry["id"] for entry in await ledger_of(lab, press, "deleted")] == [extra]
    assert await judge(lab, press, never_two=False) == []


async def test_an_extra_that_is_active_or_has_ads_or_has_spent_is_left_alone_and_the_run_says_why(
    lab: Lab, presses: list[Press]
) -> None:
    active, with_ads, spent = presses[:3]
    await lab.sandbox.change_settings(**PATIENT_META)
    for press in (active, with_ads, spent):
        await arm_late_create(lab, press)
    await publish(lab, active, with_ads, spent)
    extras = [await extra_of(lab, press, "campaign") for press in (active, with_ads, spent)]
    await lab.sandbox.activate(extras[0], persona="ben")
    await lab.sandbox.change_object(extras[1], ad_ids=["1"])
    await lab.sandbox.change_object(extras[2], spend="0.01")
    reasons = ("its status is ACTIVE", "it has ads", "it has spent money")
    for press, extra, reason in zip((active, with_ads, spent), extras, reasons, strict=True):
        said = await note_about(press, extra)
        assert "left alone" in said
        assert reason in said
        assert await ledger_of(lab, press, "deleted") == []


@pytest.mark.parametrize("offset_seconds", [600.0, -600.0])
async def test_with_metas_clock_ten_minutes_off_one_campaign_is_made_even_when_its_answer_is_lost(
    lab: Lab, presses: list[Press], offset_seconds: float
) -> None:
    plain, lost = presses[:2]
    await lab.sandbox.change_settings(clock_offset_seconds=offset_seconds)
    # The first try is refused for its proof; the answer that gets lost is the second one's.
    await lab.sandbox.arm("reset", at="after_commit", step="campaign", account=lost.account)
    await publish(lab, plain, lost)
    assert [press.told and press.told.status for press in (plain, lost)] == ["success", "success"]
    assert await judge(lab, plain, lost) == []
    for press in (plain, lost):
        kinds = [entry["kind"] for entry in await ledger_of(lab, press, "created")]
        assert kinds == ["campaign", "adset"]


async def test_an_account_near_its_limit_goes_slowly_and_another_one_does_not(
    lab: Lab, presses: list[Press]
) -> None:
    near, free = presses[:2]
    await lab.sandbox.change_account(near.account, usage_percent=80)
    await publish(lab, near, free)
    await lab.sandbox.change_account(near.account, usage_percent=0)
    assert [press.told and press.told.status for press in (near, free)] == ["success", "success"]
    slow, quick = ((press.final_at or 0.0) - press.accepted_at for press in (near, free))
    assert slow > 7.0
    assert quick < slow - 3.0
    steps = (await near.customer.run(near.run_id))["steps"]
    assert any(step["message"].startswith("Waiting for Meta until") for step in steps)

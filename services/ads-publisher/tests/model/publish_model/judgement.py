"""What must hold in every state, and in the end."""

from ads_publisher.saga import Step
from publish_model.world import Job, Thing, World


def problem(world: World) -> str | None:
    """What is wrong in this state, if anything."""
    found = _twice(world, "campaign") or _twice(world, "adset")
    for job in world.jobs:
        found = found or _wrong_answer(world, job)
    return found or (_ghost(world) if world.over else None)


def _twice(world: World, step: Step) -> str | None:
    live = world.live(step)
    runs = [thing.job for thing in live]
    if len(set(runs)) < len(runs):
        return f"duplicate: one run has two live {step}s"
    parents = [thing.parent_id for thing in live]
    if len(set(parents)) < len(parents):
        return f"second {step}: a later run made its own beside one that stands"
    return None


def _wrong_answer(world: World, job: Job) -> str | None:
    if job.status != "done":
        return None
    things = {(thing.step, thing.id): thing for thing in world.things}
    campaign = things.get(("campaign", job.campaign_id or ""))
    adset = things.get(("adset", job.adset_id or ""))
    if campaign is None or adset is None:
        return "wrong: the run names what never was at Meta"
    # Nothing vanishes at Meta but by a user's hand, so what was there once is right.
    return None if adset.parent_id == campaign.id else "wrong: the ad set is not below the run's campaign"


def _ghost(world: World) -> str | None:
    """In the end every live object is journaled, or the journal says that it is not known yet."""
    for thing in (*world.live("campaign"), *world.live("adset")):
        if not any(row.alive and row.object_id == thing.id for row in world.journal) and not _doubted(
            world, thing
        ):
            return f"ghost: a live {thing.step} that the journal does not know"
    return None


def _doubted(world: World, thing: Thing) -> bool:
    return any(
        row.unsettled and (row.job, row.step, row.parent_id) == (thing.job, thing.step, thing.parent_id)
        for row in world.journal
    )

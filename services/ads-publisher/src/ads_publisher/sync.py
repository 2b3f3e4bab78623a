"""The other use case: refresh what Meta says about the objects that were created. Reads only."""

from functools import partial

from ads_publisher import store
from ads_publisher.endings import tell_end
from ads_publisher.meta_calls import about
from ads_publisher.outcomes import ReadFailed
from ads_publisher.publish import allowed, start
from ads_publisher.reconcile import Standing, look_at
from ads_publisher.run import Run
from ads_publisher.settling import read_failed
from contracts.events import ObjectsSyncedBody, RunSucceededBody


async def sync(run: Run) -> None:
    """Look at campaign and ad set; what is gone is forgotten, so that the next publish creates it again.

    Raises:
        LeaseLost: another process has taken the job over.
        Unavailable: the database or meta-auth does not answer.
    """
    start(run)
    if run.settings.mode == "sim":
        await _end(run, "Simulated: there is nothing at Meta to look at.")
    elif await allowed(run):
        try:
            with about("sync"):
                await _refresh(run)
        except ReadFailed as exc:
            await read_failed(run, exc, "sync")


async def _refresh(run: Run) -> None:
    _ = await run.load_journal()
    if run.campaign_id is None:
        await _end(run, "Nothing has been created in this ad account yet.")
        return
    campaign = await look_at(run.graph, run.access, run.campaign_id)
    adset = await look_at(run.graph, run.access, run.adset_id) if run.adset_id else None
    await _tell(run, campaign, adset)


async def _tell(run: Run, campaign: Standing, adset: Standing | None) -> None:
    async with run.report() as news:
        for standing in (campaign, adset):
            if standing is not None and standing.gone:
                news.change(store.record_gone, customer_id=run.job.customer_id, object_id=standing.object_id)
        run.campaign_id = None if campaign.gone else campaign.object_id
        run.adset_id = None if adset is None or adset.gone else adset.object_id
        news.tell(
            ObjectsSyncedBody,
            message=_sentence("campaign", campaign) + (" " + _sentence("ad set", adset) if adset else ""),
            ad_account_id=run.access.ad_account_id,
            campaign_id=run.campaign_id,
            adset_id=run.adset_id,
            campaign_status=campaign.status,
            adset_status=adset.status if adset else None,
        )
    await _end(run, "Refreshed from Meta.")


def _sentence(name: str, standing: Standing) -> str:
    said = "no longer at Meta" if standing.gone else str(standing.status)
    return f"The {name} {standing.object_id} is {said}."


async def _end(run: Run, message: str) -> None:
    async with run.report() as news:
        news.tell(
            RunSucceededBody,
            message=message,
            mode=run.settings.mode,
            campaign_id=run.campaign_id,
            adset_id=run.adset_id,
        )
        news.end("done")
        news.after_commit(partial(tell_end, run.job))

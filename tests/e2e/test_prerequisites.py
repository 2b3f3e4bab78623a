"""Every text that a run can fail with before anything is sent."""

from collections.abc import Callable

import pytest
from e2e_driver import Advertiser, Sandbox, eventually
from e2e_system import System

NewAccount = Callable[[], str]


async def failure(advertiser: Advertiser) -> str:
    run = await advertiser.publish()
    assert run["status"] == "failed"
    told = [entry["type"] for entry in run["steps"]]
    assert (told[0], told[-1]) == ("RUN_STARTED", "RUN_FAILED")
    return str(run["errorMessage"])


async def test_without_settings(advertiser: Advertiser) -> None:
    assert await failure(advertiser) == "Ad settings not found. Configure ads settings first."


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"geoRadiusKm": None}, "Invalid geo config: radius mode requires center and radius"),
        ({"geoMode": "regions"}, "Invalid geo config: regions mode requires at least one region"),
    ],
)
async def test_with_incomplete_geo_settings(
    advertiser: Advertiser, changes: dict[str, object], text: str
) -> None:
    assert (await advertiser.save(**changes))["status"] == "draft"
    assert await failure(advertiser) == text


async def test_without_a_connection(advertiser: Advertiser) -> None:
    await advertiser.save()
    text = "Meta connection not found or not connected. Connect Meta account first."
    assert await failure(advertiser) == text


async def test_without_a_selected_account(advertiser: Advertiser) -> None:
    await advertiser.connect(persona="ben")
    await advertiser.save()
    assert await failure(advertiser) == "No ad account selected. Select an ad account in Settings → Meta."


async def test_the_development_placeholder_is_never_used_for_a_real_write(
    advertiser: Advertiser, sandbox: Sandbox
) -> None:
    await advertiser.post("/meta/dev-connect", {})
    [account] = (await advertiser.get("/meta/ad-accounts"))["data"]
    await advertiser.select(account["id"])
    await advertiser.save()
    seen = len(await sandbox.ledger(kind="call"))
    assert await failure(advertiser) == "Invalid Meta access token. Reconnect Meta account."
    assert len(await sandbox.ledger(kind="call")) == seen


async def test_the_three_modes_and_a_switch_between_them(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    real, sim = "ALLOW_REAL_META_WRITE", "ALLOW_DEV_ADS_PUBLISH_SIM"
    try:
        await stack.restart("ads-publisher", env={real: "false", sim: "false"})
        text = "Ads publish is disabled. Enable ALLOW_REAL_META_WRITE=true or ALLOW_DEV_ADS_PUBLISH_SIM=true."
        assert await failure(advertiser) == text
        await stack.restart("ads-publisher", env={sim: "true"})
        run = await advertiser.publish_to_success()
        objects = await advertiser.get("/ads/objects")
        customer = str(advertiser.customer_id)[:8]
        assert run["mode"] == "sim"
        assert {objects[f"{kind}Id"] for kind in ("campaign", "adset", "ad", "catalog")} == {
            f"dev-{kind}-{customer}" for kind in ("campaign", "adset", "ad", "catalog")
        }
        assert objects["status"] == "paused"
        assert await sandbox.objects(account) == []
    finally:
        await stack.restart("ads-publisher", env={real: "true", sim: "false"})
    run = await advertiser.publish_to_success()
    assert run["mode"] == "real"
    assert run["campaignId"].isdigit()
    objects = await advertiser.get("/ads/objects")
    assert (objects["campaignId"], objects["adsetId"]) == (run["campaignId"], run["adsetId"])
    assert (objects["adId"], objects["catalogId"]) == (None, None)


async def test_an_expired_graph_version_is_refused_or_upgraded_and_said_so(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount, stack: System
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    try:
        await stack.restart("ads-publisher", env={"META_GRAPH_VERSION": "v21.0"})
        assert (await failure(advertiser)).startswith("2635: ")
        status = await eventually(
            advertiser.status, lambda seen: seen["derived"]["publisher"]["graphVersion"] == "v21.0"
        )
        assert "2635" in status["derived"]["publisher"]["hint"]
        await sandbox.change_settings(version_gate="upgrade")
        run = await advertiser.publish_to_success()
        assert any("auto-upgraded" in step["message"] for step in run["steps"])
    finally:
        await sandbox.change_settings(version_gate="refuse")
        await stack.restart("ads-publisher", env={"META_GRAPH_VERSION": "v25.0"})

"""One publish, from the press of the button to the objects at Meta and back."""

from collections.abc import Callable

from e2e_driver import Advertiser, Sandbox

NewAccount = Callable[[], str]


async def test_a_publish_creates_one_paused_campaign_with_one_paused_ad_set(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    run = await advertiser.publish_to_success()
    campaign, adset = sorted(await sandbox.objects(account), key=lambda row: row["kind"] != "campaign")
    assert (campaign["name"], adset["name"]) == ("Project Auto - Test Campaign", "Project Auto - Test Ad Set")
    assert (campaign["status"], adset["status"]) == ("PAUSED", "PAUSED")
    assert adset["parent_id"] == campaign["id"]
    assert campaign["labels"] == adset["labels"] == [f"pa-run-{run['id']}"]
    assert (run["campaignId"], run["adsetId"]) == (campaign["id"], adset["id"])
    assert run["adAccountId"] == account
    objects = await advertiser.get("/ads/objects")
    assert (objects["campaignId"], objects["adsetId"]) == (campaign["id"], adset["id"])
    assert objects["status"] == "paused"
    status = await advertiser.status()
    assert status["settings"]["status"] == "ready"
    assert status["settings"]["lastPublishedAt"] is not None
    assert status["settings"]["lastError"] is None
    assert status["derived"]["metaWriteMode"] == "real"


async def test_what_leaves_for_meta_is_what_was_agreed(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await advertiser.publish_to_success()
    calls = await sandbox.ledger(account=account, kind="call")
    posts = [call for call in calls if call["method"] == "POST"]
    assert [call["step"] for call in posts] == ["campaign", "adset"]
    assert posts[1]["params"]["daily_budget"] == "10000"
    assert '"SE"' in str(posts[1]["params"]["targeting"]).replace("'", '"')
    assert not any(call["token_in_url"] for call in await sandbox.ledger(kind="call"))


async def test_the_timeline_tells_every_step_in_order(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    run = await advertiser.publish_to_success()
    told = [(step["step"], step["state"]) for step in run["steps"]]
    assert [pair for pair in told if pair[0] in ("campaign", "adset")] == [
        ("campaign", "started"),
        ("campaign", "done"),
        ("adset", "started"),
        ("adset", "done"),
    ]
    versions = [step["version"] for step in run["steps"]]
    assert versions == list(range(1, len(versions) + 1))


async def test_publishing_again_creates_nothing_new(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    first = await advertiser.publish_to_success()
    second = await advertiser.publish_to_success()
    assert second["id"] != first["id"]
    assert (second["campaignId"], second["adsetId"]) == (first["campaignId"], first["adsetId"])
    assert len(await sandbox.created(account, "campaign")) == 1
    assert len(await sandbox.created(account, "adset")) == 1


async def test_what_is_gone_at_meta_is_created_again_and_only_that(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    first = await advertiser.publish_to_success()
    await sandbox.delete(first["adsetId"], persona="ben")
    second = await advertiser.publish_to_success()
    assert second["campaignId"] == first["campaignId"]
    assert second["adsetId"] != first["adsetId"]
    await sandbox.delete(first["campaignId"], persona="ben")
    third = await advertiser.publish_to_success()
    assert third["campaignId"] != first["campaignId"]
    assert third["adsetId"] not in (first["adsetId"], second["adsetId"])


async def test_a_budget_that_is_too_low_leaves_one_campaign_that_the_next_publish_uses(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    await advertiser.save(budgetOverride=30)
    failed = await advertiser.publish()
    assert failed["status"] == "failed"
    assert failed["errorMessage"].startswith("100 (sub 1885272): ")
    assert failed["errorMessage"].endswith("Raise the budget in Ads → Setup.")
    status = await advertiser.status()
    assert status["settings"]["status"] == "error"
    assert status["settings"]["lastError"] == failed["errorMessage"]
    assert status["objects"]["status"] == "error"
    assert status["objects"]["campaignId"] == failed["campaignId"]
    [campaign] = await sandbox.created(account, "campaign")
    saved = await advertiser.save(budgetOverride=3000)
    assert (saved["status"], saved["lastError"]) == ("ready", None)
    run = await advertiser.publish_to_success()
    assert run["campaignId"] == campaign
    assert await sandbox.created(account, "campaign") == [campaign]


async def test_missing_dsa_names_leave_one_campaign_that_the_next_publish_uses(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await advertiser.set_up(account)
    failed = await advertiser.publish()
    assert failed["status"] == "failed"
    assert "META_DSA_BENEFICIARY" in failed["errorMessage"]
    [campaign] = await sandbox.created(account, "campaign")
    await sandbox.name_owner(account)
    run = await advertiser.publish_to_success()
    assert run["campaignId"] == campaign
    assert await sandbox.created(account, "campaign") == [campaign]


async def test_another_ad_account_gets_objects_of_its_own(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    one, two = new_account(), new_account()
    for account in (one, two):
        await sandbox.name_owner(account)
    await advertiser.set_up(one)
    first = await advertiser.publish_to_success()
    await advertiser.select(two)
    second = await advertiser.publish_to_success()
    assert second["campaignId"] != first["campaignId"]
    assert (await advertiser.get("/ads/objects"))["campaignId"] == second["campaignId"]
    await advertiser.select(one)
    back = await advertiser.publish_to_success()
    assert (back["campaignId"], back["adsetId"]) == (first["campaignId"], first["adsetId"])
    for account in (one, two):
        assert len(await sandbox.created(account, "campaign")) == 1


async def test_an_account_in_yen_gets_a_default_budget_that_meta_accepts(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await sandbox.change_account(account, currency="JPY")
    await advertiser.set_up(account)
    await advertiser.save(budgetOverride=None)
    await advertiser.publish_to_success()


async def test_a_sync_says_what_meta_says(
    advertiser: Advertiser, sandbox: Sandbox, new_account: NewAccount
) -> None:
    account = new_account()
    await sandbox.name_owner(account)
    await advertiser.set_up(account)
    run = await advertiser.publish_to_success()
    await sandbox.delete(run["adsetId"], persona="ben")
    started = await advertiser.post("/ads/sync", {})
    synced = await advertiser.finished(started["runId"])
    assert synced["status"] == "success"
    objects = await advertiser.get("/ads/objects")
    assert (objects["campaignId"], objects["adsetId"]) == (run["campaignId"], None)
    assert objects["lastSyncedAt"] is not None
    assert (await advertiser.status())["settings"]["lastSyncedAt"] is not None

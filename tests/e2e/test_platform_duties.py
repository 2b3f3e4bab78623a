"""Meta's callbacks on the whole system: what is queued stops, and what came from Meta is gone everywhere."""

import base64
import hmac
import json
import time
from hashlib import sha256
from typing import Any

import asyncpg
import httpx
import pytest_asyncio
from e2e_driver import Advertiser, Sandbox, eventually
from e2e_system import System, database_url

from local_stack.services import ADS_PUBLISHER

ADA_FIRST = "act_101500000000001"
NOT_ERASED = {"audit_log"}
"""What the audit log keeps, and why, is said in docs/data-deletion.md."""


@pytest_asyncio.fixture
async def ada(advertiser: Advertiser) -> Advertiser:
    """A customer who is connected as Ada, and ready to publish to her first ad account."""
    await advertiser.set_up(ADA_FIRST, persona="ada")
    return advertiser


async def tell(stack: System, path: str, customer: Advertiser) -> dict[str, Any]:
    """Send what Meta sends about the person behind this customer's connection."""
    user_id = (await customer.get("/meta/status"))["metaUserId"]
    payload = {"user_id": user_id, "algorithm": "HMAC-SHA256", "issued_at": int(time.time())}
    part = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=")
    secret = stack.credentials.app_secret.encode()
    signature = base64.urlsafe_b64encode(hmac.digest(secret, part, sha256)).rstrip(b"=")
    async with httpx.AsyncClient(base_url=stack.gateway_url, trust_env=False) as meta:
        answer = await meta.post(path, data={"signed_request": f"{signature.decode()}.{part.decode()}"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_queued_run_of_who_removed_the_app_fails_plainly_and_creates_nothing(
    ada: Advertiser, sandbox: Sandbox, stack: System
) -> None:
    before = await sandbox.created(ADA_FIRST, "campaign")
    await stack.stop(ADS_PUBLISHER)
    started = await ada.start_publish()
    assert await tell(stack, "/meta/deauthorize", ada) == {"success": True}
    await stack.start(ADS_PUBLISHER)
    run = await ada.finished(started["runId"])
    assert run["status"] == "failed"
    assert run["errorMessage"] == "Meta connection not found or not connected. Connect Meta account first."
    assert await sandbox.created(ADA_FIRST, "campaign") == before


async def test_a_deletion_reaches_every_service_and_leaves_the_bare_facts(
    ada: Advertiser, stack: System
) -> None:
    run = await ada.publish_to_success()
    objects = await ada.get("/ads/objects")
    user_id = (await ada.get("/meta/status"))["metaUserId"]
    canaries = [user_id, "Ada Lindqvist", ADA_FIRST, objects["campaignId"], objects["adsetId"]]
    assert await found(stack, ada, canaries) == canaries

    answer = await tell(stack, "/meta/data-deletion", ada)
    left = await eventually(lambda: found(stack, ada, canaries), lambda seen: not seen, seconds=60)
    assert left == []
    page = (await ada.request("GET", answer["url"])).text
    assert "Your data have been deleted" in page
    kept = await ada.run(run["id"])
    assert (kept["status"], kept["campaignId"], kept["steps"]) == ("success", None, [])
    assert kept["finishedAt"] == run["finishedAt"]
    assert (await ada.get("/meta/status"))["status"] == "disconnected"

    await ada.set_up(ADA_FIRST, persona="ada")
    assert (await ada.publish())["status"] == "success"


async def found(stack: System, customer: Advertiser, canaries: list[str]) -> list[str]:
    """Which of these are in a row that belongs to the customer, whatever the table."""
    connection = await asyncpg.connect(database_url(stack))
    try:
        tables = await connection.fetch(
            "SELECT table_schema || '.' || table_name AS name FROM information_schema.tables"
            " WHERE table_schema IN ('gateway', 'meta_auth', 'ads_publisher')"
        )
        names = [row["name"] for row in tables if row["name"].split(".")[1] not in NOT_ERASED]
        runs = [
            str(row["id"])
            for row in await connection.fetch(
                "SELECT id FROM gateway.ad_runs WHERE customer_id = $1", customer.customer_id
            )
        ]
        jobs = [
            str(row["id"])
            for row in await connection.fetch(
                "SELECT id FROM ads_publisher.publish_jobs WHERE customer_id = $1", customer.customer_id
            )
        ]
        owners = [str(customer.customer_id), *runs, *jobs]
        texts = [str(dict(row)) for name in names for row in await connection.fetch(f"SELECT * FROM {name}")]
    finally:
        await connection.close()
    theirs = [text for text in texts if any(owner in text for owner in owners)]
    return [each for each in canaries if any(each in text for text in theirs)]

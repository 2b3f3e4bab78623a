"""`/ads/settings` and `/ads/status`, and the fixed answers of later steps."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateway_harness import SETTINGS, NewPerson, Person, Publisher, StartGateway, eventually

from chassis.database import Connection

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SETTINGS_KEYS = [
    "id",
    "geoMode",
    "geoCenterText",
    "geoRadiusKm",
    "geoRegionsJson",
    "formatsJson",
    "ctaType",
    "budgetOverride",
    "status",
    "lastSyncedAt",
    "lastPublishedAt",
    "lastError",
    "createdAt",
    "updatedAt",
]


# --- settings


async def test_settings_are_created_then_replaced_as_a_whole(person: Person) -> None:
    first = await person.post("/ads/settings", SETTINGS, status=201)
    assert list(first) == SETTINGS_KEYS
    assert {key: first[key] for key in SETTINGS} == SETTINGS
    assert first["status"] == "ready"
    assert TIME.fullmatch(first["createdAt"])
    second = await person.post(
        "/ads/settings",
        {"geoMode": "regions", "geoRegionsJson": ["Skåne", " Uppland "], "formatsJson": ["video"]},
        status=200,
    )
    assert second["id"] == first["id"]
    assert (second["geoCenterText"], second["geoRadiusKm"], second["budgetOverride"]) == (None, None, None)
    assert second["geoRegionsJson"] == ["Skåne", "Uppland"]
    assert second["ctaType"] == "learn_more"
    assert (await person.get("/ads/status"))["settings"] == second


async def test_optional_fields_accept_null(person: Person) -> None:
    body = {
        "geoMode": "radius",
        "geoCenterText": None,
        "geoRadiusKm": None,
        "geoRegionsJson": None,
        "formatsJson": ["feed"],
        "ctaType": None,
        "budgetOverride": None,
    }
    assert (await person.post("/ads/settings", body, status=201))["status"] == "draft"


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, "ready"),
        ({"geoCenterText": None}, "draft"),
        ({"geoCenterText": "  "}, "draft"),
        ({"geoRadiusKm": None}, "draft"),
        ({"geoMode": "regions"}, "draft"),
        ({"geoMode": "regions", "geoRegionsJson": []}, "draft"),
        ({"geoMode": "regions", "geoRegionsJson": ["Skåne"]}, "ready"),
        ({"geoRadiusKm": 1}, "ready"),
        ({"geoRadiusKm": 80}, "ready"),
        ({"budgetOverride": 0.5}, "ready"),
    ],
)
async def test_incomplete_settings_are_a_draft(reader: Person, changed: dict[str, Any], status: str) -> None:
    saved = await reader.post("/ads/settings", {**SETTINGS, **changed})
    assert saved["status"] == status


@pytest.mark.parametrize(
    ("changed", "path", "message"),
    [
        ({"geoMode": None}, ["geoMode"], None),
        ({"geoMode": "moon"}, ["geoMode"], None),
        ({"geoRadiusKm": 0}, ["geoRadiusKm"], None),
        ({"geoRadiusKm": 81}, ["geoRadiusKm"], "geoRadiusKm must be at most 80"),
        ({"geoRadiusKm": 2.5}, ["geoRadiusKm"], None),
        ({"geoRadiusKm": "25"}, ["geoRadiusKm"], None),
        ({"geoRegionsJson": "Skåne"}, ["geoRegionsJson"], None),
        ({"geoRegionsJson": [5]}, ["geoRegionsJson", 0], None),
        ({"formatsJson": []}, ["formatsJson"], "At least one format required"),
        ({"formatsJson": None}, ["formatsJson"], "At least one format required"),
        ({"formatsJson": ["print"]}, ["formatsJson", 0], None),
        ({"formatsJson": "feed"}, ["formatsJson"], None),
        ({"ctaType": "run"}, ["ctaType"], None),
        ({"budgetOverride": 0}, ["budgetOverride"], None),
        ({"budgetOverride": -1}, ["budgetOverride"], "budgetOverride must be greater than 0"),
        ({"budgetOverride": "3000"}, ["budgetOverride"], "budgetOverride must be a number"),
        ({"budgetOverride": True}, ["budgetOverride"], "budgetOverride must be a number"),
        ({"budgetOverride": 1e300}, ["budgetOverride"], None),
    ],
)
async def test_settings_that_do_not_fit_say_which_field(
    reader: Person, changed: dict[str, Any], path: list[str | int], message: str | None
) -> None:
    answer = await reader.http.post("/ads/settings", json={**SETTINGS, **changed})
    body = answer.json()
    assert (answer.status_code, body["error"]) == (400, "VALIDATION_ERROR")
    assert body["issues"][0]["path"] == path
    assert body["message"] == (message or body["issues"][0]["message"])


async def test_fields_that_are_not_known_are_ignored(person: Person) -> None:
    saved = await person.post("/ads/settings", {**SETTINGS, "colour": "red"}, status=201)
    assert list(saved) == SETTINGS_KEYS
    for path in ("/ads/publish", "/ads/sync"):
        await person.post(path, {"budget": 5}, status=201)


@pytest.mark.parametrize("missing", ["geoMode", "formatsJson"])
async def test_mode_and_formats_are_required(reader: Person, missing: str) -> None:
    body = {key: value for key, value in SETTINGS.items() if key != missing}
    answer = await reader.http.post("/ads/settings", json=body)
    assert answer.status_code == 400
    assert answer.json()["issues"][0]["path"] == [missing]


# --- status


async def test_the_status_of_a_new_customer_is_complete(person: Person, publisher: Publisher) -> None:
    answer = await person.http.get("/ads/status")
    body = answer.json()
    assert list(body) == ["prerequisites", "derived", "settings", "objects", "lastRuns"]
    assert body["prerequisites"] == {
        "website": {"ok": True, "hint": None, "link": "/connect-website", "required": False},
        "inventory": {"ok": True, "count": 0, "hint": None, "required": False},
        "templates": {"ok": True, "hint": None, "link": "/templates", "required": False},
        "meta": {
            "ok": False,
            "hint": "Connect your Meta account",
            "link": "/settings#meta",
            "required": True,
        },
    }
    assert '"budget":{"defaultMonthly":3000,"currency":"USD","effective":3000}' in answer.text
    assert (body["settings"], body["objects"], body["lastRuns"]) == (None, None, [])
    assert answer.text.count('"metaWriteMode":"') == 1


@pytest.mark.parametrize("mode", ["real", "sim", "disabled"])
async def test_the_mode_is_what_the_running_publisher_reports(
    reader: Person, publisher: Publisher, mode: str
) -> None:
    await publisher.redis.delete("presence:ads-publisher")
    await publisher.appear(mode)

    async def derived() -> dict[str, Any]:
        return dict((await reader.get("/ads/status"))["derived"])

    seen = await eventually(
        derived, lambda found: found["metaWriteMode"] == mode and found["publisher"]["seen"]
    )
    assert {**seen["publisher"], "lastSeenAt": None} == {
        "seen": True,
        "mode": mode,
        "version": "0.1.0",
        "graphVersion": "v25.0",
        "lastSeenAt": None,
        "hint": None,
    }


async def test_of_several_publishers_the_newest_report_counts_and_junk_does_not(
    reader: Person, publisher: Publisher
) -> None:
    await publisher.redis.delete("presence:ads-publisher")
    await publisher.redis.hset("presence:ads-publisher", "junk", b"\xff{")
    old = {"mode": "sim", "version": "0", "instance": "old", "at": "2026-01-01T00:00:00.000Z"}
    await publisher.redis.hset("presence:ads-publisher", "old", json.dumps(old))
    await publisher.appear("real", graphWarning="v21.0 has ended")

    async def derived() -> dict[str, Any]:
        return dict((await reader.get("/ads/status"))["derived"])

    seen = await eventually(derived, lambda found: found["publisher"]["hint"] == "v21.0 has ended")
    assert seen["metaWriteMode"] == "real"


async def test_without_a_publisher_the_mode_is_disabled_and_says_why(
    start_gateway: StartGateway, publisher: Publisher, new_person: NewPerson
) -> None:
    await publisher.redis.delete("presence:ads-publisher")
    await publisher.appear("real", at=datetime.now(UTC) - timedelta(seconds=42))
    someone = await new_person(start_gateway(RERING_AFTER_SECONDS="600"))
    derived = (await someone.get("/ads/status"))["derived"]
    assert derived["metaWriteMode"] == "disabled"
    assert derived["publisher"]["seen"] is False
    assert re.fullmatch(
        r"No publisher has been seen for \d\d+ s\. Runs wait in the queue until one is back\.",
        derived["publisher"]["hint"],
    )


async def test_the_budget_is_the_customers_or_a_default_that_the_account_allows(
    person: Person, admin: Connection
) -> None:
    await admin.execute(
        "INSERT INTO meta_connections_view VALUES ($1, 1, 'connected', '1', 'act_1', 'JPY', 150)",
        person.me["customerId"],
    )
    budget = (await person.get("/ads/status"))["derived"]["budget"]
    assert budget == {"defaultMonthly": 4500, "currency": "JPY", "effective": 4500}
    await person.post("/ads/settings", {**SETTINGS, "budgetOverride": 99.5})
    budget = (await person.get("/ads/status"))["derived"]["budget"]
    assert budget == {"defaultMonthly": 4500, "currency": "JPY", "effective": 99.5}


async def test_the_status_shows_at_most_ten_runs_newest_first(person: Person, publisher: Publisher) -> None:
    runs = []
    for _ in range(11):
        runs.append(await person.publish())
        await publisher.finish(runs[-1])
    last = (await person.get("/ads/status"))["lastRuns"]
    assert [run["id"] for run in last] == [str(run.run_id) for run in reversed(runs)][:10]


# --- later steps


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/inventory/items", '{"data":[],"source":null}'),
        ("/templates/config", "null"),
        (
            "/onboarding/status",
            (
                '{"status":"completed","companyInfoCompleted":true,"budgetInfoCompleted":true,"companyName":null,'
                '"companyWebsite":null,"monthlyBudgetAmount":null,"budgetCurrency":"USD"}'
            ),
        ),
    ],
)
async def test_later_steps_answer_harmlessly(reader: Person, path: str, body: str) -> None:
    answer = await reader.http.get(path)
    assert (answer.status_code, answer.text) == (200, body)

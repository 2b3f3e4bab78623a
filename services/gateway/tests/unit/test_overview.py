"""What `/ads/status` derives, and which of the two error bodies a path answers with."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis
from run_samples import a_run

from chassis.errors import (
    AppError,
    Conflict,
    Internal,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    Unavailable,
    ValidationFailed,
)
from contracts.errors import ErrorBody
from gateway.app import body_for
from gateway.bodies.ads import RunView
from gateway.guard import ForeignCustomer, NoCustomer, NotLoggedIn
from gateway.overview import budget, run_view, settings_view
from gateway.presence import Presence, PresenceReader, PublisherReport
from gateway.publishing import UnknownRun
from gateway.store.ads import AdSettings, ConnectionView
from gateway.store.runs import AdRun

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FLAT = [ValidationFailed("x"), Conflict("x"), PayloadTooLarge("x"), Unavailable("x"), UnknownRun()]
NESTED = [
    NotLoggedIn("x", hint="y"),
    NoCustomer(),
    ForeignCustomer(),
    NotFound("no such route"),
    MethodNotAllowed("x"),
    Internal("x"),
]


@pytest.mark.parametrize("error", FLAT)
@pytest.mark.parametrize("path", ["/meta/status", "/ads/publish", "/runs"])
def test_handlers_of_meta_ads_and_runs_answer_flat(path: str, error: AppError) -> None:
    assert isinstance(body_for(path, error), ErrorBody)


@pytest.mark.parametrize("error", NESTED)
@pytest.mark.parametrize("path", ["/meta/status", "/ads/publish", "/runs"])
def test_guard_unknown_routes_and_bugs_answer_nested_everywhere(path: str, error: AppError) -> None:
    assert not isinstance(body_for(path, error), ErrorBody)


@pytest.mark.parametrize("error", [*FLAT, *NESTED])
@pytest.mark.parametrize("path", ["/signup", "/auth/login", "/health", "/metadata", "/adsense"])
def test_other_paths_always_answer_nested(path: str, error: AppError) -> None:
    assert not isinstance(body_for(path, error), ErrorBody)


def _view(currency: str | None, minimum: int | None) -> ConnectionView:
    return ConnectionView(
        version=1,
        status="connected",
        meta_user_id="1",
        ad_account_id="act_1",
        currency=currency,
        min_daily_budget_minor=minimum,
    )


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (None, ("USD", 3000)),
        (_view(None, None), ("USD", 3000)),
        (_view("SEK", 900), ("SEK", 3000)),
        (_view("SEK", 15_000), ("SEK", 4500)),
        (_view("JPY", 150), ("JPY", 4500)),
    ],
)
def test_the_default_budget_is_raised_to_thirty_days_of_the_accounts_minimum(
    view: ConnectionView | None, expected: tuple[str, int]
) -> None:
    found = budget(Decimal(3000), None, view)
    assert (found.currency, found.default_monthly) == expected
    assert found.effective == found.default_monthly


async def test_a_publisher_counts_for_twenty_seconds_after_its_last_report() -> None:
    reader = PresenceReader(redis=Redis())
    now = datetime.now(UTC)
    assert reader.current(now) == Presence(seen=False, last=None, silent_seconds=None)
    reader._last = PublisherReport(mode="real", version="1", instance="a", at=now)
    assert reader.current(now + timedelta(seconds=19)).seen is True
    silent = reader.current(now + timedelta(seconds=21))
    assert silent.seen is False
    assert silent.hint == ("No publisher has been seen for 21 s. Runs wait in the queue until one is back.")


def _run(status: str) -> AdRun:
    return a_run(
        status=status,
        mode="real",
        ad_account_id="act_1",
        error_message="Zürich \u2028 <&>",
        last_version=3,
        created_at=NOW,
        started_at=NOW + timedelta(microseconds=999),
    )


def test_a_run_is_shown_as_pydantic_itself_would_read_it() -> None:
    """`body_from` is only a quicker way to the same body."""
    run = _run("running")
    assert run_view(run) == RunView.model_validate(run, from_attributes=True)
    assert '"createdAt":"2026-01-01T00:00:00.000Z"' in run_view(run).to_json()


def test_what_a_body_cannot_say_is_refused_when_it_is_made() -> None:
    with pytest.raises(ValidationError, match="status"):
        _ = run_view(_run("asleep"))


def test_settings_are_shown_under_the_names_of_the_contract() -> None:
    settings = AdSettings(
        id=uuid4(),
        geo_mode="regions",
        geo_center_text=None,
        geo_radius_km=None,
        geo_regions=["SE"],
        formats=["feed"],
        cta_type="sign_up",
        budget_override=Decimal("99.5"),
        status="ready",
        last_synced_at=None,
        last_published_at=None,
        last_error=None,
        created_at=NOW,
        updated_at=NOW,
    )
    shown = settings_view(settings)
    assert (shown.geo_regions_json, shown.formats_json, shown.geo_mode) == (["SE"], ["feed"], "regions")

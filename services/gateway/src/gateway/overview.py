"""Use case: the page that a frontend polls, from one round trip to Postgres and none to Redis."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from chassis.database import Pool, connection
from contracts.money import default_monthly_budget
from gateway.bodies.ads import (
    AdSettingsView,
    AdsStatus,
    Budget,
    CountedPrerequisite,
    Derived,
    LinkedPrerequisite,
    ObjectsView,
    Prerequisites,
    PublisherView,
    RunStepView,
    RunView,
)
from gateway.bodies.wire import body_from
from gateway.presence import Presence, PresenceReader
from gateway.store.ads import AdSettings, ConnectionView
from gateway.store.runs import overview

LAST_RUNS: Final = 10
USUAL_CURRENCY: Final = "USD"

settings_view = body_from(AdSettingsView, geo_regions_json="geo_regions", formats_json="formats")
objects_view = body_from(ObjectsView)
run_view = body_from(RunView)
step_view = body_from(RunStepView)

_WEBSITE: Final = LinkedPrerequisite(ok=True, hint=None, link="/connect-website", required=False)
_INVENTORY: Final = CountedPrerequisite(ok=True, count=0, hint=None, required=False)
_TEMPLATES: Final = LinkedPrerequisite(ok=True, hint=None, link="/templates", required=False)


class StatusPage:
    """Prerequisites, what would happen on Publish, and what happened last."""

    def __init__(self, *, pool: Pool, presence: PresenceReader, standard_budget: Decimal) -> None:
        self._pool = pool
        self._presence = presence
        self._standard_budget = standard_budget

    async def read(self, customer_id: UUID) -> AdsStatus:
        async with connection(self._pool) as conn:
            found = await overview(conn, customer_id, limit=LAST_RUNS)
        presence = self._presence.current()
        return AdsStatus(
            prerequisites=_prerequisites(found.view),
            derived=Derived(
                budget=budget(self._standard_budget, found.settings, found.view),
                meta_write_mode=presence.last.mode if presence.seen and presence.last else "disabled",
                publisher=_publisher(presence),
            ),
            settings=settings_view(found.settings) if found.settings else None,
            objects=objects_view(found.objects) if found.objects else None,
            last_runs=[run_view(run) for run in found.runs],
        )


def budget(standard: Decimal, settings: AdSettings | None, view: ConnectionView | None) -> Budget:
    """The monthly budget that a publish would use; the default is raised to what the account allows."""
    currency = (view.currency if view else None) or USUAL_CURRENCY
    minimum = view.min_daily_budget_minor if view and view.currency else None
    default = default_monthly_budget(standard, currency, minimum)
    chosen = settings.budget_override if settings else None
    return Budget(default_monthly=default, currency=currency, effective=default if chosen is None else chosen)


def _prerequisites(view: ConnectionView | None) -> Prerequisites:
    hint = None
    if view is None or view.status != "connected":
        hint = "Connect your Meta account"
    elif view.ad_account_id is None:
        hint = "Select an ad account in Settings → Meta"
    return Prerequisites(
        website=_WEBSITE,
        inventory=_INVENTORY,
        templates=_TEMPLATES,
        meta=LinkedPrerequisite(ok=hint is None, hint=hint, link="/settings#meta", required=True),
    )


def _publisher(presence: Presence) -> PublisherView:
    last = presence.last
    return PublisherView(
        seen=presence.seen,
        mode=last.mode if last else None,
        version=last.version if last else None,
        graph_version=last.graph_version if last else None,
        last_seen_at=last.at if last else None,
        hint=presence.hint,
    )

"""Facts about goals, places, times and currencies that the rules rely on."""

from datetime import UTC, datetime
from typing import Any


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GOALS_BY_OBJECTIVE: dict[str, frozenset[str]] = {
    "OUTCOME_TRAFFIC": _words(
        "LANDING_PAGE_VIEWS IMPRESSIONS LINK_CLICKS REACH CONVERSATIONS QUALITY_CALL VISIT_INSTAGRAM_PROFILE "
        "PROFILE_VISIT"
    ),
    "OUTCOME_AWARENESS": _words("REACH IMPRESSIONS AD_RECALL_LIFT THRUPLAY"),
    "OUTCOME_ENGAGEMENT": _words(
        "POST_ENGAGEMENT REACH IMPRESSIONS THRUPLAY EVENT_RESPONSES PAGE_LIKES CONVERSATIONS LINK_CLICKS "
        "LANDING_PAGE_VIEWS OFFSITE_CONVERSIONS QUALITY_CALL PROFILE_AND_PAGE_ENGAGEMENT REMINDERS_SET"
    ),
    "OUTCOME_LEADS": _words(
        "LEAD_GENERATION QUALITY_LEAD OFFSITE_CONVERSIONS LINK_CLICKS LANDING_PAGE_VIEWS REACH IMPRESSIONS "
        "CONVERSATIONS QUALITY_CALL"
    ),
    "OUTCOME_SALES": _words(
        "OFFSITE_CONVERSIONS VALUE LINK_CLICKS LANDING_PAGE_VIEWS REACH IMPRESSIONS CONVERSATIONS"
    ),
    "OUTCOME_APP_PROMOTION": _words(
        "APP_INSTALLS LINK_CLICKS OFFSITE_CONVERSIONS VALUE REACH APP_INSTALLS_AND_OFFSITE_CONVERSIONS "
        "IN_APP_VALUE"
    ),
}
"""Performance goals each objective accepts. Source: campaign reference, outcome-driven objectives mapping."""

PAGE, APP = ("page_id",), ("application_id", "object_store_url")
PIXEL, EVENT_SET = ("pixel_id", "custom_event_type"), ("product_set_id",)
STORES = ("place_page_set_id",)
Keys = tuple[str, ...]

PROMOTED: dict[str, dict[str, tuple[Keys, ...]]] = {
    "OUTCOME_TRAFFIC": {},
    "OUTCOME_AWARENESS": {
        "REACH": (PAGE, STORES),
        "IMPRESSIONS": (PAGE,),
        "AD_RECALL_LIFT": (PAGE,),
        "THRUPLAY": (PAGE,),
    },
    "OUTCOME_ENGAGEMENT": {
        "PAGE_LIKES": (PAGE,),
        "CONVERSATIONS": (PAGE,),
        "OFFSITE_CONVERSIONS": (PIXEL, APP),
    },
    "OUTCOME_LEADS": {
        "LEAD_GENERATION": (PAGE,),
        "QUALITY_LEAD": (PAGE,),
        "QUALITY_CALL": (PAGE,),
        "CONVERSATIONS": (PAGE,),
        "*": (PIXEL, PAGE, APP),
    },
    "OUTCOME_SALES": {"*": (PIXEL, APP, PAGE, EVENT_SET)},
    "OUTCOME_APP_PROMOTION": {"*": (APP,)},
}
"""What `promoted_object` needs, by objective and goal (`*` any other). Source: the same mapping."""

GOALS_WITH_FREQUENCY = frozenset({"REACH", "IMPRESSIONS", "THRUPLAY"})
LONG_ATTRIBUTION_GOALS = _words(
    "OFFSITE_CONVERSIONS VALUE APP_INSTALLS APP_INSTALLS_AND_OFFSITE_CONVERSIONS IN_APP_VALUE "
    "ENGAGED_USERS ENGAGED_PAGE_VIEWS LEAD_GENERATION QUALITY_LEAD"
)
"""Goals that may have other attribution windows than one day after a click."""

RESTRICTED_COUNTRIES = _words("CU IR KP SY")
"""Where nobody may advertise. The list is inferred; the code 2641 is Meta's."""

COUNTRY_GROUPS = _words(
    "africa afta android_free_store android_paid_store apec asia caribbean central_america cisfta eea "
    "emerging_markets europe gcc itunes_app_store mercosur nafta north_america oceania south_america "
    "worldwide"
)
"""Source: basic targeting."""

Range = tuple[float, float]
CITY_RADIUS: dict[str, Range] = {"kilometer": (17, 80), "mile": (10, 50)}
CUSTOM_RADIUS: dict[str, Range] = {"kilometer": (1, 80), "mile": (0.63, 50)}
MOST_PLACES = {"regions": 200, "cities": 250, "custom_locations": 200}
"""Source: basic targeting."""

DSA_COUNTRIES = _words(
    "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE AX GF GP MQ MF RE YT"
)
"""EU members and associated territories, where advertisers must be named; EEA-only states are not."""

DSA_COUNTRY_GROUPS = frozenset({"europe", "eea", "worldwide"})

WHOLE_UNIT_CURRENCIES = _words("CLP COP CRC HUF ISK IDR JPY KRW PYG TWD VND")
"""Currencies whose smallest unit is the whole unit; all others have 100 minor units."""

CURRENCY_SYMBOLS = {"SEK": "kr", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "NOK": "kr", "DKK": "kr"}


def needed_for(objective: str, goal: str, destination: str = "") -> tuple[Keys, ...]:
    """The alternatives of keys that `promoted_object` needs; none when it needs nothing."""
    if objective == "OUTCOME_TRAFFIC" and destination == "WHATSAPP":
        return (PAGE,)
    by_goal = PROMOTED.get(objective, {})
    return by_goal.get(goal, by_goal.get("*", ()))


LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
"""Later times could not be written in every offset."""


def timestamp(value: Any) -> float | None:
    """Unix seconds of a datetime as Graph takes it: ISO 8601, UTC unless it says; or seconds. Else None."""
    if value is None or isinstance(value, bool):
        return None
    text = str(value).strip()
    if text.isascii() and text.isdigit() and len(text) <= len("9999999999"):
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < LATEST else None

"""How rules about targeting are broken: places, ages, Advantage audience, and the EU's names."""

from collections.abc import Iterator
from typing import Any

from graph_sandbox.atlas import country_at, in_europe
from graph_sandbox.markets import (
    CITY_RADIUS,
    COUNTRY_GROUPS,
    CUSTOM_RADIUS,
    DSA_COUNTRIES,
    DSA_COUNTRY_GROUPS,
    MOST_PLACES,
    RESTRICTED_COUNTRIES,
)
from graph_sandbox.violations import BROKEN, Check, Draft, Facts, places_of

FULL_AGE_MAX = 65
ADVANTAGE_AGE_MIN = 25
YOUNGEST = 13
FLAG_FOR_ALL_SINCE = 26
RESTRICTED_CATEGORIES = frozenset({"HOUSING", "EMPLOYMENT", "CREDIT", "FINANCIAL_PRODUCTS_SERVICES"})
DSA_LENGTH = 512
COUNTRY_LENGTH = 2
ADULT = 18
CONNECTIONS = ("connections", "excluded_connections", "friends_of_connections")
NOT_FOR_UNDER_18 = ("genders", "interests", "behaviors", "flexible_spec", "custom_audiences")
SMALLER = ("regions", "cities", "zips", "places", "custom_locations")
"""Lists of places that lie within a country."""


def no_location(draft: Draft) -> Facts | None:
    if draft.target is not None and "targeting" not in draft.values:
        return None
    somewhere = any(
        value for name, value in draft.geo.items() if name != "location_types" and isinstance(value, list)
    )
    return None if somewhere or draft.targeting.get("custom_audiences") else BROKEN


def bad_country(draft: Draft) -> Facts | None:
    for value in draft.places("countries"):
        if not (
            isinstance(value, str) and len(value) == COUNTRY_LENGTH and value.isalpha() and value.isupper()
        ):
            return {"value": str(value)}
    return None


def location_types(draft: Draft) -> Facts | None:
    allowed = "location_types" not in draft.geo or sorted(map(str, draft.places("location_types"))) == [
        "home",
        "recent",
    ]
    return None if allowed else BROKEN


def advantage_audience_not_flag(draft: Draft) -> Facts | None:
    flag = draft.advantage_audience
    return None if flag is None or flag in (0, 1, "0", "1") else BROKEN


def advantage_audience_missing(draft: Draft) -> Facts | None:
    """Campaigns of housing, employment and finance have to say it since v26 only."""
    categories = draft.campaign.values.get("special_ad_categories") if draft.campaign else None
    if draft.version < FLAG_FOR_ALL_SINCE and RESTRICTED_CATEGORIES & set(map(str, categories or ())):
        return None
    return BROKEN if draft.advantage_audience is None else None


def advantage_age_max(draft: Draft) -> Facts | None:
    age = draft.targeting.get("age_max")
    return BROKEN if _advantage_on(draft) and isinstance(age, int) and age < FULL_AGE_MAX else None


def advantage_age_min(draft: Draft) -> Facts | None:
    age = draft.targeting.get("age_min")
    return BROKEN if _advantage_on(draft) and isinstance(age, int) and age > ADVANTAGE_AGE_MIN else None


def dsa_too_long(draft: Draft) -> Facts | None:
    for name in ("dsa_payor", "dsa_beneficiary"):
        if len(draft.values.get(name) or "") > DSA_LENGTH:
            return {"name": name}
    return None


def dsa_missing(name: str) -> Check:
    """Regulated places need the field, sent or as the account's default; each is filled on its own."""

    def check(draft: Draft) -> Facts | None:
        if not in_regulated_region(geo_of(draft.current("targeting"))):
            return None
        return None if draft.current(name) or getattr(draft.account, f"default_{name}") else BROKEN

    return check


def restricted_country(draft: Draft) -> Facts | None:
    found = RESTRICTED_COUNTRIES & _countries(draft)
    return {"country": min(found)} if found else None


def overlap(draft: Draft) -> Facts | None:
    """A place inside a country that is targeted as a whole."""
    whole = {str(code) for code in draft.places("countries")}
    for kind, place in _smaller_places(draft.geo):
        country = country_of(place)
        if country in whole:
            return {"inner": str(place.get("name") or place.get("key") or kind), "outer": str(country)}
    return None


def radius_where_none_is(draft: Draft) -> Facts | None:
    for kind in ("regions", "zips"):
        if any(isinstance(place, dict) and "radius" in place for place in draft.places(kind)):
            return {"kind": kind}
    return None


def radius_out_of_range(draft: Draft) -> Facts | None:
    """Cities may go without; a custom location's default unit is the mile."""
    for kind, ranges in (("cities", CITY_RADIUS), ("custom_locations", CUSTOM_RADIUS)):
        for place in draft.places(kind):
            if not isinstance(place, dict) or (kind == "cities" and "radius" not in place):
                continue
            unit = str(place.get("distance_unit", "mile"))
            low, high = ranges.get(unit, ranges["mile"])
            radius = _number(place.get("radius"))
            if unit not in ranges or radius is None or not low <= radius <= high:
                return {"kind": kind, "low": f"{low:g}", "high": f"{high:g}", "unit": unit}
    return None


def bad_coordinates(draft: Draft) -> Facts | None:
    for place in draft.places("custom_locations"):
        if not isinstance(place, dict):
            return BROKEN
        if "latitude" not in place and (place.get("address_string") or place.get("key")):
            continue
        latitude, longitude = _number(place.get("latitude")), _number(place.get("longitude"))
        if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:  # noqa: PLR2004 - degrees
            return BROKEN
    return None


def too_many_places(draft: Draft) -> Facts | None:
    for kind, most in MOST_PLACES.items():
        if len(draft.places(kind)) > most:
            return {"kind": kind, "most": str(most)}
    return None


def unknown_country_group(draft: Draft) -> Facts | None:
    for group in draft.places("country_groups"):
        if str(group) not in COUNTRY_GROUPS:
            return {"value": str(group)}
    return None


def age_out_of_range(draft: Draft) -> Facts | None:
    low, high = draft.targeting.get("age_min"), draft.targeting.get("age_max")
    ages = [_number(age) for age in (low, high) if age is not None]
    if any(age is None or not YOUNGEST <= age <= FULL_AGE_MAX for age in ages):
        return BROKEN
    return BROKEN if sorted(ages, key=float) != ages else None  # type: ignore[arg-type]


def identity_missing(country: str) -> Check:
    """Some countries want to know who advertises there; `regional_regulation_identities` says it."""

    def check(draft: Draft) -> Facts | None:
        reached = {*draft.places("countries"), *(country_of(one) for _, one in _smaller_places(draft.geo))}
        said = draft.current("regional_regulation_identities")
        return BROKEN if country in reached and not said else None

    return check


def connections(draft: Draft) -> Facts | None:
    return BROKEN if any(draft.targeting.get(name) for name in CONNECTIONS) else None


def exclusions(draft: Draft) -> Facts | None:
    return BROKEN if draft.targeting.get("exclusions") else None


def under_18_by_more_than_age_and_place(draft: Draft) -> Facts | None:
    age = _number(draft.targeting.get("age_max"))
    more = any(draft.targeting.get(name) for name in NOT_FOR_UNDER_18)
    return BROKEN if age is not None and age < ADULT and more else None


def placed_in(network: str, position: str) -> Check:
    def check(draft: Draft) -> Facts | None:
        positions = draft.targeting.get(network)
        return BROKEN if isinstance(positions, list) and position in positions else None

    return check


def geo_of(targeting: Any) -> dict[str, Any]:
    """The `geo_locations` of a targeting, empty where there are none."""
    geo = targeting.get("geo_locations") if isinstance(targeting, dict) else None
    return geo if isinstance(geo, dict) else {}


def in_regulated_region(geo: dict[str, Any]) -> bool:
    """Whether the targeting touches the EU: by country, group, or the country of a smaller place."""
    if DSA_COUNTRIES & {str(code) for code in places_of(geo, "countries")}:
        return True
    if DSA_COUNTRY_GROUPS & {str(group) for group in places_of(geo, "country_groups")}:
        return True
    return any(_is_regulated(place) for _, place in _smaller_places(geo))


def country_of(place: dict[str, Any]) -> str | None:
    """What the place says, else the country its coordinates lie in, as far as the sandbox has a map."""
    if place.get("country"):
        return str(place["country"])
    point = _point(place)
    return country_at(*point) if point else None


def _is_regulated(place: dict[str, Any]) -> bool:
    country, point = country_of(place), _point(place)
    if country is not None or point is None:
        return country in DSA_COUNTRIES
    return in_europe(*point)


def _point(place: dict[str, Any]) -> tuple[float, float] | None:
    latitude, longitude = _number(place.get("latitude")), _number(place.get("longitude"))
    return None if latitude is None or longitude is None else (latitude, longitude)


def _countries(draft: Draft) -> set[str]:
    excluded = draft.targeting.get("excluded_geo_locations")
    found: set[str] = set()
    for geo in (draft.geo, excluded if isinstance(excluded, dict) else {}):
        found |= {str(code) for code in places_of(geo, "countries")}
        found |= {str(country_of(place)) for _, place in _smaller_places(geo)}
    return found


def _smaller_places(geo: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in SMALLER:
        for place in places_of(geo, kind):
            if isinstance(place, dict):
                yield kind, place


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _advantage_on(draft: Draft) -> bool:
    return draft.advantage_audience in (1, "1")

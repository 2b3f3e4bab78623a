"""Which places count as the EU, where an ad set must name who benefits and who pays."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from graph_sandbox.atlas import country_at
from graph_sandbox.violations_of_place import in_regulated_region

NO_DSA = "act_101500000000002"
STOCKHOLM = {"latitude": 59.33, "longitude": 18.07, "radius": 25, "distance_unit": "kilometer"}
Create = Callable[..., httpx.Response]


def targeting(geo: dict[str, Any]) -> dict[str, Any]:
    return {"geo_locations": geo, "targeting_automation": {"advantage_audience": 0}}


@pytest.mark.parametrize("place", [STOCKHOLM, STOCKHOLM | {"country": "SE", "latitude": 0}])
def test_a_point_on_the_map_knows_its_country(
    new_campaign: Create, new_adset: Create, place: dict[str, Any]
) -> None:
    campaign_id = new_campaign(NO_DSA).json()["id"]
    answer = new_adset(campaign_id, NO_DSA, targeting=targeting({"custom_locations": [place]}))
    assert answer.json()["error"]["error_subcode"] == 3858079


CITIES = """
    SE Stockholm 59.33 18.07, SE Malmö 55.6 13.0, SE Göteborg 57.7 11.97, DE Berlin 52.52 13.4, DE Köln 50.94 6.96,
    DE München 48.14 11.58, FR Paris 48.86 2.35, FR Lyon 45.76 4.84, FR Lille 50.63 3.06, IT Roma 41.9 12.5,
    ES Madrid 40.42 -3.7, PL Warszawa 52.23 21.01, PL Kraków 50.06 19.94, AT Wien 48.21 16.37, BE Bruxelles 50.85 4.35,
    BG Sofia 42.7 23.32, HR Zagreb 45.81 15.98, CY Nicosia 35.17 33.36, CZ Praha 50.08 14.44, DK København 55.68 12.57,
    EE Tallinn 59.44 24.75, FI Helsinki 60.17 24.94, GR Athina 37.98 23.73, HU Budapest 47.5 19.04, IE Dublin 53.35 -6.26,
    LV Riga 56.95 24.11, LT Vilnius 54.69 25.28, LU Luxembourg 49.61 6.13, MT Valletta 35.9 14.51, NL Amsterdam 52.37 4.9,
    PT Lisboa 38.72 -9.14, RO Bucuresti 44.43 26.1, SK Bratislava 48.15 17.11, SI Ljubljana 46.06 14.5,
    SE Kiruna 67.86 20.23
"""  # noqa: E501
ABROAD = """
    NO Oslo 59.91 10.75, NO Bodø 67.28 14.4, NO Trondheim 63.43 10.4, GB London 51.51 -0.13, GB Edinburgh 55.95 -3.19,
    GB Belfast 54.6 -5.93, CH Zürich 47.37 8.54, UA Kyiv 50.45 30.52, RS Beograd 44.79 20.45, TR Istanbul 41.01 28.98,
    BY Minsk 53.9 27.57, IS Reykjavik 64.15 -21.94, AL Tirana 41.33 19.82, BA Sarajevo 43.86 18.41, TN Tunis 36.81 10.18,
    US Austin 30.27 -97.74, AU Sydney -33.87 151.21, BR Manaus -3.12 -60.02, MA Rabat 34.02 -6.84, RU Kaliningrad 54.7 20.5
"""  # noqa: E501


@pytest.mark.parametrize("named", [one.strip() for one in (CITIES + "," + ABROAD).split(",")])
def test_a_point_in_the_eu_needs_its_names_wherever_it_is(named: str) -> None:
    """By the capitals; a point on no map counts as the EU's when it is in Europe."""
    country, *_, latitude, longitude = named.split()
    geo = {"custom_locations": [{"latitude": latitude, "longitude": longitude, "radius": 10}]}
    assert in_regulated_region(geo) == (named in CITIES)
    assert country_at(float(latitude), float(longitude)) in {country, None}


@pytest.mark.parametrize(
    "geo",
    [
        {"country_groups": ["worldwide"]},
        {"cities": [{"key": "1", "country": "DE"}]},
        {"countries": ["US", "RE"]},
    ],
)
def test_dsa_covers_groups_territories_and_smaller_places(
    new_campaign: Create, new_adset: Create, geo: dict[str, Any]
) -> None:
    campaign_id = new_campaign(NO_DSA).json()["id"]
    answer = new_adset(campaign_id, NO_DSA, targeting=targeting(geo))
    assert answer.json()["error"]["error_subcode"] == 3858079

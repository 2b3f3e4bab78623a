"""Facts about goals, regulated regions and currencies that the rules rely on."""


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

DSA_COUNTRIES = _words(
    "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE AX GF GP MQ MF RE YT"
)
"""EU members and associated territories, where advertisers must be named; EEA-only states are not."""

DSA_COUNTRY_GROUPS = frozenset({"europe", "eea", "worldwide"})

WHOLE_UNIT_CURRENCIES = _words("CLP COP CRC HUF ISK IDR JPY KRW PYG TWD VND")
"""Currencies whose smallest unit is the whole unit; all others have 100 minor units."""

CURRENCY_SYMBOLS = {"SEK": "kr", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "NOK": "kr", "DKK": "kr"}

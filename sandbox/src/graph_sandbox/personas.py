"""The people who can log in at the dialog, and their ad accounts.

Each persona is a situation a connecting customer can be in; `ada` is the ordinary one and the default.
"""

from dataclasses import dataclass, field

ACTIVE, DISABLED, UNSETTLED, CLOSED = 1, 2, 3, 101
"""Values of `account_status`."""

FULL_TASKS = ("DRAFT", "ANALYZE", "ADVERTISE", "MANAGE")
READ_ONLY_TASKS = ("ANALYZE",)

BUDGET_FLOORS = {
    "SEK": (1050, 5250, 5250, 42000),
    "USD": (100, 500, 500, 4000),
    "EUR": (95, 475, 475, 3800),
    "GBP": (80, 400, 400, 3200),
    "NOK": (1080, 5400, 5400, 43000),
    "DKK": (700, 3500, 3500, 28000),
    "INR": (9581, 47905, 47905, 383240),
    "BRL": (533, 2665, 2665, 21320),
    "MYR": (412, 2060, 2060, 16480),
    "JPY": (155, 775, 775, 6200),
    "KRW": (1400, 7000, 7000, 56000),
}
"""Daily floors in minor units: impressions, frequent actions, video views, rare actions.

The proportions are Meta's published ones (doubled where it doubles them), the amounts are rounded.
"""

SPEND_CAP_IN_FLOORS = 100
"""The lowest spend cap of a campaign, in floors for impressions."""

UTC_OFFSET_HOURS = {"SEK": 1, "USD": -8, "JPY": 9, "GBP": 0}
TIMEZONES = {
    "SEK": "Europe/Stockholm",
    "USD": "America/Los_Angeles",
    "JPY": "Asia/Tokyo",
    "GBP": "Europe/London",
}


@dataclass(slots=True)
class Account:
    """One ad account. Money is in minor units of `currency`; `account_id` is the digits without `act_`."""

    account_id: str
    name: str
    currency: str
    account_status: int = ACTIVE
    disable_reason: int = 0
    default_dsa_payor: str | None = None
    default_dsa_beneficiary: str | None = None
    dsa_recommendations: list[str] = field(default_factory=list)
    min_daily_budget: int | None = None
    """Overrides the currency's floor for impressions; the other floors keep their proportion."""
    usage_percent: float = 0.0
    """The least that the usage headers say, whatever was counted."""
    throttled_until: float = 0.0
    """Unix seconds; until then Marketing calls on this account answer `throttle_code`."""
    throttle_code: int = 80004

    def floors(self) -> tuple[int, int, int, int]:
        """Daily floors for impressions, frequent actions, video views and rare actions."""
        imp, high, video, low = BUDGET_FLOORS.get(self.currency, BUDGET_FLOORS["USD"])
        if self.min_daily_budget is None:
            return imp, high, video, low
        scale = self.min_daily_budget / imp
        return self.min_daily_budget, round(high * scale), round(video * scale), round(low * scale)

    @property
    def utc_offset_hours(self) -> int:
        return UTC_OFFSET_HOURS.get(self.currency, 1)

    @property
    def timezone_name(self) -> str:
        return TIMEZONES.get(self.currency, "Europe/Stockholm")


@dataclass(slots=True, frozen=True)
class Persona:
    """A Facebook user; `user_id` is scoped to the app."""

    key: str
    user_id: str
    name: str
    about: str
    account_ids: tuple[str, ...]
    tasks: tuple[str, ...] = FULL_TASKS


def build_personas() -> tuple[dict[str, Persona], dict[str, Account]]:
    """Fresh personas by key and accounts by `account_id`; the first persona is the default."""
    ada = _ada_accounts()
    ben = [Account(f"2015000000000{n:02d}", f"Ben's Client {n:02d}", "SEK") for n in range(1, 61)]
    cleo = [Account("301500000000001", "Cleo's Shop (reports only)", "SEK")]
    people = (
        Persona("ada", "10220000000000001", "Ada Lindqvist", "seven accounts of every kind", _ids(ada)),
        Persona("ben", "10220000000000002", "Ben Okafor", "an agency with 60 accounts", _ids(ben)),
        Persona(
            "cleo", "10220000000000003", "Cleo Marsh", "may only read reports", _ids(cleo), READ_ONLY_TASKS
        ),
        Persona("dan", "10220000000000004", "Dan Ek", "has no ad account", ()),
        *(
            Persona(key, f"1022000000000000{number}", name, about, _ids(accounts))
            for number, (key, name, about, accounts) in enumerate(_more_people(), start=5)
        ),
    )
    return (
        {person.key: person for person in people},
        {
            account.account_id: account
            for account in [*ada, *ben, *cleo, *(one for *_, mine in _more_people() for one in mine)]
        },
    )


def _more_people() -> list[tuple[str, str, str, list[Account]]]:
    """One situation each, where `ada` has them all."""
    return [
        (
            "eva",
            "Eva Holm",
            "one account, ready to publish",
            [
                Account(
                    "501500000000001",
                    "Holm Keramik",
                    "SEK",
                    default_dsa_payor="Holm Keramik AB",
                    default_dsa_beneficiary="Holm Keramik AB",
                )
            ],
        ),
        ("finn", "Finn Dahl", "one account without EU defaults", [Account("601500000000001", "Dahl", "SEK")]),
        ("hana", "Hana Sato", "one account in yen", [Account("701500000000001", "Sato Shoten", "JPY")]),
        (
            "ivo",
            "Ivo Brandt",
            "accounts that are disabled, closed, unsettled",
            [
                Account("801500000000001", "Brandt 1", "EUR", account_status=DISABLED, disable_reason=1),
                Account("801500000000002", "Brandt 2", "EUR", account_status=CLOSED),
                Account("801500000000003", "Brandt 3", "EUR", account_status=UNSETTLED, disable_reason=3),
            ],
        ),
    ]


def _ada_accounts() -> list[Account]:
    company = "Lindqvist Bageri AB"
    return [
        Account(
            "101500000000001",
            "Lindqvist Bageri",
            "SEK",
            default_dsa_payor=company,
            default_dsa_beneficiary=company,
            dsa_recommendations=[company],
        ),
        Account("101500000000002", "Lindqvist Bageri (new)", "SEK"),
        Account("101500000000003", "Lindqvist Bakery US", "USD"),
        Account("101500000000004", "Lindqvist Bakery Tokyo", "JPY"),
        Account("101500000000005", "Lindqvist Old", "SEK", account_status=DISABLED, disable_reason=1),
        Account("101500000000006", "Lindqvist Closed", "SEK", account_status=CLOSED),
        Account("101500000000007", "Lindqvist Unpaid", "SEK", account_status=UNSETTLED, disable_reason=3),
    ]


def _ids(accounts: list[Account]) -> tuple[str, ...]:
    return tuple(account.account_id for account in accounts)

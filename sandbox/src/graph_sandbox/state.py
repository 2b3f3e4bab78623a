"""Everything the sandbox remembers, in memory: tokens, grants, objects, labels, settings."""

import secrets
import time
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from graph_sandbox.ledger import MARKER_PREFIX, Ledger
from graph_sandbox.personas import Account, Persona, build_personas

Kind = Literal["campaign", "adset"]

ID_PREFIX = 1202 * 10**13
"""Object ids look like Meta's: 1202 and 13 more digits, here the millisecond of creation."""


@dataclass(slots=True)
class Settings:
    """What `POST /_sandbox/settings` can change. Times are seconds."""

    version_gate: Literal["refuse", "upgrade"] = "refuse"
    minimum_marketing_version: int = 25
    minimum_graph_version: int = 21
    latest_version: int = 26
    require_proof: bool = False
    proof_seconds: int = 300
    proof_future_seconds: int = 5
    code_seconds: int = 600
    short_token_seconds: int = 5400
    long_token_seconds: int = 5_183_944
    data_access_seconds: int = 90 * 24 * 3600
    token_app_id: str = ""
    """What `debug_token` says that tokens belong to; the app registered here unless set."""
    token_user_id: str = ""
    """What it says whose they are; the person who logged in unless set."""
    read_lag_seconds: float = 0.0
    deauthorize_url: str | None = None
    """Where the app wants to hear that a person removed it."""
    data_deletion_url: str | None = None
    """Where the app wants to hear that a person wants their data deleted."""
    access_tier: Literal["unlimited", "development", "standard"] = "unlimited"
    """Which of Meta's rate limits are counted and enforced."""
    adsets_per_account: int = 5000
    """Meta's own number, as is the next; a test that reaches them wants smaller ones."""
    labels_per_account: int = 100_000
    pages_without_lead_terms: list[str] = field(default_factory=list)
    """Ids of pages that did not accept the terms for lead forms."""
    political_authorization: bool = False
    """Whether people may make campaigns about elections and politics."""
    clock_offset_seconds: float = 0.0
    clock_stopped_at: float | None = None
    """Unix seconds at which the clock stands, the offset on top; None while it runs."""


@dataclass(slots=True)
class App:
    """The one app registered here, with its exact redirect addresses."""

    app_id: str
    app_secret: str
    redirect_uris: tuple[str, ...]
    name: str = "Project Auto"
    deauthorize_url: str | None = None
    data_deletion_url: str | None = None


@dataclass(slots=True)
class Token:
    """An access token; `user_id` is None for an app token, `expires_at` 0 for never."""

    value: str
    user_id: str | None
    issued_at: float
    expires_at: float
    invalid_subcode: int | None = None


@dataclass(slots=True)
class AuthCode:
    """A login code: single use, bound to the redirect address of its dialog."""

    user_id: str
    redirect_uri: str
    expires_at: float
    used: bool = False


@dataclass(slots=True)
class Label:
    """An ad label; its name is unique within the account."""

    label_id: str
    account_id: str
    name: str
    created_at: float


@dataclass(slots=True)
class AdObject:
    """A campaign or ad set. `visible_at` is when listings and searches start to show it."""

    object_id: str
    kind: Kind
    account_id: str
    parent_id: str | None
    created_at: float
    updated_at: float
    visible_at: float
    values: dict[str, Any]
    label_ids: list[str]
    children: list[str] = field(default_factory=list)
    ad_ids: list[str] = field(default_factory=list)
    """Ads that a person has put below it."""
    spend: str = "0"
    """Major units of the account's currency, as insights say it."""


class World:
    """All state, and the few operations that keep it consistent."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.ledger = Ledger()
        self.driven = 0
        """How often `/_sandbox` changed something, which the ledger does not tell."""
        self._last_id = 0
        self.reset()

    def reset(self, *, keep_logins: bool = False) -> None:
        """Back to the first day. `keep_logins` spares tokens and grants; ids are never given out twice."""
        self.settings = Settings(
            deauthorize_url=self.app.deauthorize_url, data_deletion_url=self.app.data_deletion_url
        )
        self.personas, self.accounts = build_personas()
        self.users: dict[str, Persona] = {person.user_id: person for person in self.personas.values()}
        self.objects: dict[str, AdObject] = {}
        self.by_account: dict[tuple[str, Kind], list[str]] = {}
        self.labels: dict[str, Label] = {}
        self.label_names: dict[tuple[str, str], str] = {}
        self.codes: dict[str, AuthCode] = {}
        if not keep_logins:
            self.tokens: dict[str, Token] = {}
            self.grants: dict[str, dict[str, str]] = {}
        self.ledger.clear()

    def add_accounts(self, key: str, count: int, *, dsa_defaults: bool) -> list[str]:
        """Give a persona more ad accounts; returns their ids with `act_`."""
        person = self.personas[key]
        owner = person.name if dsa_defaults else None
        first = 9_000_000_000_000 + len(self.accounts)
        made = [
            Account(
                f"9{number}",
                f"{person.name} {number}",
                "SEK",
                default_dsa_payor=owner,
                default_dsa_beneficiary=owner,
            )
            for number in range(first, first + count)
        ]
        ids = tuple(account.account_id for account in made)
        self.accounts |= {account.account_id: account for account in made}
        self.give_accounts(key, (*person.account_ids, *ids))
        return [f"act_{account_id}" for account_id in ids]

    def give_accounts(self, key: str, account_ids: tuple[str, ...]) -> None:
        """Make these the ad accounts of a persona."""
        person = self.personas[key]
        self.personas[key] = self.users[person.user_id] = replace(person, account_ids=account_ids)

    def now(self) -> float:
        """Unix seconds of the sandbox's clock, which a test may shift."""
        settings = self.settings
        running = time.time() if settings.clock_stopped_at is None else settings.clock_stopped_at
        return running + settings.clock_offset_seconds

    def next_id(self) -> str:
        """A numeric id that no earlier run of the sandbox has used, as long as clocks go forward."""
        self._last_id = max(self._last_id + 1, ID_PREFIX + time.time_ns() // 1_000_000)
        return str(self._last_id)

    def granted_scopes(self, user_id: str) -> list[str]:
        return [scope for scope, status in self.grants.get(user_id, {}).items() if status == "granted"]

    def issue_token(self, user_id: str | None, lifetime_seconds: float) -> Token:
        now = self.now()
        expires_at = now + lifetime_seconds if lifetime_seconds else 0
        token = Token("EAAS" + secrets.token_urlsafe(72), user_id, now, expires_at)
        self.tokens[token.value] = token
        self.ledger.append("token_issued", now, user_id=user_id, expires_at=round(expires_at))
        return token

    def invalidate_tokens(self, user_id: str, subcode: int | None) -> int:
        """Make every token of a user answer 190 with `subcode`; None makes them good again."""
        mine = [token for token in self.tokens.values() if token.user_id == user_id]
        for token in mine:
            token.invalid_subcode = subcode
        event = "token_restored" if subcode is None else "token_revoked"
        self.ledger.append(event, self.now(), user_id=user_id, subcode=subcode, tokens=len(mine))
        return len(mine)

    def expire_tokens(self, user_id: str) -> int:
        """Make the lifetime of a user's tokens end now."""
        now = self.now()
        mine = [token for token in self.tokens.values() if token.user_id == user_id]
        for token in mine:
            token.expires_at = now
        self.ledger.append("token_expired", now, user_id=user_id, tokens=len(mine))
        return len(mine)

    def remove_app(self, user_id: str) -> None:
        """The person takes everything back: no grants are left, and the tokens answer 458."""
        self.grants.pop(user_id, None)
        self.invalidate_tokens(user_id, 458)

    def label_for(self, account_id: str, name: str) -> Label:
        """The account's label of that name, made when it does not exist."""
        known = self.label_names.get((account_id, name))
        if known is not None:
            return self.labels[known]
        label = Label(self.next_id(), account_id, name, self.now())
        self.labels[label.label_id] = label
        self.label_names[account_id, name] = label.label_id
        return label

    def add_object(
        self, kind: Kind, account_id: str, parent_id: str | None, values: dict[str, Any], label_ids: list[str]
    ) -> AdObject:
        """Create and remember; from here on the object exists, whatever becomes of the answer."""
        now = self.now()
        visible_at = now + self.settings.read_lag_seconds
        made = AdObject(self.next_id(), kind, account_id, parent_id, now, now, visible_at, values, label_ids)
        self.objects[made.object_id] = made
        self.by_account.setdefault((account_id, kind), []).append(made.object_id)
        if parent_id is not None:
            self.objects[parent_id].children.append(made.object_id)
        self.record(made, "created")
        return made

    def record(self, changed: AdObject, event: str, **facts: Any) -> None:
        """Write a change of an object to the ledger."""
        self.ledger.append(
            event,
            self.now(),
            kind=changed.kind,
            id=changed.object_id,
            account_id=changed.account_id,
            parent_id=changed.parent_id,
            status=changed.values["status"],
            name=changed.values.get("name"),
            marker=self.marker_of(changed.label_ids),
            **facts,
        )

    def label_names_of(self, label_ids: list[str]) -> list[str]:
        return [self.labels[label_id].name for label_id in label_ids]

    def marker_of(self, label_ids: list[str]) -> str | None:
        names = self.label_names_of(label_ids)
        return next((name for name in names if name.startswith(MARKER_PREFIX)), None)

    def effective_status(self, found: AdObject) -> str:
        """Own status, unless the campaign above says otherwise.

        Source: https://developers.facebook.com/docs/marketing-api/reference/ad-campaign
        """
        own: str = found.values["status"]
        if found.parent_id is None or own in {"DELETED", "ARCHIVED"}:
            return own
        above: str = self.objects[found.parent_id].values["status"]
        if above in {"DELETED", "ARCHIVED"}:
            return above
        return "CAMPAIGN_PAUSED" if own == "ACTIVE" and above == "PAUSED" else own

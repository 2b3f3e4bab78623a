"""What a rule is, and the three kinds that come in numbers: one of, each of, required."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from graph_sandbox import violations as broken
from graph_sandbox.catalog import enums_of, kind_of, params_of
from graph_sandbox.errors import OAUTH, GraphError
from graph_sandbox.violations import Draft, Facts

On = Literal["campaign", "adset", "campaign_update", "adset_update"]
Source = Literal["doc", "spec", "field", "inferred"]
"""How sure we are: Meta's documentation, its API specification, public field reports, our own reading."""

Phase = Literal["shape", "required", "business"]
PHASES: tuple[Phase, ...] = ("shape", "required", "business")
"""All rules of one phase are checked before any of the next."""

INVALID = "Invalid parameter"
"""The message of most refusals; the user texts say more."""

CREATES: tuple[On, ...] = ("campaign", "adset")
UPDATES: tuple[On, ...] = ("campaign_update", "adset_update")
EVERY: tuple[On, ...] = (*CREATES, *UPDATES)

CAMPAIGNS_PAGE = "https://developers.facebook.com/docs/marketing-api/reference/ad-account/campaigns"
ADSETS_PAGE = "https://developers.facebook.com/docs/marketing-api/reference/ad-account/adsets"
ADSET_PAGE = "https://developers.facebook.com/docs/marketing-api/reference/ad-campaign"
CAMPAIGN_PAGE = "https://developers.facebook.com/docs/marketing-api/reference/ad-campaign-group"
TARGETING_PAGE = "https://developers.facebook.com/docs/marketing-api/audiences/reference/basic-targeting"
LABELS_PAGE = "https://developers.facebook.com/docs/marketing-api/reference/ad-label"
CHANGES = "https://developers.facebook.com/docs/marketing-api/marketing-api-changelog"
ERRORS_PAGE = "https://developers.facebook.com/docs/marketing-api/error-reference"
WHERE: dict[Source, str] = {
    "doc": ERRORS_PAGE,
    "spec": "meta_spec.json, the API specification",
    "field": "code and subcode in public field reports; texts as reported where they were",
    "inferred": "our reading; never seen at Meta",
}
"""Where a rule is known from, unless it says better."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One validation. `check` returns None when kept, else the values for the templates."""

    rule_id: str
    on: Sequence[On]
    check: Callable[[Draft], Facts | None]
    message: str
    source: Source
    subcode: int | None = None
    title: str | None = None
    user_message: str | None = None
    blame: str | None = None
    since: int = 0
    """First major version that it holds for."""
    until: int | None = None
    """Last one; None while it still holds."""
    kind: str = OAUTH
    code: int = 100
    phase: Phase = "business"
    where: str | None = None

    def holds(self, version: int) -> bool:
        return version >= self.since and (self.until is None or version <= self.until)

    def error(self, facts: Facts) -> GraphError:
        return GraphError(
            self.message.format(**facts),
            code=self.code,
            subcode=self.subcode,
            kind=self.kind,
            title=self.title,
            user_message=self.user_message and self.user_message.format(**facts),
            blame=(self.blame,) if self.blame else (),
            rule=self.rule_id,
        )


def one_of(
    on: On,
    name: str,
    allowed: Sequence[str],
    message: str | None = None,
    *,
    since: int = 0,
    until: int | None = None,
) -> Rule:
    return Rule(
        f"{on}.{name}.enum" + (f"_v{since}" if since else ""),
        (on,),
        broken.not_one_of(name, allowed),
        message or "(#100) Param {name} must be one of {{{allowed}}} - got {value}.",
        "spec",
        blame=name,
        phase="shape",
        since=since,
        until=until,
    )


def each_of(on: On, name: str, allowed: Sequence[str]) -> Rule:
    return Rule(
        f"{on}.{name}.enum",
        (on,),
        broken.not_each_of(name, allowed),
        "(#100) Param {name}[{index}] must be one of {{{allowed}}} - got {value}.",
        "spec",
        blame=name,
        phase="shape",
    )


def enums(on: On, endpoint: str, *, but: Sequence[str] = ()) -> tuple[Rule, ...]:
    """A rule for each parameter of the call that has an enum in the specification, `but` those named."""
    kinds = params_of(endpoint)
    return tuple(
        (each_of if kinds[name] == kind_of("list<>") else one_of)(on, name, allowed)
        for name, allowed in enums_of(endpoint).items()
        if name not in but
    )


def required(on: On, name: str, source: Source) -> Rule:
    return Rule(
        f"{on}.{name}.required",
        (on,),
        broken.missing(name),
        "(#100) The parameter " + name + " is required.",
        source,
        blame=name,
        phase="required",
    )

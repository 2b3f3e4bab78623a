"""What a rule is, and the three kinds that come in numbers: one of, each of, required."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from graph_sandbox import violations as broken
from graph_sandbox.errors import OAUTH, GraphError
from graph_sandbox.violations import Draft, Facts

On = Literal["campaign", "adset", "update"]
Source = Literal["doc", "spec", "field", "inferred"]
"""How sure we are: Meta's documentation, its API specification, public field reports, our own reading."""

Phase = Literal["shape", "required", "business"]
PHASES: tuple[Phase, ...] = ("shape", "required", "business")
"""All rules of one phase are checked before any of the next."""

INVALID = "Invalid parameter"
"""The message of most refusals; the user texts say more."""


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
    kind: str = OAUTH
    code: int = 100
    phase: Phase = "business"

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


def one_of(on: On, name: str, allowed: Sequence[str], message: str | None = None) -> Rule:
    return Rule(
        f"{on}.{name}.enum",
        (on,),
        broken.not_one_of(name, allowed),
        message or "(#100) Param {name} must be one of {{{allowed}}} - got {value}.",
        "spec",
        blame=name,
        phase="shape",
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


def required(on: On, name: str, source: Source) -> Rule:
    return Rule(
        f"{on}.{name}.required",
        (on,),
        broken.missing(name),
        f"(#100) The parameter {name} is required.",
        source,
        blame=name,
        phase="required",
    )

"""The page that lists every refusal of the sandbox, made from the tables that make them."""

from collections import Counter
from collections.abc import Iterable

from graph_sandbox.catalog import SPEC
from graph_sandbox.refusal import Refusal
from graph_sandbox.refusals import REFUSALS
from graph_sandbox.rule import EVERY, PHASES, WHERE, Rule
from graph_sandbox.rules import RULES

HEAD = """\
# Rules of the Graph sandbox

Made by `scripts/generate_docs.py`: edit the tables in `sandbox/src/graph_sandbox`, then run `make docs`.

{count} entries. Nothing here was compared with Meta itself. Each says how it is known:

| source | what that is | entries |
| --- | --- | --- |
| doc | Meta's documentation; the link is the page | {doc} |
| spec | the API specification, commit `{commit}` | {spec} |
| field | public field reports of codes, subcodes and texts | {field} |
| inferred | our own reading, never seen at Meta | {inferred} |

A call is checked in this order: version, token, proof, object and permission, limits, then types, values,
required parameters and business rules of a create or update. The first that is broken answers.
`validate_only` runs them all and stores nothing.

## Before the content of a call

{refusals}

## Creates and updates

`on` says which: campaign and adset are creates, the others updates. Types of parameters are
checked before any of these, as the specification has them: `(#100) Param … must be …`.

{rules}
"""


def rules_page() -> str:
    """docs/sandbox-rules.md."""
    sources = Counter([*(one.source for one in REFUSALS), *(rule.source for rule in RULES)])
    return HEAD.format(
        count=len(REFUSALS) + len(RULES),
        commit=SPEC["source"]["commit"][:7],
        refusals=_table(("entry", "when", "error", "HTTP", "message", "source"), map(_refusal_row, REFUSALS)),
        rules="\n\n".join(
            f"### {phase.capitalize()}\n\n"
            + _table(
                ("entry", "on", "versions", "error", "blames", "says", "source"),
                (_rule_row(rule) for rule in RULES if rule.phase == phase),
            )
            for phase in PHASES
        ),
        **{source: sources[source] for source in WHERE},
    )


def _refusal_row(one: Refusal) -> tuple[str, ...]:
    return (
        f"`{one.refusal_id}`",
        one.when,
        _error(one.code, one.subcode),
        str(one.status),
        one.message,
        _source(one.source, one.where),
    )


def _rule_row(rule: Rule) -> tuple[str, ...]:
    on = "all" if tuple(rule.on) == EVERY else ", ".join(rule.on)
    says = ": ".join(text for text in (rule.title, rule.user_message) if text) or rule.message
    return (
        f"`{rule.rule_id}`",
        on,
        _versions(rule),
        _error(rule.code, rule.subcode),
        f"`{rule.blame}`" if rule.blame else "",
        says,
        _source(rule.source, rule.where or (WHERE["doc"] if rule.source == "doc" else "")),
    )


def _versions(rule: Rule) -> str:
    if rule.until is not None:
        return f"to v{rule.until}"
    return f"from v{rule.since}" if rule.since else "all"


def _error(code: int, subcode: int | None) -> str:
    return f"{code}/{subcode}" if subcode else str(code)


def _source(source: str, where: str) -> str:
    return f"[{source}]({where})" if where.startswith("https://") else source


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)

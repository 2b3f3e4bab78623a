"""The list of failpoints, as the matrix knows them and as the source has them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
STEPS = ("campaign", "adset")

RELAY = ("relay.before_xadd", "relay.after_xadd", "relay.after_mark")
INGEST = ("publisher.ingest.before_insert", "publisher.ingest.before_ack")
EXECUTOR = (
    "publisher.claimed",
    "publisher.granted",
    *(
        f"publisher.{step}.{moment}"
        for step in STEPS
        for moment in ("intent_journaled", "answered", "answer_journaled")
    ),
    "publisher.finish.before_commit",
    "publisher.finish.after_commit",
)
SETTLE = ("publisher.settle.found", "publisher.settle.absent")
SWEEP = ("publisher.sweep.before_delete", "publisher.sweep.after_delete")
ACCEPT = ("gateway.accept.before_commit", "gateway.accept.after_commit")
RESULT = ("gateway.result.before_commit", "gateway.result.before_ack")
OAUTH = ("meta_auth.code_exchanged",)
DELETION = ("meta_auth.erase.before_commit",)
ALL = frozenset({*RELAY, *INGEST, *EXECUTOR, *SETTLE, *SWEEP, *ACCEPT, *RESULT, *OAUTH, *DELETION})


def in_source(root: Path = ROOT) -> frozenset[str]:
    """Every name given to `failpoint(...)` below services/ and libs/, with `{move.step}` spelled out."""
    return frozenset(
        name
        for folder in ("services", "libs")
        for path in (root / folder).rglob("*.py")
        if "tests" not in path.relative_to(root).parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _is_failpoint(node.func)
        for name in _names(node.args[0])
    )


def _is_failpoint(called: ast.expr) -> bool:
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name == "failpoint"


def _names(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.Constant):
        yield str(argument.value)
    elif isinstance(argument, ast.JoinedStr):
        for step in STEPS:
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else _filled(part, step)
                for part in argument.values
            )
    else:
        raise TypeError(f"a failpoint's name must be written out: {ast.unparse(argument)}")


def _filled(part: ast.expr, step: str) -> str:
    if isinstance(part, ast.FormattedValue) and ast.unparse(part.value) == "move.step":
        return step
    raise TypeError(f"unknown part of a failpoint's name: {ast.unparse(part)}")

"""Writes the files that are made from the code; with `--check`, only says which are stale."""  # noqa: INP001 - a script

import argparse
import inspect
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TypeVar

from dashboard import dashboard

from ads_publisher.meta_errors import BY_CODE_AND_SUBCODE, Advice, Kind, advise
from ads_publisher.outcomes import MetaError
from chassis.errors import AppError, OutcomeUnknown, Rejected, Retryable, error_classes
from contracts.asyncapi import document as asyncapi_document
from contracts.errors import AuthErrorBody, ErrorBody, Issue, NestedError
from gateway.app import create_app
from gateway.settings import GatewaySettings
from graph_sandbox.rules_page import rules_page
from meta_auth.graph_errors import hint_for

Answer = TypeVar("Answer")

ROOT: Final = Path(__file__).parent.parent
BRANCHES: Final = {Rejected: "rejected", Retryable: "retryable", OutcomeUnknown: "unknown", AppError: "bug"}
"""The branches of the tree, which say what to do next; the first that fits."""
MEANING: Final[Mapping[Kind, str]] = {
    "fatal": "fails the run",
    "throttle": "waits, then goes on",
    "token": "fails the run and reports the token",
    "proof": "stamps a fresh proof and tries again",
    "gone": "takes the object for deleted",
}
CODES: Final = range(1, 100_000)
"""Where Meta's codes lie."""
SUBCODES: Final = range(1, 1000)
"""Where the subcodes of a refused token lie."""
INVALID_TOKEN: Final = 190

ERRORS_PAGE: Final = """\
# Errors

Made by `scripts/generate_docs.py`: edit the classes and tables in the code, then run `make docs`.

## What an answer looks like

`/auth/*`, `/signup`, the session check, unknown routes and uncaught errors:

```json
{nested}
```

`/meta/*`, `/ads/*` and the calls between our services; `issues` only when fields of a body are wrong:

```json
{flat}
```

Branch on the code. `message` and `hint` are sentences for a person and may change. A key that has nothing to
say is left out.

## Our codes

- rejected: the same request can never succeed. Do what the hint says.
- retryable: nothing happened. Wait as long as `Retry-After` says and send the same again.
- bug: report it with the `X-Request-Id` of the answer; the log has the rest.

{codes}

## Meta's codes, on a run

A run shows `<code>[ (sub <subcode>)]: <message>. <hint>`. Decided on code and subcode: a row with a subcode
goes before one without, a single code before a range. Codes 1 and 2, whatever Meta calls transient and every
5xx are no answer: the publisher looks at Meta whether the object is there before it tries again.

{publishing}

## Meta's codes, while connecting and selecting an ad account

Answered as `META_API_ERROR` with this hint.

{connecting}
"""


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |"
        for line in lines
    )


def our_codes() -> Iterator[tuple[object, ...]]:
    """A row per error class, by status."""
    classes = [cls for cls in error_classes() if cls.__module__ == "chassis.errors" and cls not in BRANCHES]
    for cls in sorted(classes, key=lambda cls: (cls.status, cls.code, cls.__name__)):
        kind = next(name for branch, name in BRANCHES.items() if issubclass(cls, branch))
        yield f"`{cls.code}`", cls.status, kind, inspect.cleandoc(cls.__doc__ or "")


def families(numbers: Iterable[int], answer: Callable[[int], Answer]) -> Iterator[tuple[str, Answer]]:
    """The numbers that have the same answer, such as `("4, 17, 80000-80014", answer)`."""
    found: dict[Answer, list[str]] = {}
    for same, group in groupby(numbers, key=answer):
        members = list(group)
        run = str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}"
        found.setdefault(same, []).append(run)
    for same, labels in found.items():
        yield ", ".join(labels), same


def publishing_rows() -> Iterator[tuple[object, ...]]:
    """The table by code and subcode, then families of codes, then everything else."""
    rest = advise(MetaError(code=0))

    def row(code: object, subcode: object, advice: Advice) -> tuple[object, ...]:
        return code, subcode, MEANING[advice.kind], advice.hint, advice.fixed_by.replace("_", " ")

    for (code, subcode), advice in sorted(BY_CODE_AND_SUBCODE.items(), key=lambda item: _order(*item[0])):
        yield row(code, subcode or "", advice)
    others = (code for code in CODES if (code, None) not in BY_CODE_AND_SUBCODE)
    for codes, advice in families(others, lambda code: advise(MetaError(code=code))):
        if advice != rest:
            yield row(codes, "", advice)
    yield row("any other", "", rest)


def _order(code: int, subcode: int | None) -> tuple[int, int]:
    return code, subcode or 0


def connecting_rows() -> Iterator[tuple[object, ...]]:
    """What meta-auth says, by subcode of a refused token and by code."""
    rest, reconnect = hint_for(0, None), hint_for(INVALID_TOKEN, None)
    for subcodes, hint in families(SUBCODES, lambda subcode: hint_for(INVALID_TOKEN, subcode)):
        if hint != reconnect:
            yield INVALID_TOKEN, subcodes, hint
    for codes, hint in families(CODES, lambda code: hint_for(code, None)):
        if hint != rest:
            yield codes, "", hint
    yield "any other", "", rest


def errors_page() -> str:
    """docs/errors.md."""
    message, hint = "What is wrong, for a person", "What to do about it."
    issue = Issue(path=["geoRadiusKm"], message=message, code="less_than_equal")
    nested = AuthErrorBody(
        error=NestedError(code="UNAUTHORIZED", message=message), message=message, hint=hint
    )
    flat = ErrorBody(error="VALIDATION_ERROR", message=message, hint=hint, issues=[issue])
    meta_head = ("code", "subcode", "the publisher", "hint", "who can fix it")
    return ERRORS_PAGE.format(
        nested=nested.model_dump_json(),
        flat=flat.model_dump_json(),
        codes=table(("code", "status", "kind", "meaning"), our_codes()),
        publishing=table(meta_head, publishing_rows()),
        connecting=table(("code", "subcode", "hint"), connecting_rows()),
    )


def as_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def openapi_document() -> Mapping[str, Any]:
    """The gateway's public API. No setting that it depends on comes from the environment."""
    return create_app(GatewaySettings(environment="development")).openapi()


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "docs/asyncapi.json": lambda: as_json(asyncapi_document()),
    "docs/errors.md": errors_page,
    "docs/sandbox-rules.md": rules_page,
    "docs/openapi.json": lambda: as_json(openapi_document()),
    "deploy/observability/grafana/auto-ads.json": lambda: as_json(dashboard()),
}


def main() -> int:
    """Write the pages, or compare them; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    _ = parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    is_check = parser.parse_args().check
    stale = []
    for name, make in PAGES.items():
        path, text = ROOT / name, make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not is_check:
            _ = path.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stdout.write(f"{name}: {'stale, run `make docs`' if is_check else 'written'}\n")
    return 1 if is_check and stale else 0


if __name__ == "__main__":
    sys.exit(main())

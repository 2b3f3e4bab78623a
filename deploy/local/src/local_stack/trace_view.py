"""A trace as a tree with times: on the terminal, or as a picture."""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from local_stack.console import colour_of
from local_stack.traces import Span

BAR_COLUMNS: Final = 30
PICTURE_COLUMNS: Final = 190
_FONT_FROM_AFAR: Final = re.compile(r"@font-face\s*\{[^}]*\}\s*")
UNFOLDED_COLUMNS: Final = 1000
"""For a pipe: one line per span, however long."""
SHORT_ID: Final = 8
FACTS: Final = (
    "step",
    "attempt",
    "outcome",
    "code",
    "subcode",
    "status_code",
    "fbtrace_id",
    "fence",
)
"""Ends of the names of attributes that matter, in the order in which they are shown."""
NAMES: Final = {"status_code": "http", "code": "meta code"}
FAILED: Final = "red"


@dataclass(frozen=True, kw_only=True)
class Branch:
    """One line of the tree: a span behind its guides, or the place of a parent that nobody exported."""

    guides: str
    span: Span | None
    missing: str = ""


def branches(spans: Sequence[Span]) -> list[Branch]:
    """The spans of one trace as lines of a tree, in the order in which they began."""
    known = {span.span_id for span in spans}
    children: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda one: one.start_ns):
        children.setdefault(span.parent_id, []).append(span)
    lines = list(_below(children, "", ""))
    for missing in (parent for parent in children if parent and parent not in known):
        lines.append(Branch(guides="", span=None, missing=missing))
        lines += _below(children, missing, " ")
    return lines


def _below(children: Mapping[str, Sequence[Span]], parent_id: str, indent: str) -> Iterator[Branch]:
    """The tree below one span; roots, below nothing, have no guides."""
    below = children.get(parent_id, ())
    for number, span in enumerate(below, start=1):
        is_last = number == len(below)
        root = not parent_id
        yield Branch(guides="" if root else f"{indent}{'└─' if is_last else '├─'} ", span=span)
        yield from _below(children, span.span_id, indent + (" " if root else "   " if is_last else "│  "))


def picture(spans: Sequence[Span]) -> Group:
    """The whole trace: a head line and the tree."""
    started = min(span.start_ns for span in spans)
    took = max(max(span.end_ns for span in spans) - started, 1)
    lines = branches(spans)
    table = Table("span", "service", "start", "", "took", "", box=None, padding=(0, 1), pad_edge=False)
    for name in ("start", "took"):
        next(column for column in table.columns if column.header == name).justify = "right"
    by_id = {span.span_id: span for span in spans}
    for line in lines:
        if line.span is None:
            note = Text(f"(parent {line.missing} is missing)", style=FAILED)
            table.add_row(note)
        else:
            table.add_row(*_cells(line.guides, line.span, started=started, took=took, by_id=by_id))
    return Group(_head(spans, lines, took), table)


def write_svg(spans: Sequence[Span], path: Path, *, title: str) -> None:
    """The same as a picture."""
    canvas = Console(
        record=True, file=io.StringIO(), width=PICTURE_COLUMNS, force_terminal=True, color_system="truecolor"
    )
    canvas.print(picture(spans))
    path.parent.mkdir(parents=True, exist_ok=True)
    # Rich points to a font on the network: a picture in our pages asks nobody for anything.
    path.write_text(_FONT_FROM_AFAR.sub("", canvas.export_svg(title=title)), encoding="utf-8")


def _head(spans: Sequence[Span], lines: Sequence[Branch], took: int) -> Text:
    services = len({span.service for span in spans})
    missing = sum(line.span is None for line in lines)
    text = Text(f"trace {spans[0].trace_id}: {len(spans)} spans of {services} services in {_ms(took)}")
    if missing:
        text.append(f", {missing} missing parents", style=FAILED)
    return text.append("\n")


def _cells(
    guides: str, span: Span, *, started: int, took: int, by_id: Mapping[str, Span]
) -> tuple[Text, ...]:
    colour = FAILED if span.problem is not None else colour_of(span.service)
    return (
        Text(guides, style="dim").append(span.name, style=FAILED if span.problem is not None else "default"),
        Text(span.service, style=colour_of(span.service)),
        Text(f"+{_ms(span.start_ns - started)}"),
        Text(_bar(span, started=started, took=took), style=colour),
        Text(_ms(span.end_ns - span.start_ns)),
        _facts(span, by_id),
    )


def _bar(span: Span, *, started: int, took: int) -> str:
    left = min(BAR_COLUMNS - 1, (span.start_ns - started) * BAR_COLUMNS // took)
    length = max(1, round((span.end_ns - span.start_ns) * BAR_COLUMNS / took))
    return " " * left + "━" * min(length, BAR_COLUMNS - left)


def _facts(span: Span, by_id: Mapping[str, Span]) -> Text:
    text = Text()
    found = {name.rsplit(".", 1)[-1]: value for name, value in span.attributes.items() if _matters(name)}
    for name in FACTS:
        if name in found:
            text.append(f"{NAMES.get(name, name)} ", style="dim").append(f"{found[name]}  ")
    for trace_id, span_id in span.links:
        linked = by_id.get(span_id)
        where = linked.name if linked else f"{trace_id[:SHORT_ID]}/{span_id[:SHORT_ID]}"
        text.append("link to ", style="dim").append(f"{where}  ")
    if span.problem is not None:
        text.append(span.problem or str(span.attributes.get("error.type", "failed")), style=FAILED)
    return text


def _matters(name: str) -> bool:
    # `code` is Meta's only below `meta.`; a status code is HTTP's only below `http.`.
    last = name.rsplit(".", 1)[-1]
    places = {"code": "meta.", "subcode": "meta.", "status_code": "http."}
    return last in FACTS and name.startswith(places.get(last, ""))


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 1e6:,.1f} ms"

"""What a read asks for with `fields`: a tree, whose edges may carry modifiers such as `.limit(5)`.

Source: https://developers.facebook.com/docs/graph-api/guides/field-expansion
"""

import re
from collections.abc import Iterable

from graph_sandbox.refusals import FIELD_UNKNOWN, FIELDS_SYNTAX

DEEPEST_FIELDS = 8
_INSIDE = r'\((?:"(?:\\.|[^"\\])*"|[^()"])*\)'
"""What a modifier is given; JSON may hold commas and braces, quoted text even brackets."""

_TOKEN = re.compile(rf"[,{{}}]|(?:[^,{{}}()]|{_INSIDE})+")
_MODIFIER = re.compile(rf"\.(\w+)({_INSIDE})")


class Fields(dict[str, "Fields"]):
    """The wanted fields by name, each with the fields wanted inside."""

    def __init__(self, *names: str) -> None:
        super().__init__({name: Fields() for name in names})
        self.modifiers: dict[str, str] = {}
        """What an edge's own parameters would be: `limit`, `order`, `filtering`, ..."""

    def text(self) -> str:
        """As it would be asked for again."""
        return ",".join(
            name
            + "".join(f".{key}({value})" for key, value in inner.modifiers.items())
            + (f"{{{inner.text()}}}" if inner else "")
            for name, inner in self.items()
        )


def parse_fields(text: str | None) -> Fields:
    """`id,adsets.limit(5){id,name}` to a tree.

    Raises:
        GraphError: 2500 for brackets that do not match.
    """
    root = Fields()
    stack, last, position = [root], None, 0
    for found in _TOKEN.finditer(text or ""):
        part = found[0]
        if found.start() != position:
            break
        position = found.end()
        if part == "{" and last is not None and len(stack) < DEEPEST_FIELDS:
            stack.append(last)
        elif part == "}" and len(stack) > 1:
            stack.pop()
        elif part in {"{", "}"}:
            raise FIELDS_SYNTAX.error(what=f"unexpected {part}")
        last = None if part in {",", "{", "}"} else _read(part, stack[-1])
    if position != len(text or ""):
        raise FIELDS_SYNTAX.error(what=f"unexpected {(text or '')[position]}")
    if len(stack) != 1:
        raise FIELDS_SYNTAX.error(what="missing }")
    return root


def known_only(wanted: Fields, known: Iterable[str], node_type: str) -> None:
    """Refuse a field the node does not have, as Graph does."""
    for name in wanted:
        if name not in known:
            raise FIELD_UNKNOWN.error(name=name, node=node_type)


def _read(part: str, into: Fields) -> Fields | None:
    """One name with its modifiers; None for nothing but space."""
    name = re.split(r"[.(]", part.strip(), maxsplit=1)[0]
    if not name:
        return None
    found = into.setdefault(name, Fields())
    found.modifiers |= {key: value[1:-1] for key, value in _MODIFIER.findall(part)}
    return found

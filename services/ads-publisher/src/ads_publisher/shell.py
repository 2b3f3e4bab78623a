"""A request of a bundle as one line for a shell."""

import json
from collections.abc import Mapping
from typing import Any, Final

FIRST_ID: Final = """sed 's/"adlabels":[^]]*]//g' | grep -o '"id": *"[0-9]*"' | head -n 1 | tr -dc 0-9"""
"""The id in an answer; a label has one too, and may come first."""


def curl(step: Mapping[str, Any], variables: Mapping[str, str]) -> str:
    """The curl of a step; ids that differ on another sandbox are variables of the shell."""
    words = ["curl", "-s", f'"$SANDBOX_URL"{_quoted(step["path"], variables)}']
    if "json" in step:
        words += ["-d", _quoted(json.dumps(step["json"]), variables)]
        return " ".join(words)
    words += ["-H", _authorization(step)]
    if step["method"] != "POST":
        words += ["-G"] if step["method"] == "GET" else ["-X", step["method"]]
    for name, value in step["params"].items():
        words += ["--data-urlencode", _quoted(f"{name}={value}", variables)]
    line = " ".join(words)
    brought = step.get("yields")
    if brought is None:
        return line
    name = variables[brought]
    return f'ANSWER=$({line}); echo "$ANSWER"; {name}=$(echo "$ANSWER" | {FIRST_ID})'


def _authorization(step: Mapping[str, Any]) -> str:
    return (
        "'Authorization: Bearer broken'"
        if step.get("bearer") == "broken"
        else '"Authorization: Bearer $TOKEN"'
    )


def _quoted(text: str, variables: Mapping[str, str]) -> str:
    quoted = "'" + text.replace("'", "'\"'\"'") + "'"
    for value, name in variables.items():
        quoted = quoted.replace(value, f"'\"${name}\"'")
    return quoted

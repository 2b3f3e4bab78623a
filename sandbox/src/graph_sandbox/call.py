"""One Graph call on its way through the sandbox, and the answer it gets."""

import re
from dataclasses import dataclass, field
from typing import Any

from graph_sandbox.limits import Limits
from graph_sandbox.params import Params
from graph_sandbox.personas import Account, Persona
from graph_sandbox.state import AdObject, Kind, Label, Token, World

Body = dict[str, Any]

VERSION_SEGMENT = re.compile(r"v(\d{1,3})\.\d{1,2}", re.ASCII)


@dataclass(slots=True)
class Call:
    """What was asked, and what the checks found out about it so far."""

    world: World
    limits: Limits
    method: str
    path: str
    """Without the version segment, no slash at either end."""
    origin: str
    """Scheme and host, for `paging.next`."""
    params: Params
    raw_token: str | None
    token_in_url: bool
    asked: str | None
    """The version segment of the path."""
    version: int = 0
    """Major version the call is served with."""
    answer_headers: dict[str, str] = field(default_factory=dict)
    token: Token | None = None
    user: Persona | None = None
    account: Account | None = None
    target: AdObject | None = None
    label: Label | None = None
    step: Kind | None = None
    """What this call creates, if it is a create."""
    marker: str | None = None
    attempt: int | None = None
    """Which create for this marker and step it is, counted from 1."""
    created_id: str | None = None
    regain_minutes: int | None = None
    """Overrides the waiting time in the usage headers."""
    faults: list[str] = field(default_factory=list)
    """The faults that fired on this call, as `action@slot`."""
    note: str | None = None
    """Why the sandbox refused, where the public error does not say it."""
    in_batch: bool = False
    deauthorized: str | None = None
    """The user who removed the app by this call."""

    @property
    def asked_version(self) -> int | None:
        """Major version that was asked for: `v25.0` is 25."""
        return int(self.asked[1:].partition(".")[0]) if self.asked else None

    @property
    def base_url(self) -> str:
        return f"{self.origin}/{self.asked}" if self.asked else self.origin


def split_path(path: str) -> tuple[str | None, str]:
    """The version segment, if there is one, and the rest without slashes at either end."""
    segments = [segment for segment in path.split("/") if segment]
    asked = segments.pop(0) if segments and VERSION_SEGMENT.fullmatch(segments[0]) else None
    return asked, "/".join(segments)

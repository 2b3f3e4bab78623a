"""One Graph call on its way through the sandbox, and the answer it gets."""

from dataclasses import dataclass, field
from typing import Any

from graph_sandbox.params import Params
from graph_sandbox.personas import Account, Persona
from graph_sandbox.state import AdObject, Kind, Token, World

Body = dict[str, Any]


@dataclass(slots=True)
class Call:
    """What was asked, and what the checks found out about it so far."""

    world: World
    method: str
    path: str
    """Without the version segment, no slash at either end."""
    base_url: str
    """Scheme, host and version, for `paging.next`."""
    params: Params
    raw_token: str | None
    token_in_url: bool
    asked_version: int | None
    version: int = 0
    """Major version the call is served with."""
    answer_headers: dict[str, str] = field(default_factory=dict)
    token: Token | None = None
    user: Persona | None = None
    account: Account | None = None
    target: AdObject | None = None
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

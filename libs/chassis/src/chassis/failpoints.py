"""Named places at which a test lets a process die, freeze, stall or fail; nothing without `FAILPOINTS`.

Grammar: `name=action[@N]`, joined by `;`, for instance `publisher.campaign.answered=kill@1`. Actions: `kill`,
`stop:SECONDS` (frozen as by SIGSTOP, then woken), `sleep:SECONDS`, `raise`. `@N` fires at the Nth hit only,
and once for ever: with `FAILPOINT_DIR` a restarted process knows that it has fired.
"""

import asyncio
import os
import re
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chassis.settings import ServiceSettings
from chassis.telemetry import get_logger

_RULE: Final = re.compile(
    r"(?P<name>[a-z_.]+)=(?P<action>kill|raise|stop|sleep)(:(?P<seconds>\d+(\.\d+)?))?(@(?P<hit>\d+))?"
)
_log = get_logger(__name__)


class FailpointError(Exception):
    """Raised on purpose, by the action `raise`."""


@dataclass(kw_only=True)
class _Rule:
    name: str
    action: str
    seconds: float
    hit: int | None
    marker: Path | None
    hits: int = field(default=0)

    def fires(self) -> bool:
        self.hits += 1
        if self.hit is None:
            return True
        if self.hits != self.hit:
            return False
        if self.marker is None:
            return True
        try:
            self.marker.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


_armed: dict[str, _Rule] = {}


def arm(settings: ServiceSettings) -> None:
    """Arm what the settings ask for, replacing what was armed.

    Raises:
        ValueError: a rule that cannot be read, or any rule in production.
    """
    _armed.clear()
    if settings.failpoints and settings.environment == "production":
        raise ValueError("FAILPOINTS must not be set in production")
    for text in filter(None, settings.failpoints.split(";")):
        found = _RULE.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"FAILPOINTS: cannot read {text!r}")
        name, hit = found["name"], found["hit"]
        marker = Path(settings.failpoint_dir) / f"{name}@{hit}" if settings.failpoint_dir and hit else None
        _armed[name] = _Rule(
            name=name,
            action=found["action"],
            seconds=float(found["seconds"] or 0),
            hit=int(hit) if hit else None,
            marker=marker,
        )


async def failpoint(name: str) -> None:
    """Mark a place where a process may die.

    Raises:
        FailpointError: the rule for this place says `raise`.
    """
    rule = _armed.get(name)
    if rule is None or not rule.fires():
        return
    _log.warning("failpoint_fired", failpoint=name, action=rule.action)
    if rule.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif rule.action == "stop":
        _freeze(rule.seconds)
    elif rule.action == "sleep":
        await asyncio.sleep(rule.seconds)
    else:
        raise FailpointError(name)


def _freeze(seconds: float) -> None:
    # A process that is stopped cannot wake itself: another one does, and outlives us if need be.
    pid = os.getpid()
    waker = ["/bin/sh", "-c", f"sleep {seconds}; kill -CONT {pid}"]
    subprocess.Popen(waker, start_new_session=True)  # noqa: S603 - constant but for two numbers of ours
    os.kill(pid, signal.SIGSTOP)

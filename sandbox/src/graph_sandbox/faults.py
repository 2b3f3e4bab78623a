"""Faults armed over HTTP: which calls they hit, when, and how often.

A fault fires in one slot of a call's life: `arrival` (before anything is looked at), `before` (nothing will
be stored), `commit` (between the checks and the storing), `made` (what was stored is not shown yet), `after`
(it is stored, and the answer goes wrong). A call can meet one fault per slot.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from graph_sandbox.call import Call

BROKEN_ANSWERS = frozenset(
    {
        "hang",
        "reset",
        "close",
        "error_500",
        "code_1",
        "code_2",
        "error",
        "cut_body",
        "trickle",
        "bad_json",
        "html",
        "missing_id",
        "throttle",
        "revoke_token",
    }
)
FIXED_SLOTS = {"delay_arrival": "arrival", "delay_commit": "commit", "read_lag": "made"}
"""Actions that say their moment themselves; `at` does not matter to them."""

MATCH_KEYS = frozenset({"step", "attempt", "account", "marker", "method", "path"})
AT_SLOTS = {"before_commit": "before", "after_commit": "after"}
TYPES: dict[str, tuple[type, ...]] = {
    "match": (dict,),
    "at": (str,),
    "do": (str,),
    "seconds": (int, float),
    "times": (int, type(None)),
    "status": (int,),
    "code": (int,),
    "subcode": (int,),
    "message": (str,),
    "user_message": (str,),
    "headers": (dict,),
    "regain_minutes": (int,),
    "drop": (bool,),
}


class BadFaultError(ValueError):
    """A fault that cannot be armed; the text says why."""


@dataclass(slots=True)
class Fault:
    """One armed fault. `times` is how often it may still fire, None for standing."""

    fault_id: int
    do: str
    slot: str
    match: dict[str, Any] = field(default_factory=dict)
    times: int | None = 1
    seconds: float | None = None
    status: int | None = None
    code: int | None = None
    subcode: int | None = None
    message: str | None = None
    user_message: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    regain_minutes: int | None = None
    drop: bool = False
    """For delays: close the connection at once, and go on without the client."""
    hits: int = 0

    def hits_call(self, call: Call) -> bool:
        facts = {
            "step": call.step,
            "attempt": call.attempt,
            "account": account_of(call),
            "marker": call.marker,
            "method": call.method,
        }
        return all(
            wanted in f"/{call.path}" if key == "path" else facts[key] == wanted
            for key, wanted in self.match.items()
        )

    def public(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None or name == "times"}


class FaultBoard:
    """All faults, in the order they were armed; spent ones stay listed with their hits."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._attempts: dict[tuple[str, str], int] = {}
        self._last_id = 0

    def clear(self) -> None:
        """Disarm everything; the counting of attempts goes on."""
        self._faults.clear()

    def reset(self) -> None:
        """Disarm everything and count attempts from 1 again."""
        self.clear()
        self._attempts.clear()

    def listed(self) -> list[dict[str, Any]]:
        return [fault.public() for fault in self._faults]

    def arm(self, wanted: dict[str, Any]) -> Fault:
        """Check and arm one fault.

        Raises:
            BadFaultError: unknown names, values of the wrong type, or a missing `do`.
        """
        for name, value in wanted.items():
            if name not in TYPES:
                raise BadFaultError(f"unknown: {name}; known: {', '.join(TYPES)}")
            if not isinstance(value, TYPES[name]):
                raise BadFaultError(f"{name} has the wrong type")
        if not all(isinstance(value, str) for value in wanted.get("headers", {}).values()):
            raise BadFaultError("headers must be text")
        values = {name: value for name, value in wanted.items() if name != "at"}
        self._last_id += 1
        fault = Fault(self._last_id, slot=_slot(wanted), **values)
        fault.match = _match(fault.match)
        self._faults.append(fault)
        return fault

    def count_attempt(self, call: Call) -> None:
        """Number the creates of one marker and step."""
        if call.step is not None and call.marker is not None:
            key = (call.marker, call.step)
            call.attempt = self._attempts[key] = self._attempts.get(key, 0) + 1

    def take(self, slot: str, call: Call) -> Fault | None:
        """The first armed fault of this slot that matches, counted as a hit."""
        for fault in self._faults:
            if fault.slot == slot and fault.times != 0 and fault.hits_call(call):
                fault.hits += 1
                if fault.times is not None:
                    fault.times -= 1
                call.faults.append(f"{fault.do}@{slot}")
                return fault
        return None


def account_of(call: Call) -> str | None:
    """The account a call is about, read off its path before any check ran."""
    first = call.path.partition("/")[0]
    if first.startswith("act_"):
        return first.removeprefix("act_")
    found = call.world.objects.get(first)
    return found.account_id if found else None


def _slot(wanted: dict[str, Any]) -> str:
    action = wanted.get("do")
    if action in FIXED_SLOTS:
        if "seconds" not in wanted:
            raise BadFaultError(f"{action} needs seconds")
        return FIXED_SLOTS[action]
    if action not in BROKEN_ANSWERS:
        known = sorted(BROKEN_ANSWERS | set(FIXED_SLOTS))
        raise BadFaultError(f"do must be one of {', '.join(known)}")
    at = wanted.get("at", "before_commit")
    if at not in AT_SLOTS:
        raise BadFaultError(f"at must be one of {', '.join(AT_SLOTS)}")
    if action == "error" and "code" not in wanted:
        raise BadFaultError("error needs code")
    return AT_SLOTS[at]


def _match(match: dict[str, Any]) -> dict[str, Any]:
    unknown = set(match) - MATCH_KEYS
    if unknown:
        raise BadFaultError(
            f"cannot match on {', '.join(sorted(unknown))}; known: {', '.join(sorted(MATCH_KEYS))}"
        )
    cleaned = {name: value for name, value in match.items() if value is not None}
    if "account" in cleaned:
        cleaned["account"] = str(cleaned["account"]).removeprefix("act_")
    if "method" in cleaned:
        cleaned["method"] = str(cleaned["method"]).upper()
    return cleaned

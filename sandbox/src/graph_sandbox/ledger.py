"""The append-only record of what the sandbox was asked and what it did: the outside truth for tests.

Every Graph call is one `call` entry, written when its outcome is decided; every change of state is an entry
of its own (`created`, `updated`, `deleted`, `token_issued`, `token_revoked`, ...). Secrets never enter.
"""

from datetime import UTC, datetime
from itertools import islice
from typing import Any

MARKER_PREFIX = "pa-run-"
"""Ad labels that start so name the run an object belongs to."""


class Ledger:
    """Entries in order of `seq`, which starts at 1 and never repeats within a process."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []
        self._last_seq = 0

    def append(self, event: str, now: float, **facts: Any) -> dict[str, Any]:
        self._last_seq += 1
        entry = {"seq": self._last_seq, "event": event, "at": iso_milliseconds(now), **facts}
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget the entries, not the numbering, so that a reader's `since` stays valid."""
        self._entries.clear()

    def read(
        self, *, account_id: str | None, kind: str | None, since: int, limit: int | None
    ) -> list[dict[str, Any]]:
        """Entries after `since`; `kind` is a kind of event, or of the object it is about."""
        found = [
            entry
            for entry in self._entries
            if entry["seq"] > since
            and (account_id is None or entry.get("account_id") == account_id)
            and kind in (None, entry["event"], entry.get("kind"))
        ]
        return found if limit is None else found[:limit]

    def newest(self, event: str, count: int) -> list[dict[str, Any]]:
        """The last entries of one event, newest first."""
        return list(islice((entry for entry in reversed(self._entries) if entry["event"] == event), count))

    def dump(self) -> dict[str, Any]:
        return {"last_seq": self._last_seq, "entries": self._entries}

    def load(self, saved: dict[str, Any]) -> None:
        """Go on from a dump."""
        self._last_seq, self._entries = max(self._last_seq, saved["last_seq"]), saved["entries"]

    @property
    def last_seq(self) -> int:
        return self._last_seq


def iso_milliseconds(unix_seconds: float) -> str:
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

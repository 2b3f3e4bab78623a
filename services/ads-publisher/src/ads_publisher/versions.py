"""Until when Meta serves which version of the Marketing API.

Source: https://developers.facebook.com/docs/marketing-api/marketing-api-changelog/versions
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

MARKETING_API_UNTIL: Final[Mapping[str, date]] = {
    "v19.0": date(2025, 2, 4),
    "v20.0": date(2025, 5, 6),
    "v21.0": date(2025, 9, 9),
    "v22.0": date(2026, 2, 19),
    "v23.0": date(2026, 6, 9),
    "v24.0": date(2026, 10, 6),
}
"""Versions with a known last day. v25.0 and v26.0 had none announced in November 2026."""


def version_warning(version: str, today: date) -> str | None:
    """What to tell an operator about a version, or None while Meta serves it."""
    until = MARKETING_API_UNTIL.get(version)
    if until is None or today <= until:
        return None
    return (
        f"META_GRAPH_VERSION={version} ended for the Marketing API on {until.isoformat()}."
        " Meta refuses it (code 2635) or silently serves a newer one. Set a live version, v25.0 or later."
    )

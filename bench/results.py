"""What was measured: figures by round and system, kept as JSON, and what is read from them."""

import json
import os
import platform
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Record:
    """Some figures of one system in one round."""

    round: int
    system: str
    figures: dict[str, float]


@dataclass(kw_only=True)
class Results:
    """All records of one run of the harness; each new one is written to `out` at once."""

    settings: dict[str, Any]
    out: Path | None = None
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    machine: dict[str, Any] = field(
        default_factory=lambda: {
            "cores": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
        }
    )
    records: list[Record] = field(default_factory=list)

    def add(self, number: int, figures: Mapping[str, Mapping[str, float]], *, prefix: str = "") -> None:
        """Keep figures by system."""
        for system, found in figures.items():
            named = {f"{prefix}{name}": round(value, 4) for name, value in found.items()}
            self.records.append(Record(round=number, system=system, figures=named))
        if self.out:
            self.out.write_text(json.dumps(self.as_json(), indent=1) + "\n")

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        del told["out"]
        return told

    @classmethod
    def read(cls, path: Path) -> Self:
        told = json.loads(path.read_text())
        told["records"] = [Record(**record) for record in told["records"]]
        return cls(**told)

    def values(self, measure: str, system: str) -> dict[int, float]:
        """One figure by round; empty when it was not measured."""
        return {
            record.round: record.figures[measure]
            for record in self.records
            if record.system == system and measure in record.figures
        }

    def median(self, measure: str, system: str) -> float | None:
        found = self.values(measure, system)
        return statistics.median(found.values()) if found else None

    def ratios(self, measure: str, system: str, other: str, *, to: str | None = None) -> list[float]:
        """A figure as a multiple of another system's (or of another figure, `to`), round by round.

        Within a round both stood beside each other on the same machine, with the same neighbours.
        """
        ours, theirs = self.values(measure, system), self.values(to or measure, other)
        return [ours[number] / theirs[number] for number in ours.keys() & theirs.keys()]

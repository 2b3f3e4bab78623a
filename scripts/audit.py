"""Asks the OSV database about every package and version in the lock files: `make audit`.

Ends with 0 when none has a known vulnerability, 1 when one has, and 2 when the question could not be asked:
an audit that did not take place is not one that passed.
Source: https://google.github.io/osv.dev/post-v1-querybatch/
"""

import argparse
import json
import re
import sys
import urllib.request
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

ROOT: Final = Path(__file__).resolve().parent.parent
SERVICE: Final = "https://api.osv.dev"
PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
AT_ONCE: Final = 500
"""OSV takes up to 1,000 questions in one request."""
SECONDS: Final = 30.0
CLEAN, VULNERABLE, NOT_RUN = 0, 1, 2


class Package(NamedTuple):
    """A package as the database knows it."""

    ecosystem: Literal["PyPI", "npm"]
    name: str
    version: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service-url", default=SERVICE, help="another database that answers as OSV does")
    service = parser.parse_args().service_url
    packages = sorted(python_packages() | console_packages())
    try:
        found = ask(service, packages)
    except (OSError, ValueError) as exc:
        tell(f"The audit was NOT RUN: {service} gave no answer that could be read ({exc}).")
        tell(
            f"Nothing is known about the {len(packages)} packages. Run it where the database can be reached."
        )
        return NOT_RUN
    for package, names in found.items():
        tell(f"{package.name} {package.version} ({package.ecosystem}): {', '.join(names)}")
    tell(f"{len(packages)} packages looked up at {service}: {len(found)} with known vulnerabilities.")
    return VULNERABLE if found else CLEAN


def python_packages() -> set[Package]:
    """Of all lock files: of the workspace, of each image, of the tools that install."""
    locks = (path for path in ROOT.rglob("requirements*.lock") if ".venv" not in path.parts)
    return {Package("PyPI", *pin) for lock in locks for pin in PINNED.findall(lock.read_text())}


def console_packages() -> set[Package]:
    """What the console is built from and with."""
    locked = json.loads((ROOT / "frontend/package-lock.json").read_text())["packages"]
    return {
        Package("npm", place.rpartition("node_modules/")[2], entry["version"])
        for place, entry in locked.items()
        if place  # not the console itself
    }


def ask(service: str, packages: list[Package]) -> dict[Package, list[str]]:
    """The vulnerabilities of each package that has any.

    Raises:
        OSError: the database cannot be reached, or refuses.
        ValueError: its answer is not one.
    """
    found: dict[Package, list[str]] = {}
    for start in range(0, len(packages), AT_ONCE):
        asked = packages[start : start + AT_ONCE]
        results = _post(service, asked)
        if len(results) != len(asked):
            raise ValueError(f"{len(results)} answers to {len(asked)} questions")
        for package, result in zip(asked, results, strict=True):
            if names := [each["id"] for each in result.get("vulns", [])]:
                found[package] = names
    return found


def _post(service: str, packages: list[Package]) -> list[dict[str, Any]]:
    queries = [
        {"package": {"name": package.name, "ecosystem": package.ecosystem}, "version": package.version}
        for package in packages
    ]
    request = urllib.request.Request(  # noqa: S310 - the address is the operator's own
        f"{service}/v1/querybatch",
        data=json.dumps({"queries": queries}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - as above
        body = json.load(answer)
    if not isinstance(body, dict) or not isinstance(body.get("results"), list):
        raise ValueError("it is no list of results")  # noqa: TRY004 - one kind of failure for callers
    return body["results"]


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())

"""Lists everything that the lock files pin, as a CycloneDX 1.6 document: `make sbom`.

Equal locks make equal bytes. The time is told only where `SOURCE_DATE_EPOCH` gives one.
Source: https://cyclonedx.org/docs/1.6/json/
"""

import argparse
import base64
import hashlib
import json
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT: Final = Path(__file__).resolve().parent.parent
MEMBERS: Final = ("libs/*", "services/*", "sandbox", "deploy/local")
SHIPPED: Final = ("services/", "sandbox/")
"""The locks of images stand here. What only other locks have is in no image."""
CONSOLE: Final = "frontend/package-lock.json"
NEEDS: Final = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
OWN: Final = "project-auto-"
ENTRY: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?: ; ([^\\]+?))?\s*\\?$")
HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
VIA: Final = re.compile(r"^ +#(?: via)? +([a-z0-9._-]+)$")


@dataclass(kw_only=True)
class Pinned:
    """One package in one version, with what the locks say of it."""

    hashes: set[str] = field(default_factory=set)
    markers: set[str] = field(default_factory=set)
    locks: set[str] = field(default_factory=set)
    via: set[str] = field(default_factory=set)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="where to write the document")
    out: Path = parser.parse_args().out
    document = sbom()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(document)
    count = len(json.loads(document)["components"])
    sys.stdout.write(f"{count} components, as CycloneDX 1.6, in {out}\n")


def sbom() -> str:
    """The document. Dependencies are those that the locks tell of."""
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, _digest_of_locks()))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    root = Component(type=ComponentType.APPLICATION, name=project["name"], version=project["version"])
    root.bom_ref.value = project["name"]
    bom.metadata.component = root
    add_python(bom, root)
    add_console(bom, root)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        document["metadata"]["timestamp"] = datetime.fromtimestamp(int(epoch), UTC).isoformat()
    else:
        del document["metadata"]["timestamp"]
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def python_locks() -> list[Path]:
    """All lock files: of the workspace, of each image, of the tools that install and compare."""
    return sorted(
        path for path in ROOT.rglob("requirements*.lock") if not {".venv", "node_modules"} & set(path.parts)
    )


def add_python(bom: Bom, root: Component) -> None:
    """Our own packages, those of others, and who needs what."""
    made = {name: (component, needs) for name, component, needs in _own_packages()}
    by_name = {name: component for name, (component, _) in made.items()}
    pinned = _python_pins()
    for (name, version), pin in pinned.items():
        by_name[name] = _python_component(name, version, pin)
    bom.components.update(by_name.values())
    needed: set[str] = set()
    for (name, _), pin in pinned.items():
        for user in sorted(pin.via & set(by_name)):
            bom.register_dependency(by_name[user], [by_name[name]])
            needed.add(name)
    for component, needs in made.values():
        bom.register_dependency(component, [by_name[name] for name in needs])
    bom.register_dependency(root, [by_name[name] for name in sorted(set(by_name) - needed)])


def _own_packages() -> Iterator[tuple[str, Component, list[str]]]:
    for pattern in MEMBERS:
        for folder in sorted(ROOT.glob(pattern)):
            project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
            own = Component(type=ComponentType.LIBRARY, name=project["name"], version=project["version"])
            own.bom_ref.value = project["name"]
            names = [re.split(r"[^A-Za-z0-9._-]", need)[0] for need in project["dependencies"]]
            yield project["name"], own, [name for name in names if name.startswith(OWN)]


def _python_pins() -> dict[tuple[str, str], Pinned]:
    found: dict[tuple[str, str], Pinned] = {}
    for lock in python_locks():
        pin = Pinned()
        for line in lock.read_text().splitlines():
            if entry := ENTRY.match(line):
                pin = found.setdefault((entry[1], entry[2]), Pinned())
                pin.locks.add(str(lock.relative_to(ROOT)))
                pin.markers |= {entry[3]} if entry[3] else set()
            elif mark := HASH.search(line):
                pin.hashes.add(mark[1])
            elif user := VIA.match(line):
                pin.via.add(user[1])
    return found


def _python_component(name: str, version: str, pin: Pinned) -> Component:
    purl = PackageURL(type="pypi", name=name, version=version)
    # The hashes are of all files of the version, for every platform: of the distribution, not of one file.
    # It is named by its purl, since whoever installs chooses the index.
    reference = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(purl.to_string()),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=mark) for mark in pin.hashes],
    )
    properties = [Property(name="auto-ads:lock", value=lock) for lock in pin.locks]
    properties += [Property(name="auto-ads:marker", value=marker) for marker in pin.markers]
    return _component(
        purl,
        is_shipped=any(lock.startswith(SHIPPED) for lock in pin.locks),
        external_references=[reference],
        properties=properties,
    )


def add_console(bom: Bom, root: Component) -> None:
    """The console and its packages. What it is built and tested with is in no image."""
    places: dict[str, dict[str, Any]] = json.loads((ROOT / CONSOLE).read_text())["packages"]
    console = Component(type=ComponentType.APPLICATION, name=places[""]["name"])
    console.bom_ref.value = places[""]["name"]
    by_purl: dict[str, Component] = {}
    components = {"": console}
    for place, entry in places.items():
        if place:
            made = _npm_component(place, entry)
            # One version may lie in several places; shipped in one of them is shipped.
            known = by_purl.setdefault(str(made.purl), made)
            if made.scope is ComponentScope.REQUIRED:
                known.scope = made.scope
            components[place] = known
    bom.components.update([console, *by_purl.values()])
    bom.register_dependency(root, [console])
    for place, entry in places.items():
        found = [_resolved(places, place, name) for kind in NEEDS for name in entry.get(kind, ())]
        bom.register_dependency(components[place], [components[each] for each in found if each])


def _resolved(places: dict[str, dict[str, Any]], place: str, name: str) -> str | None:
    # As Node does: the nearest `node_modules`, from the package outwards.
    while True:
        near = f"{place}/node_modules/{name}".removeprefix("/")
        if near in places:
            return near
        if not place:
            return None
        place = place.rpartition("node_modules/")[0].rstrip("/")


def _npm_component(place: str, entry: dict[str, Any]) -> Component:
    scope, _, name = place.rpartition("node_modules/")[2].rpartition("/")
    algorithm, _, mark = entry["integrity"].partition("-")
    return _component(
        PackageURL(type="npm", namespace=scope or None, name=name, version=entry["version"]),
        is_shipped=not (entry.get("dev") or entry.get("devOptional")),
        hashes=[
            HashType(
                alg=HashAlgorithm(f"SHA-{algorithm.removeprefix('sha')}"),
                content=base64.b64decode(mark).hex(),
            )
        ],
        licenses=[LicenseFactory().make_from_string(entry["license"])],
        properties=[Property(name="auto-ads:lock", value=CONSOLE)],
    )


def _component(purl: PackageURL, *, is_shipped: bool, **more: Any) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=purl.to_string(),
        purl=purl,
        group=purl.namespace,
        name=purl.name,
        version=purl.version,
        scope=ComponentScope.REQUIRED if is_shipped else ComponentScope.EXCLUDED,
        **more,
    )


def _digest_of_locks() -> str:
    digest = hashlib.sha256()
    for lock in (*python_locks(), ROOT / CONSOLE):
        digest.update(lock.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()

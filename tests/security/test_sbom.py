"""The list of what we build from: whole, valid, and the same for the same locks."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from crash_lab.points import ROOT
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

CONSOLE = json.loads((ROOT / "frontend/package-lock.json").read_text())["packages"]


def made(folder: Path, **env: str) -> str:
    out = folder / "sbom.cdx.json"
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(ROOT / "scripts/sbom.py"), "--out", str(out)],
        env={"PATH": os.environ["PATH"], **env},
        check=True,
        capture_output=True,
        timeout=120,
    )
    return out.read_text()


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made(tmp_path_factory.mktemp("sbom"), PYTHONHASHSEED="1")


@pytest.fixture(scope="module")
def components(text: str) -> dict[str, dict[str, Any]]:
    """By package URL; our own have none."""
    return {each["purl"]: each for each in json.loads(text)["components"] if "purl" in each}


def test_the_document_is_valid_cyclonedx_1_6(text: str) -> None:
    assert json.loads(text)["specVersion"] == "1.6"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    broken = text.replace('"scope": "required"', '"scope": "perhaps"', 1)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_the_same_locks_make_the_same_bytes(text: str, tmp_path: Path) -> None:
    assert made(tmp_path, PYTHONHASHSEED="2") == text
    assert "timestamp" not in json.loads(text)["metadata"]
    dated = json.loads(made(tmp_path, SOURCE_DATE_EPOCH="1800000000"))
    assert dated["metadata"].pop("timestamp") == "2027-01-15T08:00:00+00:00"
    assert dated == json.loads(text)


def test_it_lists_every_locked_python_package_with_all_its_hashes(
    components: dict[str, dict[str, Any]],
) -> None:
    expected: dict[str, set[str]] = {}
    locks = [path for path in ROOT.rglob("requirements*.lock") if ".venv" not in path.parts]
    for lock in locks:
        for entry in re.split(r"\n(?=[a-z])", lock.read_text()):
            name, version = re.findall(r"^([\w.-]+)==([^\s;]+)", entry)[0]
            hashes = re.findall(r"sha256:([0-9a-f]{64})", entry)
            expected.setdefault(f"pkg:pypi/{name.lower()}@{version}", set()).update(hashes)
    listed = {
        purl: {mark["content"] for mark in each["externalReferences"][0]["hashes"]}
        for purl, each in components.items()
        if purl.startswith("pkg:pypi/")
    }
    assert len(listed) > 100
    assert listed == expected


def test_it_lists_every_locked_package_of_the_console_with_its_hash(
    components: dict[str, dict[str, Any]],
) -> None:
    expected = {}
    for place, entry in CONSOLE.items():
        if place:
            name = place.rpartition("node_modules/")[2].replace("@", "%40")
            mark = base64.b64decode(entry["integrity"].removeprefix("sha512-")).hex()
            expected[f"pkg:npm/{name}@{entry['version']}"] = mark
    listed = {
        purl: each["hashes"][0]["content"] for purl, each in components.items() if purl.startswith("pkg:npm/")
    }
    assert len(listed) > 100
    assert listed == expected


@pytest.mark.parametrize(
    ("package", "scope"),
    [
        ("pkg:pypi/fastapi@", "required"),
        ("pkg:pypi/pytest@", "excluded"),
        ("pkg:pypi/uv@", "excluded"),
        ("pkg:npm/react@", "required"),
        ("pkg:npm/vite@", "excluded"),
    ],
)
def test_what_is_in_an_image_is_told_from_what_builds_and_tests_it(
    components: dict[str, dict[str, Any]], package: str, scope: str
) -> None:
    assert [each["scope"] for purl, each in components.items() if purl.startswith(package)] == [scope]


def test_everything_in_it_is_reached_from_the_project(text: str) -> None:
    document = json.loads(text)
    needs = {each["ref"]: set(each.get("dependsOn", ())) for each in document["dependencies"]}
    start = document["metadata"]["component"]["bom-ref"]
    reached, todo = {start}, [start]
    while todo:
        new = needs[todo.pop()] - reached
        reached |= new
        todo += new
    assert reached == {each["bom-ref"] for each in document["components"]} | {start}
    [fastapi] = [ref for ref in reached if ref.startswith("pkg:pypi/fastapi@")]
    [starlette] = [ref for ref in reached if ref.startswith("pkg:pypi/starlette@")]
    assert fastapi in needs["project-auto-chassis"]
    assert starlette in needs[fastapi]
    assert "project-auto-contracts" in needs["project-auto-chassis"]

"""What we build from: pinned by hash, audited, linted, and without secrets in it."""

import base64
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from crash_lab.points import ROOT

LOCKS = sorted(path for path in ROOT.rglob("requirements*.lock") if ".venv" not in path.parts)
CONSOLE = {
    place: entry
    for place, entry in json.loads((ROOT / "frontend/package-lock.json").read_text())["packages"].items()
    if place
}
PINNED = re.compile(r"([A-Za-z0-9._-]+)==[^\s;]+( ; [^\\]+)?")
_NOISE = hashlib.sha256(b"planted").hexdigest()
_LETTERS = base64.b64encode(hashlib.sha512(_NOISE.encode()).digest()).decode().replace("+", "x")
PLANTED = {
    "token of Meta": f"EAAS{_LETTERS}",
    "private key": "-----BEGIN " + "PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAA\n",
    "app secret": _NOISE[:32],
    "address with a password": "postgresql://" + f"admin:{_LETTERS[:12]}@db.internal/auto",
    "key of a cloud": "AKIA" + "QWERTYUIOPASDFGH",
}
"""Put together here, so that the scan does not find them in this file."""


def entries(lock: Path) -> list[str]:
    """Requirements with all that belongs to them, one line each; without comments."""
    text = re.sub(r"^\s*#.*\n", "", lock.read_text(), flags=re.MULTILINE)
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def test_there_is_a_lock_for_the_workspace_for_each_image_and_for_the_installer() -> None:
    assert {str(lock.relative_to(ROOT)) for lock in LOCKS} >= {
        "requirements.lock",
        "requirements-uv.lock",
        "services/gateway/requirements.lock",
        "services/meta-auth/requirements.lock",
        "services/ads-publisher/requirements.lock",
        "sandbox/requirements.lock",
    }


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(ROOT)))
def test_every_locked_package_has_one_version_and_its_hashes_and_no_address(lock: Path) -> None:
    found = entries(lock)
    assert found
    for entry in found:
        assert PINNED.match(entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
        assert not re.search(r"://|--index|--find-links|--trusted-host| @ ", entry), entry


def test_every_package_of_the_console_has_its_hash_and_no_address() -> None:
    assert len(CONSOLE) > 100
    for place, entry in CONSOLE.items():
        assert entry["integrity"].startswith("sha512-"), place
        assert "resolved" not in entry, place


def test_installing_insists_on_the_hashes() -> None:
    assert "--require-hashes -r requirements.lock" in (ROOT / "scripts/install.sh").read_text()
    for image in ("services/gateway", "services/meta-auth", "services/ads-publisher", "sandbox"):
        assert "--require-hashes" in (ROOT / image / "Dockerfile").read_text(), image


def test_the_security_rules_of_ruff_are_on_wherever_the_product_is() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert lint["select"] == ["ALL"]
    # S608 is about SQL put together from strings; all of ours is made of constants.
    assert [rule for rule in lint["ignore"] if rule.startswith("S")] == ["S608"]
    broad = re.compile(r"S|S\d{1,2}")
    for place, rules in lint["per-file-ignores"].items():
        assert [rule for rule in rules if broad.fullmatch(rule)] == [], place
        ignored = [rule for rule in rules if rule.startswith("S") and rule != "SLF001"]
        assert not ignored or "tests/" in place or place == "bench/**", (place, ignored)


def audit(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(ROOT / "scripts/audit.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@contextmanager
def database(*, vulnerable: tuple[str, str] | None = None, garbled: bool = False) -> Iterator[str]:
    """A database that knows of one vulnerable package, or of none, or that answers nonsense."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked: list[Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))["queries"]
            results = [
                {"vulns": [{"id": "OSV-1"}]}
                if (query["package"]["ecosystem"], query["package"]["name"]) == vulnerable
                else {}
                for query in asked
            ]
            body = json.dumps({"results": results[:-1] if garbled else results}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_audit_that_could_not_be_made_says_so_and_does_not_pass() -> None:
    done = audit("--service-url", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert "NOT RUN" in done.stdout
    with database(garbled=True) as address:
        assert audit("--service-url", address).returncode == 2


@pytest.mark.parametrize(
    ("name", "ecosystem"), [("fastapi", "PyPI"), ("react", "npm"), ("@types/node", "npm")]
)
def test_an_audit_names_what_is_vulnerable(name: str, ecosystem: str) -> None:
    with database(vulnerable=(ecosystem, name)) as address:
        done = audit("--service-url", address)
    assert (done.returncode, done.stdout.count("OSV-1")) == (1, 1)
    assert re.search(rf"^{name} \S+ \({ecosystem}\): OSV-1$", done.stdout, re.MULTILINE)


def test_an_audit_of_every_locked_package_can_pass() -> None:
    with database() as address:
        done = audit("--service-url", address)
    assert done.returncode == 0, done.stdout + done.stderr
    [count] = re.findall(r"^(\d+) packages looked up", done.stdout)
    assert int(count) >= 80 + len(CONSOLE) * 0.9, "the console has some packages twice, in one version"


@pytest.mark.parametrize("kind", PLANTED)
def test_the_scan_finds_a_planted_secret(kind: str, tmp_path: Path) -> None:
    """In a repository of its own, by the same script and with the same list of what is none."""
    for name in ("scripts/scan_secrets.sh", ".secrets.baseline"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((ROOT / name).read_bytes())
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    (tmp_path / ".gitignore").write_text(".venv\n")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)  # noqa: S603, S607 - the git of this machine
    (tmp_path / "notes.py").write_text("nothing = 1\n")
    assert scan(tmp_path).returncode == 0
    (tmp_path / "notes.py").write_text(f'value = """{PLANTED[kind]}"""\n')
    found = scan(tmp_path)
    assert found.returncode != 0
    assert "notes.py" in found.stdout
    assert PLANTED[kind] not in found.stdout


def scan(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "scripts/scan_secrets.sh"],  # noqa: S607 - the sh of this machine
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_list_of_what_is_no_secret_holds_none() -> None:
    known = json.loads((ROOT / ".secrets.baseline").read_text())["results"]
    fields = {name for found in known.values() for entry in found for name in entry}
    assert fields <= {"type", "filename", "hashed_secret", "is_verified", "line_number", "is_secret"}

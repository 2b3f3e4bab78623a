"""What the README shows works, line by line, against a sandbox started as it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx

from graph_sandbox.state import App
from graph_sandbox.testing import running_sandbox

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
APP = App("100000000000001", "sandbox-app-secret", ("http://localhost:3001/meta/oauth/callback",))
TOLD = "The token is"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def run(command: list[str], tmp_path: Path, **environment: str) -> str:
    done = subprocess.run(  # noqa: S603 - the README's own lines
        command,
        cwd=tmp_path,
        env={**os.environ, "NO_PROXY": "*", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def test_the_curl_and_sdk_examples_work(tmp_path: Path) -> None:
    """The shell blocks are one session; a call to `/_sandbox` that is refused ends it."""
    with running_sandbox(APP) as address:
        log_in, create, look, fail = (
            block.replace("http://localhost:3004", address) for block in blocks("bash")
        )
        told = run(["bash", "-euo", "pipefail", "-c", f'{log_in}\n{create}\necho "{TOLD} $TOKEN"'], tmp_path)
        assert '{"id":"10220000000000001","name":"Ada Lindqvist"}' in told
        assert '"error_subcode":4834011' in told
        assert '"name":"First"' in told
        token = told.rpartition(TOLD)[2].strip()
        sdk = next(block for block in blocks("python") if "facebook_business" in block)
        program = sdk.replace("http://localhost:3004", address)
        assert re.fullmatch(r"\d+ 2\n", run([sys.executable, "-c", program], tmp_path, TOKEN=token))
        strict = f"ACT=act_101500000000001\n{look}\n{fail}".replace("curl -s ", "curl -s --fail-with-body ")
        run(["bash", "-euo", "pipefail", "-c", strict], tmp_path)
        with httpx.Client(base_url=address, trust_env=False) as http:
            assert http.get("/_sandbox/faults").json()["data"] == []
            assert http.get("/_sandbox/settings").json()["access_tier"] == "unlimited"


def test_the_python_examples_for_tests_work(tmp_path: Path) -> None:
    fixture, thread = (block for block in blocks("python") if "facebook_business" not in block)
    (tmp_path / "test_readme_example.py").write_text(fixture, encoding="utf-8")
    assert "1 passed" in run(
        [sys.executable, "-m", "pytest", "-p", "no:asyncio", "-p", "no:cacheprovider"], tmp_path
    )
    assert run([sys.executable, "-c", thread], tmp_path).startswith("http://127.0.0.1:")

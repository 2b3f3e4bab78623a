"""The pages below docs/ that are made from the code say what the code says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_generated_pages_are_fresh() -> None:
    """When this fails: `make docs`. In a process of its own, since other tests define errors of theirs."""
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-W", "error", str(ROOT / "scripts" / "generate_docs.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0

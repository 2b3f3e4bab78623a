"""Where the end-to-end tests find their system: `--target embedded` (the default) or `--target compose`."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest

EMBEDDED, COMPOSE = "embedded", "compose"
OLDEST_COMPOSE = (2, 24, 4)
"""The first that can replace a list of another file, such as the ports."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--target",
        choices=(EMBEDDED, COMPOSE),
        default=EMBEDDED,
        help="what tests/e2e drives: plain processes on embedded servers, or deploy/compose.yaml",
    )
    parser.addoption(
        "--screenshots", type=Path, help="folder into which tests/e2e/console puts pictures of all pages"
    )
    parser.addoption("--seed", type=int, help="repeats the moments at which tests/e2e/containers kills")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.seed is None:
        config.option.seed = random.randrange(1_000_000)  # noqa: S311 - not a secret
    if config.getoption("--target") == COMPOSE and (missing := _missing_for_compose()):
        raise pytest.UsageError(f"The compose target (make e2e) cannot run here: {missing}")


def pytest_report_header(config: pytest.Config) -> str:
    if config.getoption("--target") == COMPOSE:
        seed = config.getoption("--seed")
        return f"end to end: on the compose stack, tests/e2e/containers included, with --seed {seed}"
    return "end to end: on embedded servers; tests/e2e/containers needs Docker and runs with make e2e only"


def _missing_for_compose() -> str | None:
    if not shutil.which("docker"):
        return "there is no docker command."
    engine = _ask("docker", "version", "--format", "{{.Server.Version}}")
    if engine.returncode:
        return f"no Docker engine answers ({engine.stderr.strip()})"
    compose = _ask("docker", "compose", "version", "--short")
    numbers = compose.stdout.strip().lstrip("v").partition("-")[0].partition("+")[0].split(".")
    wanted = ".".join(map(str, OLDEST_COMPOSE))
    if compose.returncode or not all(number.isdecimal() for number in numbers):
        return (
            f"it needs Docker Compose {wanted} or later ({compose.stderr.strip() or compose.stdout.strip()})"
        )
    if tuple(map(int, numbers)) < OLDEST_COMPOSE:
        return f"it needs Docker Compose {wanted} or later; this is {compose.stdout.strip()}."
    return None


def _ask(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - ours

"""Which servers the tests run on: containers where they can be had at once, else the embedded ones.

`TEST_SERVERS` decides. Unset, it is looked up, and the header of the test run says what came of it and why.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

VARIABLE = "TEST_SERVERS"
CONTAINERS, EMBEDDED = "containers", "embedded"
IMAGES = ("postgres:17", "redis:7")
"""Those of deploy/compose.yaml."""
RYUK_VARIABLE = "TESTCONTAINERS_RYUK_DISABLED"
_ASK_SECONDS = 10.0


class ChoiceError(ValueError):
    """The variable asks for what there is not."""


@dataclass(frozen=True)
class Choice:
    """Containers or not, and why."""

    containers: bool
    why: str

    @classmethod
    def make(cls, environment: Mapping[str, str] = os.environ) -> "Choice":
        """Decide.

        Raises:
            ChoiceError: the variable has another value than the two.
        """
        asked = environment.get(VARIABLE, "")
        if asked not in ("", CONTAINERS, EMBEDDED):
            raise ChoiceError(f"{VARIABLE}={asked!r} is neither {CONTAINERS!r} nor {EMBEDDED!r}")
        if asked:
            return cls(asked == CONTAINERS, f"{VARIABLE} says so")
        if not shutil.which("docker"):
            return cls(False, "there is no docker command")
        if not _succeeds("docker", "version"):
            return cls(False, "no Docker engine answers")
        missing = [image for image in IMAGES if not has_image(image)]
        if missing:
            return cls(False, f"the Docker engine would have to pull {' and '.join(missing)} first")
        return cls(True, "a Docker engine answers and has the images")

    def __str__(self) -> str:
        names = f"containers of {' and '.join(IMAGES)}" if self.containers else "embedded Postgres and Valkey"
        other = EMBEDDED if self.containers else CONTAINERS
        return f"servers: {names}, since {self.why} ({VARIABLE}={other} for the others)"


def has_image(image: str) -> bool:
    """Whether the engine has it here, without pulling."""
    return _succeeds("docker", "image", "inspect", image)


def _succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=_ASK_SECONDS)  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0

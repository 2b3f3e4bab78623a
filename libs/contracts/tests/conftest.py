"""The stored samples: what producers of today, and one of tomorrow, put on the streams."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine makes an example slow, which says nothing about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.json"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `sample` once for each stored sample."""
    if "sample" in metafunc.fixturenames:
        metafunc.parametrize("sample", [path.read_text() for path in SAMPLES], ids=[p.stem for p in SAMPLES])


@pytest.fixture
def samples_by_name() -> dict[str, Any]:
    """The text of every sample, by file name without `.json`."""
    return {path.stem: path.read_text() for path in SAMPLES}

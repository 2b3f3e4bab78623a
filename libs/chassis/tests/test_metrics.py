"""What a process shows of itself is true or absent."""

import socket
from collections.abc import Mapping, Sequence

import pytest
from opentelemetry.metrics import CallbackOptions

from chassis.metrics import Gauges, Reading, close_metrics, setup_metrics
from chassis.settings import ServiceSettings


async def good() -> Mapping[str, Sequence[Reading]]:
    return {"sample.good": [(7.0, {"of": "it"}), (None, {"of": "other"})]}


class Moody:
    """A source that tells something, and then fails."""

    def __init__(self) -> None:
        self.fails = False

    async def __call__(self) -> Mapping[str, Sequence[Reading]]:
        if self.fails:
            raise ConnectionError("away")
        return {"sample.moody": [(1.0, {})]}


def told(gauges: Gauges, name: str) -> list[float | int]:
    return [observation.value for observation in gauges._teller(name)(CallbackOptions())]


async def test_a_gauge_whose_source_fails_is_absent_and_the_others_are_measured_all_the_same() -> None:
    moody = Moody()
    described = {"sample.good": ("1", "Good"), "sample.moody": ("1", "Moody")}
    gauges = Gauges(described=described, sources=[moody, good])
    await gauges.measure()
    assert (told(gauges, "sample.good"), told(gauges, "sample.moody")) == ([7.0], [1.0])
    moody.fails = True
    with pytest.raises(ConnectionError):
        await gauges.measure()
    assert (told(gauges, "sample.good"), told(gauges, "sample.moody")) == ([7.0], [])


@pytest.mark.parametrize(("stale_seconds", "expected"), [(20.0, [7.0]), (0.0, [])])
async def test_a_gauge_that_nobody_has_measured_lately_is_absent(
    stale_seconds: float, expected: list[float]
) -> None:
    described = {"sample.good": ("1", "Good")}
    gauges = Gauges(described=described, sources=[good], stale_seconds=stale_seconds)
    await gauges.measure()
    assert told(gauges, "sample.good") == expected


def test_a_taken_port_costs_the_page_and_not_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = ServiceSettings.model_validate({"OTEL_EXPORTER_PROMETHEUS_PORT": port})
        assert settings.prometheus_port == port
        setup_metrics("sample", settings)
        close_metrics()
    assert "metrics_page_missing" in "".join(capfd.readouterr())

"""`.env.example` and the README name every variable that a service reads, and nothing else."""

import re
from pathlib import Path

import pytest

from ads_publisher.settings import Settings as PublisherSettings
from chassis.settings import ServiceSettings
from gateway.settings import GatewaySettings
from meta_auth.settings import Settings as MetaAuthSettings

ROOT = Path(__file__).parents[1]
SETTINGS: tuple[type[ServiceSettings], ...] = (GatewaySettings, MetaAuthSettings, PublisherSettings)
READ_OTHERWISE = {"SECRETS_DIR", "OTEL_EXPORTER_OTLP_HEADERS"}
"""The first says where settings may come from; the second is read by OpenTelemetry."""
NOT_THE_DEFAULT = {"META_GRAPH_VERSION", "DATABASE_URL", "MIGRATION_DATABASE_URL", "META_REDIRECT_URL"}
"""Shown with a value although the code has another default, or none."""


def _variables(settings: type[ServiceSettings]) -> dict[str, str]:
    """Variable names of one service, each with the name of its field."""
    names = {}
    for field, info in settings.model_fields.items():
        choices = getattr(info.validation_alias, "choices", None) or [info.validation_alias or field.upper()]
        names.update({str(name): field for name in choices})
    return names


def _example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), "a variable is listed twice"
    return {name: value.strip("'") for name, value in pairs}


def test_the_example_names_every_variable_that_a_service_reads_and_no_other() -> None:
    read = set().union(*(_variables(settings) for settings in SETTINGS)) | READ_OTHERWISE
    assert set(_example()) == read


def test_the_readme_describes_the_same_variables() -> None:
    section = (ROOT / "README.md").read_text().partition("## Environment")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z][A-Z_]+)` \|", section, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == set(_example())


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda cls: cls.__module__)
def test_what_the_example_shows_is_what_the_code_does_by_default(
    settings: type[ServiceSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in _variables(settings):
        monkeypatch.delenv(name, raising=False)
    default = settings.load()
    for name, value in _example().items():
        monkeypatch.setenv(name, value)
    shown = settings.load()
    for name, field in _variables(settings).items():
        if name not in NOT_THE_DEFAULT:
            assert getattr(shown, field) == getattr(default, field), name


def test_the_example_sets_a_graph_version_that_meta_still_serves() -> None:
    assert _example()["META_GRAPH_VERSION"] == "v25.0"

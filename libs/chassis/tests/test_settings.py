"""Settings come from the environment or from secret files, and do not show what is secret."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from chassis.settings import ServiceSettings, split_csv

URL = "postgresql://gateway:planted-password@db/auto_ads"


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("SECRETS_DIR", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


def test_settings_have_the_plain_names_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("SERVICE_PUBLIC_KEYS", '{"gateway":"key"}')
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    settings = ServiceSettings.load()
    assert settings.database_url.get_secret_value() == URL
    assert settings.environment == "production"
    assert settings.service_public_keys == {"gateway": "key"}
    assert settings.otlp_endpoint == "http://collector:4318"


def test_a_setting_may_be_a_file_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "database_url").write_text(URL + "\n")
    (tmp_path / "redis_url").write_text("redis://file/0")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", "redis://environment/0")
    settings = ServiceSettings.load()
    assert settings.database_url.get_secret_value() == URL
    assert settings.redis_url.get_secret_value() == "redis://environment/0"


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("SERVICE_PRIVATE_KEY", "planted-key")
    shown = repr(ServiceSettings.load()) + str(ServiceSettings.load())
    assert "planted" not in shown


def test_an_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    assert ServiceSettings.load().log_level == "INFO"
    assert ServiceSettings.load().otlp_endpoint is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", "staging"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("DATABASE_POOL_SIZE", "1"),
        ("DATABASE_POOL_SIZE", "many"),
    ],
)
def test_a_value_that_a_setting_cannot_have_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        ServiceSettings.load()


def test_migrations_use_the_owner_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    assert ServiceSettings.load().migration_url == URL
    monkeypatch.setenv("MIGRATION_DATABASE_URL", "postgresql://gateway_owner@db/auto_ads")
    assert ServiceSettings.load().migration_url == "postgresql://gateway_owner@db/auto_ads"


def test_settings_cannot_be_changed_later() -> None:
    settings = ServiceSettings.load()
    with pytest.raises(ValidationError):
        settings.host = "0.0.0.0"  # type: ignore[misc]  # noqa: S104 - never listened on


@pytest.mark.parametrize(
    ("value", "parts"),
    [("a, b", ("a", "b")), ("", ()), (" , ", ()), ("a", ("a",)), (("a",), ("a",)), (None, None)],
)
def test_a_comma_list_is_split_and_trimmed(value: object, parts: object) -> None:
    assert split_csv(value) == parts

"""What the service refuses to start with."""

import pytest
from pydantic import SecretStr, ValidationError

from meta_auth.settings import Settings


def test_production_talks_to_meta_and_nothing_else() -> None:
    assert Settings(environment="production").meta_graph_base_url == "https://graph.facebook.com"


@pytest.mark.parametrize(
    "url",
    [
        "http://graph.facebook.com",
        "https://graph.facebook.com:8443",
        "https://graph.facebook.com.evil.test",
        "https://evil.test/graph.facebook.com",
        "https://graph.facebook.com@evil.test",
        "http://127.0.0.1:3004",
    ],
)
def test_another_graph_is_refused_in_production_and_allowed_elsewhere(url: str) -> None:
    with pytest.raises(ValidationError, match=r"META_GRAPH_BASE_URL must be https://graph\.facebook\.com"):
        Settings(environment="production", meta_graph_base_url=url)
    assert Settings(environment="test", meta_graph_base_url=f"{url}/").meta_graph_base_url == url


def test_another_dialog_is_refused_in_production() -> None:
    with pytest.raises(ValidationError, match="META_DIALOG_BASE_URL"):
        Settings(environment="production", meta_dialog_base_url="https://evil.test")


@pytest.mark.parametrize("version", ["25", "v25", "v25.1", "v25.0/../..", ""])
def test_a_version_is_written_as_meta_writes_it(version: str) -> None:
    with pytest.raises(ValidationError):
        Settings(meta_graph_version=version)


@pytest.mark.parametrize("text", ["1", "yes", "True", "TRUE", "on", ""])
def test_only_the_word_true_allows_development_connections(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_DEV_META", text)
    assert Settings().allow_dev_meta is False
    monkeypatch.setenv("ALLOW_DEV_META", "true")
    assert Settings().allow_dev_meta is True


def test_production_offers_no_development_connection() -> None:
    with pytest.raises(ValidationError, match="ALLOW_DEV_META is for development"):
        Settings(environment="production", allow_dev_meta=True)


def test_scopes_are_a_comma_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_SCOPES", "ads_management, ads_read")
    assert Settings().meta_scopes == ("ads_management", "ads_read")


def test_an_app_needs_all_its_three_parts() -> None:
    whole = {"meta_app_id": "1", "meta_app_secret": SecretStr("s"), "meta_redirect_url": "http://x.test/cb"}
    assert Settings(**whole).meta_app is not None
    for name in whole:
        assert Settings(**{**whole, name: None}).meta_app is None


def test_a_refused_setting_does_not_print_the_others() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(environment="production", meta_graph_base_url="http://x.test", meta_app_secret="canary-1")
    assert "canary-1" not in str(caught.value)

"""Which settings the gateway refuses, and what follows from them."""

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.settings import GatewaySettings


def test_by_default_the_frontend_on_port_3000_may_call() -> None:
    settings = GatewaySettings()
    assert settings.allowed_origins == ("http://localhost:3000",)
    assert settings.own_origin == "http://localhost:3001"
    assert settings.secure_cookie is False


def test_the_frontend_may_lie_below_a_path() -> None:
    settings = GatewaySettings(app_url="https://example.com/console/")
    assert settings.app_url == "https://example.com/console"
    assert settings.allowed_origins == ("https://example.com",)


def test_origins_are_a_comma_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "http://localhost:3000, https://App.Example.com/")
    assert GatewaySettings().allowed_origins == ("http://localhost:3000", "https://app.example.com")


@pytest.mark.parametrize(
    "origin", ["*", "null", "localhost:3000", "https://*.example.com/x", "ftp://example.com"]
)
def test_an_origin_that_is_none_stops_the_start(origin: str) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings(cors_origins=origin)


@pytest.mark.parametrize(
    "setting",
    [{"port": 70_000}, {"session_idle_seconds": 0}, {"default_monthly_budget": 0}, {"environment": "prod"}],
)
def test_a_value_that_cannot_be_stops_the_start(setting: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings(**setting)


def test_https_makes_the_cookie_secure() -> None:
    settings = GatewaySettings(public_url="https://api.example.com/")
    assert settings.secure_cookie is True
    assert settings.own_origin == "https://api.example.com"


@pytest.mark.parametrize(
    "setting",
    [
        {"session_cookie": "__Host-session"},
        {"session_same_site": "none"},
        {"session_cookie": "sid", "public_url": "https://api.example.com"},
        {"environment": "production", "mail_dir": "/var/mail"},
        {"environment": "production", "smtp_host": "mail.example.com", "smtp_tls": "none"},
        {"trusted_proxies": "*"},
        {"trusted_proxies": "10.0.0.1,*"},
        {"trusted_proxies": "0.0.0.0/0"},
        {"trusted_proxies": "10.0.0.0/8, ::/0"},
    ],
)
def test_an_unsafe_setting_stops_the_start(setting: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings(**setting)


def test_proxies_are_addresses_and_networks() -> None:
    named = "10.0.0.1, 172.16.0.0/12,fd00::/8"
    assert GatewaySettings(trusted_proxies=named).trusted_proxies == named


def test_over_https_the_cookie_may_be_bound_to_the_host_or_sent_from_another_site() -> None:
    settings = GatewaySettings(
        public_url="https://api.example.com", session_cookie="__Host-session", session_same_site="none"
    )
    assert settings.secure_cookie

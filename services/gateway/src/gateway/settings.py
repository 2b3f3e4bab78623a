"""What the gateway reads from its environment, beside the settings that every service has."""

from decimal import Decimal
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from chassis.settings import Csv, ServiceSettings, split_csv

WEEK_SECONDS: Final = 604_800
COOKIE_MAX_AGE_SECONDS: Final = WEEK_SECONDS
"""How long a browser keeps the session cookie; the server's own limits are settings and count first."""


def _origin(value: str) -> str:
    parts = urlsplit(value.strip().rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        raise ValueError(f"{value!r} is not an address such as https://app.example.com")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _is_everybody(proxy: str) -> bool:
    try:
        return ip_network(proxy, strict=False).prefixlen == 0
    except ValueError:
        return False


class GatewaySettings(ServiceSettings):
    """Frozen; read once at start."""

    port: int = Field(default=3001, ge=0, le=65_535)
    public_url: str = ""
    """Address under which browsers reach this gateway; default `http://localhost:PORT`."""
    app_url: str = "http://localhost:3000"
    """The frontend; the OAuth callback returns there."""
    console_dir: Path | None = None
    """Folder with the built console, served at `/console`; without one it is not served."""
    cors_origins: Annotated[Csv, BeforeValidator(split_csv)] = ()
    """Origins whose pages may call us with the cookie; default: that of `APP_URL`."""
    trusted_proxies: str = ""
    """Comma list of the proxies whose `X-Forwarded-*` headers are believed; none by default."""

    meta_auth_url: str = "http://localhost:3002"
    meta_auth_timeout_seconds: float = Field(default=30.0, gt=0)
    """One answer of meta-auth may need several calls to Meta."""

    ads_publisher_url: str = "http://localhost:3003"
    """Any publisher: it is asked for repro bundles only."""

    session_idle_seconds: int = Field(default=WEEK_SECONDS, ge=1)
    """A session that nobody used for this long is over."""
    session_absolute_seconds: int = Field(default=2_592_000, ge=1)
    """A session is over after this long, used or not (30 days)."""
    login_failures: int = Field(default=10, ge=1)
    """Failed logins of one address and account within the window, before further tries are refused."""
    login_failures_per_address: int = Field(default=50, ge=1)
    """The same for one address, whatever accounts it tries; also requests for a link, and tries with one."""
    login_failures_per_account: int = Field(default=100, ge=1)
    """The same for one account over all addresses where its owner has never logged in."""
    login_window_seconds: int = Field(default=900, ge=1)
    """In which failed logins, sign-ups and requests for a link are counted."""
    refuse_common_passwords: bool = False
    """At sign-up too. A new password later is never one of them."""
    signups_per_address: int = Field(default=20, ge=1)
    runs_per_minute: int = Field(default=10, ge=1)
    """New publishes of one customer in a minute, and as many syncs."""

    session_cookie: Literal["session", "__Host-session"] = "session"
    """`__Host-` makes browsers insist on https, this host and the path /."""
    session_same_site: Literal["lax", "none"] = "lax"
    """`none` is for a frontend on another site; the cookie is then partitioned, and needs https."""

    mail_from: str = "no-reply@localhost"
    """Who mails come from: a plain address."""
    mail_dir: str = ""
    """Folder to which mails are written instead of being sent; for development only."""
    smtp_host: str = ""
    """Mail server; without it and `mail_dir` nobody can reset a password."""
    smtp_port: int = Field(default=587, ge=1, le=65_535)
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")

    default_monthly_budget: Decimal = Field(default=Decimal(3000), gt=0)
    """Per month, in major units of the account's currency, for who sets no budget."""
    rering_after_seconds: float = Field(default=15.0, gt=0)
    """An open run without news for this long is sent to the publisher again; the pause doubles each time."""
    rering_at_most_seconds: float = Field(default=60.0, gt=0)

    event_heartbeat_seconds: float = Field(default=15.0, gt=0)
    """An open event stream says that it lives, and looks whether its session does, this often."""
    event_streams: int = Field(default=500, ge=1)
    """Event streams that one process keeps open at most."""
    event_streams_per_customer: int = Field(default=10, ge=1)

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        partitioned = self.session_same_site == "none"
        if not self.secure_cookie and (partitioned or self.session_cookie.startswith("__Host-")):
            raise ValueError(
                "SESSION_COOKIE=__Host-session and SESSION_SAME_SITE=none need https in PUBLIC_URL"
            )
        if self.environment == "production" and self.mail_dir:
            raise ValueError("MAIL_DIR is for development: set SMTP_HOST")
        if self.environment == "production" and self.smtp_host and self.smtp_tls == "none":
            raise ValueError("SMTP_TLS=none is for development: mails carry links that reset a password")
        return self

    @field_validator("trusted_proxies")
    @classmethod
    def _named_proxies(cls, value: str) -> str:
        if "*" in value or any(_is_everybody(proxy.strip()) for proxy in value.split(",")):
            raise ValueError(
                "TRUSTED_PROXIES names addresses or networks: if everybody is one, anybody can invent theirs"
            )
        return value

    @field_validator("app_url", "meta_auth_url", "ads_publisher_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_origin(item) for item in value)

    @property
    def public_address(self) -> str:
        return self.public_url.rstrip("/") or f"http://localhost:{self.port}"

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """Origins that get CORS headers."""
        parts = urlsplit(self.app_url)
        return self.cors_origins or (f"{parts.scheme}://{parts.netloc}",)

    @property
    def own_origin(self) -> str:
        return _origin("://".join(urlsplit(self.public_address)[:2]))

    @property
    def secure_cookie(self) -> bool:
        return self.public_address.startswith("https://")

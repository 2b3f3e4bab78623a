"""Settings of meta-auth, read from the environment or from files in `SECRETS_DIR`."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator
from pydantic_core import Url

from chassis.settings import Csv, ServiceSettings, split_csv

HttpUrl = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^https?://[^\s?#]+$")]
META_HOSTS = {"meta_graph_base_url": "graph.facebook.com", "meta_dialog_base_url": "www.facebook.com"}
"""In production, nothing else is ever sent a token or shown to a user as Meta's dialog."""


@dataclass(frozen=True, kw_only=True)
class MetaApp:
    """The app that customers connect to; `redirect_url` must equal the registered one to the letter."""

    app_id: str
    app_secret: SecretStr
    redirect_url: str


class Settings(ServiceSettings):
    port: int = 3002
    meta_app_id: str | None = None
    meta_app_secret: SecretStr | None = None
    meta_redirect_url: HttpUrl | None = None
    """The gateway's callback, as registered with the app."""
    meta_graph_version: Annotated[str, StringConstraints(pattern=r"^v\d{1,3}\.0$")] = "v21.0"
    meta_graph_base_url: HttpUrl = "https://graph.facebook.com"
    meta_dialog_base_url: HttpUrl = "https://www.facebook.com"
    meta_scopes: Csv = ("ads_management", "business_management")
    """Asked for in the dialog."""
    meta_required_scopes: Csv = ("ads_management",)
    """Without these a grant is of no use and the connection is refused."""
    allow_dev_meta: bool = False
    """Offers a placeholder connection that never reaches Meta."""
    token_keys: dict[str, SecretStr] = Field(default_factory=dict)
    """Keys that seal tokens, by key id: 32 bytes, base64url. Old ones stay until no row uses them."""
    token_key_id: str = ""
    """The key for new tokens."""
    token_check_interval_seconds: float = Field(default=86_400.0, ge=1.0)
    """How often Meta is asked about each token; Meta asks for once a day."""

    _split = field_validator("meta_scopes", "meta_required_scopes", mode="before")(split_csv)

    @field_validator("meta_graph_base_url", "meta_dialog_base_url")
    @classmethod
    def _no_trailing_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("allow_dev_meta", mode="before")
    @classmethod
    def _only_true_counts(cls, value: object) -> bool:
        # A feature that fakes a connection must not come on by `1`, `yes` or a typo.
        return value is True or value == "true"

    @model_validator(mode="after")
    def _production_talks_to_meta_only(self) -> Self:
        if self.environment != "production":
            return self
        if self.allow_dev_meta:
            raise ValueError("ALLOW_DEV_META is for development: in production a connection is one to Meta")
        for name, host in META_HOSTS.items():
            url = Url(getattr(self, name))
            if (url.scheme, url.host, url.port) != ("https", host, 443):
                raise ValueError(f"{name.upper()} must be https://{host} in production")
        return self

    @property
    def meta_app(self) -> MetaApp | None:
        """The app, or None while it is not fully configured."""
        if not (self.meta_app_id and self.meta_app_secret and self.meta_redirect_url):
            return None
        return MetaApp(
            app_id=self.meta_app_id, app_secret=self.meta_app_secret, redirect_url=self.meta_redirect_url
        )

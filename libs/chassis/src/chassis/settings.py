"""What every service reads from its environment. Each setting may also be a file in `SECRETS_DIR`."""

import os
from typing import Annotated, Any, Literal, Self

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Csv = Annotated[tuple[str, ...], NoDecode]
"""A comma separated list, kept as text by the environment reader and split by the setting's validator."""


def split_csv(value: Any) -> Any:
    """Split `a, b` into `("a", "b")`; anything but text passes."""
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


class ServiceSettings(BaseSettings):
    """Common settings; a service adds its own in a subclass."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        env_ignore_empty=True,
        hide_input_in_errors=True,  # a complaint about one must not print the others
    )

    environment: Literal["development", "test", "production"] = "development"
    database_url: SecretStr = SecretStr("postgresql://localhost/auto_ads")
    """Serving role, which cannot change the schema."""
    migration_database_url: SecretStr | None = None
    """Owner role, used by `migrate` only."""
    admin_database_url: SecretStr | None = None
    """Administrator of the server, used by `provision` only."""
    database_pool_size: int = Field(default=10, ge=2, le=100)
    redis_url: SecretStr = SecretStr("redis://localhost:6379/0")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    host: str = "127.0.0.1"
    shutdown_delay_seconds: float = Field(default=0.0, ge=0, le=60)
    """After SIGTERM the process is not ready but serves for this long, until balancers have turned away."""
    service_private_key: SecretStr = SecretStr("")
    """Ed25519 seed, 32 bytes, base64url: signs this service's calls to the others."""
    service_public_keys: dict[str, str] = Field(default_factory=dict)
    """Public keys of the callers that may call this service, by name, base64url."""
    otlp_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """Collector for spans and metrics. OpenTelemetry reads this and its other variables itself."""
    otlp_traces_endpoint: str | None = Field(
        default=None, validation_alias="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
    )
    otlp_metrics_endpoint: str | None = Field(
        default=None, validation_alias="OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
    )
    prometheus_port: int | None = Field(default=None, validation_alias="OTEL_EXPORTER_PROMETHEUS_PORT")
    """Port of the page with metrics, apart from the public one; no page without it."""
    prometheus_host: str = Field(default="127.0.0.1", validation_alias="OTEL_EXPORTER_PROMETHEUS_HOST")
    spans_file: str | None = None
    """File to which finished spans are appended, for tests and the local stack."""
    open_spans_dir: str | None = None
    """Folder on a disk that outlives the process; there, a kill cannot lose the spans in hand."""

    failpoints: str = ""
    """Where this process shall die, for tests; refused in production. See `chassis.failpoints`."""
    failpoint_dir: str | None = None
    """Where failpoints remember that they have fired."""

    @classmethod
    def load(cls) -> Self:
        """Read environment and secret files.

        Raises:
            pydantic.ValidationError: a setting has a value that it cannot have.
        """
        return cls(_secrets_dir=os.environ.get("SECRETS_DIR"))

    @property
    def migration_url(self) -> str:
        return (self.migration_database_url or self.database_url).get_secret_value()

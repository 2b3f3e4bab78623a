"""Settings of the publisher. Every duration names its unit."""

from typing import Annotated, Final

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode

from chassis.settings import ServiceSettings, split_csv
from contracts.events import PublishMode

META_GRAPH: Final = "https://graph.facebook.com"
ExactlyTrue = Annotated[bool, BeforeValidator(lambda value: value in (True, "true"))]
"""Only the exact text `true` switches something on that can touch money; `1`, `yes`, `TRUE` do not."""


class Settings(ServiceSettings):
    port: int = 3003
    """Health, and what the gateway asks for; nobody else is answered."""
    meta_auth_url: str = "http://localhost:3002"
    allow_real_meta_write: ExactlyTrue = False
    allow_dev_ads_publish_sim: ExactlyTrue = False
    meta_app_secret: SecretStr = SecretStr("")
    meta_graph_version: str = Field(default="v21.0", pattern=r"^v\d{1,2}\.\d$")
    meta_graph_base_url: str = Field(default=META_GRAPH, pattern=r"^https?://[^\s?#@]+$")
    meta_dsa_beneficiary: str | None = Field(default=None, max_length=512)
    meta_dsa_payor: str | None = Field(default=None, max_length=512)
    meta_call_timeout_seconds: float = 15.0
    """Total deadline of one call to Meta, from connect to the last byte."""
    meta_admit_window_seconds: int = Field(default=60, ge=1, le=300)
    """How long after the journaled intent Meta itself still admits the call (proof stamp backdated)."""
    meta_clock_skew_seconds: float = 10.0
    """How far the clocks of Meta and of our database may differ."""
    meta_settle_seconds: float = 20.0
    """How long a created object may be missing from Meta's lists."""
    sweep_after_seconds: Annotated[tuple[float, ...], NoDecode, BeforeValidator(split_csv)] = (
        60,
        300,
        900,
        3600,
        86_400,
    )
    """How long after a create whose answer was lost its ad account is looked at for extra objects."""
    executor_tasks: int = Field(default=10, ge=1, le=500)
    """Runs worked at once by this process."""
    lease_seconds: float = Field(default=10.0, le=15.0)
    """A process that is silent for this long has lost its runs to the others."""

    @property
    def mode(self) -> PublishMode:
        """Real wins over sim; neither means disabled."""
        if self.allow_real_meta_write:
            return "real"
        return "sim" if self.allow_dev_ads_publish_sim else "disabled"

    @model_validator(mode="after")
    def _only_meta_in_production(self) -> "Settings":
        if self.environment == "production" and self.meta_graph_base_url != META_GRAPH:
            message = f"META_GRAPH_BASE_URL must be {META_GRAPH} in production"
            raise ValueError(message)
        return self

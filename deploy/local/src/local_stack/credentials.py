"""The secrets of one local stack, made once and kept in its data folder, readable by its owner only."""

import json
import os
import secrets
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from chassis.service_tokens import new_key_pair

SERVICES = ("gateway", "meta_auth", "ads_publisher")
"""Schema and role names, in the order of the pages."""

REDIS_ADMIN = "default"
"""The Redis user for tests and operators, who may do everything."""


class KeyPair(BaseModel):
    """An Ed25519 key pair, base64url."""

    private: str
    public: str


class Credentials(BaseModel):
    """Everything secret that the stack's processes are started with."""

    model_config = ConfigDict(frozen=True)

    demo_email: str
    demo_password: str
    app_id: str
    app_secret: str
    token_key_id: str
    token_keys: dict[str, str]
    service_keys: dict[str, KeyPair]
    role_passwords: dict[str, str]
    redis_passwords: dict[str, str]
    """By Redis user: a service's name, or `REDIS_ADMIN`."""

    @classmethod
    def load_or_create(cls, path: Path) -> "Credentials":
        """Read the file, or make new secrets and write it with mode 0600."""
        try:
            kept = json.loads(path.read_text())
        except FileNotFoundError:
            kept = {}
        credentials = cls.model_validate({**cls._new().model_dump(), **kept})
        if cls.model_fields.keys() - kept.keys():  # all of them, or those that a newer version added
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(credentials.model_dump_json(indent=2) + "\n")
        return credentials

    @classmethod
    def _new(cls) -> "Credentials":
        key_id = "local-1"
        roles = [role for service in SERVICES for role in (service, f"{service}_owner")]
        pairs = {service.replace("_", "-"): new_key_pair() for service in SERVICES}
        return cls(
            demo_email="demo@example.com",
            demo_password=secrets.token_urlsafe(12),
            app_id="".join(secrets.choice("123456789") for _ in range(15)),
            app_secret=secrets.token_hex(16),
            token_key_id=key_id,
            token_keys={key_id: secrets.token_urlsafe(32)},
            service_keys={
                name: KeyPair(private=private, public=public) for name, (private, public) in pairs.items()
            },
            role_passwords={role: secrets.token_urlsafe(24) for role in roles},
            redis_passwords={user: secrets.token_urlsafe(24) for user in (REDIS_ADMIN, *pairs)},
        )

    @property
    def public_keys_json(self) -> str:
        """The public keys of all services by name, as the services' setting wants them."""
        return json.dumps({name: pair.public for name, pair in self.service_keys.items()})

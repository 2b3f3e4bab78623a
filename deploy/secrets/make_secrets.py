"""Makes the secrets of one compose stack, a folder for each reader, and never changes one that is there.

`make_secrets.py TARGET`: below TARGET, each folder is a volume that only its reader mounts. A file is named
like the setting that it holds. What an operator brings along is taken as it is: `META_APP_SECRET_FILE`.
"""

import json
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from chassis.service_tokens import new_key_pair
from contracts.redis_acl import redis_acl

SERVICES = ("gateway", "meta-auth", "ads-publisher")
CALLERS = ("gateway", "ads-publisher")
"""Who calls another service."""
CALLED = ("meta-auth", "ads-publisher")
KNOW_THE_APP = ("meta-auth", "ads-publisher", "sandbox")
DATABASE = "postgres:5432/auto_ads"
READABLE = 0o444
"""A volume is mounted by its reader alone, whose user id need not be the writer's."""


class Vault:
    """The folder in which every secret is first made; later runs find it there again."""

    def __init__(self, target: Path) -> None:
        self._target = target

    def keep(self, name: str, make: Callable[[], str]) -> str:
        """The secret of this name; made when there is none yet."""
        path = self._target / "vault" / name
        if not path.exists():
            _write(path, make())
        return path.read_text()

    def hand_out(self, reader: str, values: Mapping[str, str]) -> None:
        """Put files into the reader's folder."""
        for name, value in values.items():
            _write(self._target / reader / name, value)


def main(target: Path) -> None:
    """Make what is missing and hand everything out."""
    vault = Vault(target)
    roles = [role for service in SERVICES for role in (_role(service), f"{_role(service)}_owner")]
    passwords = {role: vault.keep(f"postgres_{role}", _token) for role in ("postgres", *roles)}
    redis_passwords = {service: vault.keep(f"redis_{service}", _token) for service in SERVICES}
    vault.hand_out("postgres", {"superuser_password": passwords["postgres"]})
    vault.hand_out("redis", {"users.acl": redis_acl(redis_passwords)})
    for service in SERVICES:
        role = _role(service)
        serving = _database_url(role, passwords)
        vault.hand_out(
            service,
            {
                "database_url": serving,
                "redis_url": f"redis://{service}:{redis_passwords[service]}@redis:6379/0",
            },
        )
        vault.hand_out(
            f"setup-{service}",
            {
                "admin_database_url": _database_url("postgres", passwords),
                "migration_database_url": _database_url(f"{role}_owner", passwords),
                "database_url": serving,
            },
        )
    _hand_out_keys(vault)


def _hand_out_keys(vault: Vault) -> None:
    public = {}
    for service in CALLERS:
        pair = json.loads(vault.keep(f"key_pair_{service}", lambda: json.dumps(new_key_pair())))
        vault.hand_out(service, {"service_private_key": pair[0]})
        public[service] = pair[1]
    token_keys = vault.keep("token_keys", lambda: json.dumps({"1": secrets.token_urlsafe(32)}))
    for called in CALLED:
        vault.hand_out(called, {"service_public_keys": json.dumps(public)})
    vault.hand_out("meta-auth", {"token_keys": token_keys, "token_key_id": "1"})
    app_secret = _brought_along("META_APP_SECRET_FILE") or vault.keep("meta_app_secret", secrets.token_hex)
    vault.hand_out("gateway", {"smtp_password": _brought_along("SMTP_PASSWORD_FILE")})
    for reader in KNOW_THE_APP:
        vault.hand_out(reader, {"meta_app_secret": app_secret})


def _brought_along(variable: str) -> str:
    path = os.environ.get(variable)
    return Path(path).read_text().strip() if path else ""


def _database_url(role: str, passwords: Mapping[str, str]) -> str:
    return f"postgresql://{role}:{passwords[role]}@{DATABASE}"


def _role(service: str) -> str:
    return service.replace("-", "_")


def _token() -> str:
    return secrets.token_urlsafe(24)


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, READABLE), "w") as file:
        file.write(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What the tests change in the compose stack: one file on top, in JSON, which is YAML too."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local_stack.credentials import REDIS_ADMIN
from local_stack.ports import HOST, Ports
from local_stack.services import ADS_PUBLISHER, META_AUTH

DEPLOY = Path(__file__).parents[2] / "deploy"
_ACL_FILE = "/run/secrets/app/users.acl"
_OWN_ACL_FILE = "/tmp/users.acl"  # noqa: S108 - in a container of our own


def override(
    ports: Ports,
    environment: Mapping[str, Mapping[str, str]],
    *,
    own_host: str,
    redis_password: str,
    several_publishers: bool,
) -> str:
    """Ports of the servers and of the internal services, variables by service, an administrator in Redis."""
    services: dict[str, dict[str, Any]] = {
        name: {"environment": variables, "extra_hosts": [f"{own_host}:host-gateway"]}
        for name, variables in environment.items()
    }
    services[META_AUTH]["ports"] = [f"{HOST}:{ports.meta_auth}:3002"]
    if not several_publishers:  # which could not share one
        services[ADS_PUBLISHER]["ports"] = [f"{HOST}:{ports.ads_publisher}:3003"]
    # `backend` has no way out, and so no way in from this machine either.
    services["postgres"] = {"networks": ["tests"], "ports": [f"{HOST}:{ports.postgres}:5432"]}
    services["redis"] = {
        "networks": ["tests"],
        "ports": [f"{HOST}:{ports.valkey}:6379"],
        "command": _with_administrator(redis_password),
    }
    return json.dumps({"services": services, "networks": {"tests": {}}}, indent=1)


def _with_administrator(password: str) -> list[str]:
    """The command of Redis in the compose file, behind one that adds a user who may do everything."""
    base = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["redis"]["command"]
    admin = f"user {REDIS_ADMIN} on >{password} ~* &* +@all"
    script = (
        f"{{ grep -v '^user {REDIS_ADMIN} ' {_ACL_FILE}; echo '{admin}'; }} > {_OWN_ACL_FILE}; exec \"$$@\""
    )
    return ["sh", "-ec", script, "redis", *shlex.split(base.replace(_ACL_FILE, _OWN_ACL_FILE))]

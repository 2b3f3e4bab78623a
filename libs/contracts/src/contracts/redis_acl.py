"""Redis users, one for each service, and what each may do there: `ACL LOAD` reads what `redis_acl` returns.

A service writes the streams that it sends, consumes those that it receives, and sets aside what it cannot
read. Nobody may list, empty or configure anything.
Source: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
"""

import hashlib
from collections.abc import Mapping
from typing import Final

from contracts.asyncapi import STREAMS

PRESENCE_KEY: Final = "presence:ads-publisher"
"""A hash in which each publisher process reports itself; the gateway reads it."""
HEALTH_USER: Final = "health"
"""May say PING and nothing else, without a password: for the server's own health check."""

_EVERYONE: Final = "-@all +ping +hello +auth +select +client|setname +multi +exec +discard"
"""No `client|setinfo`: Redis 7.0 does not know it and would refuse the file. Clients do without."""
_SEND: Final = "+xadd"
_CONSUME: Final = (
    "+xreadgroup +xautoclaim +xack +xpending +xrange +xinfo|groups +xinfo|consumers"
    " +xgroup|create +xgroup|delconsumer +xtrim"
)
_DEAD: Final = "+xadd +xrevrange +xrange +xdel +xlen"
_PRESENCE: Final[Mapping[str, str]] = {
    "ads-publisher": f"(~{PRESENCE_KEY} +hset +hgetall +hdel)",
    "gateway": f"(%R~{PRESENCE_KEY} +hgetall)",
}


def redis_acl(passwords: Mapping[str, str]) -> str:
    """The content of an ACL file for these services, with the hashes of their passwords."""
    lines = ["user default off", f"user {HEALTH_USER} on nopass -@all +ping"]
    for service, password in passwords.items():
        digest = hashlib.sha256(password.encode()).hexdigest()
        lines.append(f"user {service} on #{digest} {_EVERYONE} {' '.join(_rights(service))}")
    return "\n".join(lines) + "\n"


def _rights(service: str) -> list[str]:
    # Each pair of brackets is a rule of its own: its commands hold for its keys only.
    rights = [f"({_SEND} %W~{stream.name})" for stream in STREAMS if stream.sender == service]
    for stream in STREAMS:
        if service in stream.receivers:
            # Replaying a dead letter puts it back on its stream.
            rights += [f"({_CONSUME} {_SEND} ~{stream.name})", f"({_DEAD} ~{stream.name}.dead)"]
    return rights + ([_PRESENCE[service]] if service in _PRESENCE else [])

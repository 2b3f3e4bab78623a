"""What a person sees while the stack runs: log lines of all services, each behind its name in colour."""

from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

_COLOURS = {
    "gateway": "cyan",
    "meta-auth": "magenta",
    "ads-publisher": "green",
    "sandbox": "yellow",
}
OTHER_COLOUR = "white"
_WIDTH = max(len(name) for name in _COLOURS)


def colour_of(name: str) -> str:
    """The colour of a service, the same wherever it is named."""
    return _COLOURS.get(name, OTHER_COLOUR)


class LogTail:
    """Follows the log file of one service.

    The services write to their files directly and we read behind them: a slow terminal, or our own death,
    never blocks or breaks a service.
    """

    def __init__(self, name: str, path: Path) -> None:
        self._name = name
        self._path = path
        self._offset = 0
        self._rest = b""

    def new_lines(self) -> Iterator[Text]:
        """The complete lines that were written since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            new = file.read()
        self._offset += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        for line in lines:
            prefix = Text(f"{self._name:<{_WIDTH}} | ", style=colour_of(self._name))
            yield prefix + Text.from_ansi(line.decode(errors="replace"))

"""A bar while a campaign runs, on a terminal; elsewhere only the lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Advance = Callable[[str], None]
"""One more is done; a text that is not empty becomes a line above the bar."""


@contextmanager
def progress(what: str, total: int, *, console: Console | None = None) -> Iterator[Advance]:
    """Show how many of `total` are done until the block ends."""
    shown = console or Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=shown, disable=not shown.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def advance(line: str) -> None:
            if line:
                shown.print(line, markup=False, highlight=False, soft_wrap=True)
            bar.advance(task)

        yield advance

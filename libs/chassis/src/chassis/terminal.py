"""How an operator's commands speak: tables for a person, tabs for a pipe, one sentence for a failure.

Exit codes: 0 done, 1 it could not be done (the text says why), 2 asked in a wrong way.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import typer
from redis.exceptions import RedisError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chassis.database import LOST_CONNECTION
from chassis.errors import Unavailable


class NothingDoneError(Exception):
    """What was asked for could not be done; the text says why."""


def finish(work: Coroutine[Any, Any, None]) -> None:
    """Do the work of a command; what an operator can expect to go wrong ends it with a sentence."""
    try:
        asyncio.run(work)
    except NothingDoneError as exc:
        _complain(str(exc))
    except RedisError as exc:
        _complain(f"Redis does not answer ({type(exc).__name__}). Nothing is lost; try again.")
    except (Unavailable, *LOST_CONNECTION) as exc:
        _complain(f"The database does not answer ({type(exc).__name__}). Nothing is lost; try again.")


def _complain(text: str) -> None:
    typer.echo(text, err=True)
    raise typer.Exit(1)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, console: Console) -> None:
    """A table for a person; for a pipe, one line each with tabs and no heading.

    The first column is there to be copied and is never folded.
    """
    if not console.is_terminal:
        for row in rows:
            typer.echo("\t".join(map(printable, row)))
        return
    table = Table(*columns)
    for column in table.columns:
        column.overflow = "fold"
    table.columns[0].min_width = max((len(row[0]) for row in rows), default=0)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)


def printable(text: str) -> str:
    """Escape what would drive a terminal: the text may come from anyone."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)

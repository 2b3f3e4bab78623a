"""The operator's commands about dead letters: `dead list | show | replay`, the same for every service."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Final

import typer
from rich.console import Console

from chassis.dead_letters import DeadLetter, DeadLetters
from chassis.telemetry import redact
from chassis.terminal import NothingDoneError, finish, print_table, printable

OpenPlaces = Callable[[], AbstractAsyncContextManager[Sequence[DeadLetters]]]
"""Opens the places where this service's dead letters lie."""

DEFAULT_LIMIT: Final = 50
WIDE: Final = 140
"""Columns of a terminal from which a table shows reasons too."""
_COLUMNS: Final = ("id", "place", "error", "at", "reason")

_Error = Annotated[str | None, typer.Option("--error", metavar="CLASS", help="Only this class of error.")]


def dead_commands(open_places: OpenPlaces) -> typer.Typer:
    """Build the `dead` commands of a service, to be added to its own command line."""
    cli = typer.Typer(help="What was given up: look at it, and try it again.", no_args_is_help=True)

    @cli.command("list")
    def list_(
        error: _Error = None,
        limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = DEFAULT_LIMIT,
    ) -> None:
        """List dead letters, in each place the newest first."""
        finish(_list(open_places, error=error, limit=limit))

    @cli.command()
    def show(letter_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
        """Show everything about one dead letter; credentials are blanked."""
        finish(_show(open_places, letter_id))

    @cli.command()
    def replay(
        ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...")] = None,
        error: _Error = None,
        everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    ) -> None:
        """Try dead letters again: by id, by class of error, or all."""
        if [bool(ids), error is not None, everything].count(True) != 1:
            raise typer.BadParameter("Say which: one or more ids, or --error CLASS, or --all.")
        finish(_replay(open_places, ids or [], error=error))

    return cli


async def _list(open_places: OpenPlaces, *, error: str | None, limit: int) -> None:
    async with open_places() as places:
        found = await _collect(places, error=error, limit=limit + 1)
    if not found:
        typer.echo("No dead letters.", err=True)
        return
    _print_table(found[:limit])
    if len(found) > limit:
        typer.echo(f"There are more than these {limit}; see them with --limit.", err=True)


async def _show(open_places: OpenPlaces, letter_id: str) -> None:
    async with open_places() as places:
        letters = [letter for place in places for letter in await place.find(letter_id)]
    if not letters:
        raise NothingDoneError(f"There is no dead letter {letter_id}.")
    for letter in letters:
        lines = {name: str(getattr(letter, name)) for name in _COLUMNS} | dict(redact(letter.facts))
        for name, value in lines.items():
            typer.echo(f"{name + ':':<15}{printable(str(redact(value)))}")
        typer.echo("body:")
        for line in letter.readable_body().splitlines():
            typer.echo(printable(line))


async def _replay(open_places: OpenPlaces, ids: Sequence[str], *, error: str | None) -> None:
    async with open_places() as places:
        chosen = await _chosen(places, ids) if ids else await _everything(places, error=error)
        done = 0
        # Oldest first, as they once came.
        for place, letter in reversed(chosen):
            if await place.replay(letter):
                done += 1
                typer.echo(f"{letter.id} of {letter.place} is tried again.")
            else:
                typer.echo(f"{letter.id} of {letter.place} has gone, or was replayed by someone else.")
    typer.echo(f"{done} replayed." if chosen else "Nothing to replay.", err=True)


async def _chosen(places: Sequence[DeadLetters], ids: Sequence[str]) -> list[tuple[DeadLetters, DeadLetter]]:
    chosen = []
    for letter_id in reversed(ids):
        found = [(place, letter) for place in places for letter in await place.find(letter_id)]
        if not found:
            raise NothingDoneError(f"There is no dead letter {letter_id}. Nothing was replayed.")
        chosen += found
    return chosen


async def _everything(
    places: Sequence[DeadLetters], *, error: str | None
) -> list[tuple[DeadLetters, DeadLetter]]:
    # Collected before the first is replayed: what is buried again at once must not be met a second time.
    return [
        (place, letter)
        for place in places
        async for letter in place.newest_first()
        if error in (None, letter.error)
    ]


async def _collect(places: Sequence[DeadLetters], *, error: str | None, limit: int) -> list[DeadLetter]:
    found: list[DeadLetter] = []
    for place in places:
        async for letter in place.newest_first():
            if error in (None, letter.error):
                found.append(letter)
            if len(found) == limit:
                return found
    return found


def _print_table(letters: Sequence[DeadLetter]) -> None:
    console = Console()
    # A reason in a narrow column is a tower of syllables; `show` has it.
    columns = _COLUMNS if not console.is_terminal or console.width >= WIDE else _COLUMNS[:-1]
    rows = [[str(redact(getattr(letter, name))) for name in columns] for letter in letters]
    print_table(columns, rows, console=console)

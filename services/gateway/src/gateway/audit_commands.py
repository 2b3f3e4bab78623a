"""The operator's commands about the audit log: `audit export | verify`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

import typer

from chassis.database import Connection, across_customers, create_pool
from chassis.terminal import NothingDoneError, finish
from gateway.audit_chain import PAGE, BrokenChainError, Head, as_line, verify_chain
from gateway.settings import GatewaySettings
from gateway.store.audit import entries_after

FORMATS: Final = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"]

cli = typer.Typer(help="Who did what, and that nobody has changed it since.", no_args_is_help=True)

Moment = Annotated[datetime | None, typer.Option(formats=FORMATS, metavar="TIME", help="UTC.")]


@cli.command()
def export(
    since: Moment = None,
    until: Moment = None,
    customer: Annotated[UUID | None, typer.Option(metavar="ID", help="Only of this customer.")] = None,
) -> None:
    """Write entries as JSON, one a line, oldest first; TIME as 2026-11-25 or 2026-11-25T14:00:00Z."""
    finish(_export(_utc(since), _utc(until), customer))


@cli.command()
def verify(
    expect: Annotated[
        str | None, typer.Option(metavar="SEQ:HASH", help="A head that was printed or logged before.")
    ] = None,
) -> None:
    """Check the whole chain; print its head, or name the first broken place and end with 1."""
    finish(_verify(_head(expect) if expect else None))


async def _export(since: datetime | None, until: datetime | None, customer: UUID | None) -> None:
    last = 0
    async with _database() as conn:
        while page := await entries_after(
            conn, last, since=since, until=until, customer_id=customer, limit=PAGE
        ):
            for entry, seal in page:
                typer.echo(as_line(entry, seal))
            last = page[-1][0].id


async def _verify(expected: Head | None) -> None:
    async with _database() as conn:
        try:
            head = await verify_chain(conn, expected)
        except BrokenChainError as exc:
            raise NothingDoneError(f"BROKEN: {exc}.") from exc
    typer.echo(f"{head.seq} entries, each as it was sealed. Head: {head}")


@asynccontextmanager
async def _database() -> AsyncIterator[Connection]:
    url = GatewaySettings.load().database_url.get_secret_value()
    async with (
        await create_pool(url, name="gateway-cli", size=2, silent_seconds=0) as pool,
        across_customers(pool) as conn,
    ):
        yield conn


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _head(text: str) -> Head:
    seq, _, digest = text.partition(":")
    if not seq.isascii() or not seq.isdigit() or len(digest) != 64:  # noqa: PLR2004 - SHA-256 in hex
        raise typer.BadParameter("A head looks like 12:0f3a…, as `audit verify` prints it.")
    return Head(seq=int(seq), hash=digest)

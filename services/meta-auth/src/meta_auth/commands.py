"""What an operator runs by hand; each returns the exit code."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import typer

from chassis.database import Pool, across_customers, create_pool
from meta_auth import check_store
from meta_auth.connections import Connections
from meta_auth.meta import Meta
from meta_auth.rewrapping import rewrap
from meta_auth.settings import Settings
from meta_auth.token_checks import TokenChecks
from meta_auth.vault import Vault


async def rewrap_tokens(settings: Settings, *, dry_run: bool) -> int:
    """Wrap all data keys by TOKEN_KEY_ID; 1 when rows are left on other keys."""
    vault = Vault(keys=settings.token_keys, key_id=settings.token_key_id)
    async with _pool(settings) as pool:
        if dry_run:
            async with across_customers(pool) as acquired:
                _tell_left(await check_store.count_on_other_keys(acquired, vault.key_id))
            return 0
        count = await rewrap(pool, vault, tell=typer.echo)
    typer.echo(
        f"{count.rewrapped} rows re-wrapped under {vault.key_id!r}, {count.changed_meanwhile} changed"
        f" meanwhile, {count.unreadable} unreadable"
    )
    _tell_left(count.left)
    return 1 if count.left else 0


async def check_all_tokens(settings: Settings) -> int:
    """Ask Meta about every token; 1 when Meta did not answer for all of them."""
    vault = Vault(keys=settings.token_keys, key_id=settings.token_key_id)
    meta = Meta(settings)
    try:
        async with _pool(settings) as pool:
            connections = Connections(pool=pool, vault=vault, meta=meta, settings=settings)
            checks = TokenChecks(pool=pool, connections=connections, meta=meta, settings=settings)
            tally = await checks.check_all()
    finally:
        await meta.aclose()
    typer.echo(tally.text())
    if tally.is_cut:
        typer.echo("Stopped early: Meta did not answer, or asked for a pause. Run it again later.")
    return 1 if tally.failed else 0


def _tell_left(left: dict[str, int]) -> None:
    typer.echo(f"{sum(left.values())} rows on old keys")
    for key_id, rows in left.items():
        typer.echo(f"  {rows} on {key_id!r}")


@asynccontextmanager
async def _pool(settings: Settings) -> AsyncIterator[Pool]:
    pool = await create_pool(settings.database_url.get_secret_value(), name="meta-auth", size=2)
    try:
        yield pool
    finally:
        await pool.close()

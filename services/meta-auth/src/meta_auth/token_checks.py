"""Use case: ask Meta about every token once a day, so that a user hears of its end before a publish does.

Meta asks for a check at least daily. Source: https://developers.facebook.com/docs/facebook-login/security
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from chassis.database import Pool, across_customers, connection, transaction
from chassis.errors import AppError
from chassis.telemetry import get_logger
from meta_auth import check_store
from meta_auth.connections import Connections, announce
from meta_auth.graph import TokenFacts
from meta_auth.graph_errors import THROTTLE_CODES, MetaRefused
from meta_auth.judging import Broken, Fine, judge
from meta_auth.meta import Meta
from meta_auth.settings import Settings
from meta_auth.store import MetaConnection
from meta_auth.transport import conversation_end, until

BATCH: Final = 50
"""Tokens per round and process, one after the other: 72,000 a day, and never a burst."""
ROUND_SECONDS: Final = 60.0

_log = get_logger(__name__)


@dataclass(kw_only=True)
class Tally:
    """How a round went. `is_cut` when Meta did not answer, or asked for a pause: the rest comes later."""

    fine: int = 0
    warned: int = 0
    broken: int = 0
    failed: int = 0
    is_cut: bool = False

    def text(self) -> str:
        checked = self.fine + self.warned + self.broken + self.failed
        return (
            f"{checked} tokens checked: {self.fine} fine, {self.warned} with a warning,"
            f" {self.broken} broken, {self.failed} not answered"
        )


class TokenChecks:
    """The daily look at the tokens."""

    def __init__(self, *, pool: Pool, connections: Connections, meta: Meta, settings: Settings) -> None:
        self._pool = pool
        self._connections = connections
        self._meta = meta
        self._settings = settings
        self._every = timedelta(seconds=settings.token_check_interval_seconds)

    async def check_due(self) -> None:
        """One round: a batch of those that are due."""
        if self._settings.meta_app is None:
            return
        tally = Tally()
        async with across_customers(self._pool) as acquired:
            rows = await check_store.claim_checks(acquired, limit=BATCH)
        await self._check_batch(rows, tally)
        if rows:
            _log.info("tokens_checked", summary=tally.text())

    async def check_all(self) -> Tally:
        """One pass over everything, due or not."""
        tally = Tally()
        async with connection(self._pool) as acquired:
            begun_at = await check_store.clock(acquired)
        while not tally.is_cut:
            async with across_customers(self._pool) as acquired:
                rows = await check_store.claim_checks(acquired, limit=BATCH, all_before=begun_at)
            if not rows:
                break
            await self._check_batch(rows, tally)
        return tally

    async def _check_batch(self, rows: list[MetaConnection], tally: Tally) -> None:
        for row in rows:
            try:
                await self._check(row, tally)
            except AppError as exc:
                tally.failed += 1
                _log.warning("token_check_failed", customer_id=str(row.customer_id), reason=exc.message)
                if not isinstance(exc, MetaRefused) or exc.meta_code in THROTTLE_CODES:
                    tally.is_cut = True
                    return
            async with transaction(self._pool, customer=row.customer_id) as acquired:
                await check_store.plan_next_check(acquired, row, every=self._every)

    async def _check(self, row: MetaConnection, tally: Tally) -> None:
        token = self._connections.open_token(row)
        if token is None:
            tally.failed += 1
            return
        async with until(conversation_end()):
            facts = await self._meta.graph.inspect(token)
        verdict = judge(
            row,
            facts,
            app_id=self._settings.meta_app_id or "",
            asked=self._settings.meta_scopes,
            required=self._settings.meta_required_scopes,
            now=datetime.now(UTC),
        )
        match verdict:
            case Broken(trouble=trouble, reason=reason):
                tally.broken += 1
                if facts.is_valid:
                    await self._record(row, facts, Fine(trouble=row.trouble, warned_days=row.warned_days))
                await self._connections.turn_to_error(row, trouble, reason=reason)
            case Fine():
                tally.warned += verdict.reason is not None
                tally.fine += verdict.reason is None
                if facts.is_valid:
                    await self._record(row, facts, verdict)

    async def _record(self, row: MetaConnection, facts: TokenFacts, verdict: Fine) -> None:
        async with transaction(self._pool, customer=row.customer_id) as acquired:
            changed = await check_store.record_facts(
                acquired, row, facts, trouble=verdict.trouble, warned_days=verdict.warned_days
            )
            if changed is not None and verdict.reason is not None:
                await announce(
                    acquired, changed, reason=verdict.reason, expires_in_days=verdict.expires_in_days
                )

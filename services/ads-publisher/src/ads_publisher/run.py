"""One claimed run while it is worked: its parts, what it may do, and what stands at Meta so far."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ads_publisher.calls import CallLog
from ads_publisher.endings import Failure, fail
from ads_publisher.grants import Grants
from ads_publisher.graph import Access, GraphClient
from ads_publisher.journals import Journals
from ads_publisher.outcomes import MetaError
from ads_publisher.reporting import Report, Reports, report
from ads_publisher.saga import MAX_ATTEMPTS, Attempt, Move, next_move
from ads_publisher.settings import Settings
from ads_publisher.store import Job, Journal
from chassis.database import Pool
from contracts.events import StepName
from contracts.internal import Grant, TokenTrouble

NAMES: Final = {"campaign": "campaign", "adset": "ad set"}
ACCOUNT_FACTS: Final = {"scopes", "currency", "min_daily_budget_minor", "dsa_beneficiary", "dsa_payor"}
"""What is kept of a grant: enough to set up an ad account like it, and no token."""


@dataclass(kw_only=True)
class Run:
    """Lives as long as one execution; everything that must survive is in the journal."""

    pool: Pool
    journals: Journals
    reports: Reports
    settings: Settings
    grants: Grants
    graph: GraphClient
    job: Job
    campaign_id: str | None = None
    adset_id: str | None = None
    verified: set[str] = field(default_factory=set)
    """Objects of earlier runs that this execution has seen at Meta."""
    journal: list[Attempt] = field(default_factory=list)
    """As it was loaded, with what this execution has written since. Nobody else writes: the lane is ours."""
    untold: list[tuple[type[Any], dict[str, Any]]] = field(default_factory=list)
    """News that no transaction of its own is worth: told with the next."""
    _grant: Grant | None = None
    _access: Access | None = None

    @property
    def grant(self) -> Grant:
        if self._grant is None:
            raise RuntimeError("no call to Meta without a grant")
        return self._grant

    @property
    def access(self) -> Access:
        if self._access is None:
            raise RuntimeError("no call to Meta without a grant")
        return self._access

    def use(self, grant: Grant, access: Access) -> None:
        """Work with this grant from now on."""
        access.log.account = grant.model_dump(mode="json", include=ACCOUNT_FACTS)
        self._grant, self._access = grant, access

    def next_move(self, now: datetime) -> Move:
        """What the journal asks for."""
        return next_move(
            self.journal,
            job_id=self.job.id,
            now=now,
            verified=self.verified,
            # Whoever replays a run grants it as many tries again.
            max_attempts=MAX_ATTEMPTS * (1 + self.job.replays),
        )

    async def load_journal(self) -> Journal:
        """Look the journal up, and remember it.

        Raises:
            Unavailable: the database does not answer.
        """
        journal = await self.journals.load(self.job.customer_id, self.access.ad_account_id)
        self.remember(journal.attempts)
        return journal

    def remember(self, journal: list[Attempt]) -> None:
        """Keep the journal, and what stands by it, so that a failure can name it."""
        self.journal = journal
        alive = [attempt for attempt in journal if attempt.alive]
        self.campaign_id = next((a.object_id for a in reversed(alive) if a.step == "campaign"), None)
        below = (
            a.object_id for a in reversed(alive) if a.step == "adset" and a.parent_id == self.campaign_id
        )
        self.adset_id = next(below, None) if self.campaign_id else None

    @asynccontextmanager
    async def report(self, step: StepName | None = None, attempt: int | None = None) -> AsyncIterator[Report]:
        """Draft one report, written at the end of the block; it keeps what was asked of Meta since the last.

        Raises:
            LeaseLost: the run belongs to another process now; nothing was written.
            Unavailable: the database does not answer.
        """
        async with report(self.reports, self.job, log=self._log, step=step, attempt=attempt) as news:
            news.draft.mode = self.settings.mode
            for body, fields in self.untold:
                news.tell(body, **fields)
            yield news
        self.untold.clear()

    @property
    def _log(self) -> CallLog | None:
        return self._access.log if self._access else None

    async def fail(self, failure: Failure) -> bool:
        """End the run as failed; False, since nothing follows."""
        await fail(
            self.reports,
            self.job,
            failure,
            self.settings.mode,
            log=self._log,
            untold=self.untold,
            ad_account_id=self._access.ad_account_id if self._access else None,
            campaign_id=self.campaign_id,
            adset_id=self.adset_id,
        )
        return False

    async def report_trouble(self, error: MetaError) -> None:
        """Tell meta-auth that Meta refused the token that it gave us.

        Raises:
            Unavailable: meta-auth does not answer; the refused call may be repeated, it changed nothing.
        """
        trouble = TokenTrouble(
            version=self.grant.version, code=error.code, subcode=error.subcode, message=error.message
        )
        await self.grants.report_trouble(self.job.customer_id, trouble)

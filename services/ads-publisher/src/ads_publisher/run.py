"""One claimed run while it is worked: its parts, what it may do, and what stands at Meta so far."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final

from ads_publisher.calls import CallLog
from ads_publisher.endings import Failure, fail
from ads_publisher.grants import Grants
from ads_publisher.graph import Access, GraphClient
from ads_publisher.outcomes import MetaError
from ads_publisher.reporting import Report, report
from ads_publisher.saga import Attempt
from ads_publisher.settings import Settings
from ads_publisher.store import Job
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
    settings: Settings
    grants: Grants
    graph: GraphClient
    job: Job
    campaign_id: str | None = None
    adset_id: str | None = None
    verified: set[str] = field(default_factory=set)
    """Objects of earlier runs that this execution has seen at Meta."""
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

    def remember(self, journal: list[Attempt]) -> None:
        """Keep what stands, so that a failure can name it."""
        alive = [attempt for attempt in journal if attempt.alive]
        self.campaign_id = next((a.object_id for a in reversed(alive) if a.step == "campaign"), None)
        below = (
            a.object_id for a in reversed(alive) if a.step == "adset" and a.parent_id == self.campaign_id
        )
        self.adset_id = next(below, None) if self.campaign_id else None

    def report(
        self, step: StepName | None = None, attempt: int | None = None
    ) -> AbstractAsyncContextManager[Report]:
        """Open the transaction of one report; it keeps what was asked of Meta for this step since the last.

        Raises:
            LeaseLost: the run belongs to another process now; nothing was written.
            Unavailable: the database does not answer.
        """
        return report(self.pool, self.job, log=self._log, step=step, attempt=attempt)

    @property
    def _log(self) -> CallLog | None:
        return self._access.log if self._access else None

    async def fail(self, failure: Failure) -> bool:
        """End the run as failed; False, since nothing follows."""
        await fail(
            self.pool,
            self.job,
            failure,
            self.settings.mode,
            log=self._log,
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

"""One claimed run while it is worked: its parts, what it may do, and what stands at Meta so far."""

from dataclasses import dataclass, field
from typing import Final

from ads_publisher.endings import Failure, fail
from ads_publisher.grants import Grants
from ads_publisher.graph import Access, GraphClient
from ads_publisher.outcomes import MetaError
from ads_publisher.saga import Attempt
from ads_publisher.settings import Settings
from ads_publisher.store import Job
from chassis.database import Pool
from contracts.internal import Grant, TokenTrouble

NAMES: Final = {"campaign": "campaign", "adset": "ad set"}


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
        self._grant, self._access = grant, access

    def remember(self, journal: list[Attempt]) -> None:
        """Keep what stands, so that a failure can name it."""
        alive = [attempt for attempt in journal if attempt.alive]
        self.campaign_id = next((a.object_id for a in reversed(alive) if a.step == "campaign"), None)
        below = (
            a.object_id for a in reversed(alive) if a.step == "adset" and a.parent_id == self.campaign_id
        )
        self.adset_id = next(below, None) if self.campaign_id else None

    async def fail(self, failure: Failure) -> bool:
        """End the run as failed; False, since nothing follows."""
        await fail(
            self.pool,
            self.job,
            failure,
            self.settings.mode,
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

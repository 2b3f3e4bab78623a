"""What the routes work with, built once in `app.py`."""

from dataclasses import dataclass

from redis.asyncio import Redis

from chassis.database import Pool
from chassis.service_tokens import TokenVerifier
from meta_auth.ad_accounts import AdAccounts
from meta_auth.connecting import Connecting
from meta_auth.connections import Connections
from meta_auth.platform_duties import PlatformDuties


@dataclass(frozen=True, kw_only=True)
class Context:
    pool: Pool
    redis: Redis
    verifier: TokenVerifier
    connections: Connections
    connecting: Connecting
    ad_accounts: AdAccounts
    duties: PlatformDuties

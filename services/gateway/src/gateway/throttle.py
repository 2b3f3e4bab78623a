"""How often somebody may try: failed logins, sign-ups and requests for a link, counted in the database.

An attempt is written before it is looked at, so that many at once cannot slip through, and by every
process alike.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, Literal

from chassis.database import Pool, connection
from chassis.errors import RateLimited, Retryable
from chassis.telemetry import get_logger
from gateway.settings import GatewaySettings
from gateway.store import accounts as store

Kind = Literal["login", "signup", "reset", "reset_confirm"]

IPV6_PREFIX: Final = 64
"""Whoever has one IPv6 address has this whole network of them."""
MAX_ADDRESS: Final = 64
WAIT_HINT: Final = "Wait before you try again, or check the address."

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Where a request comes from. `address` is what attempts are counted by."""

    address: str
    user_agent: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """So many attempts within the window, for the columns that are named."""

    allowed: int
    per: tuple[Literal["account_hash", "address"], ...]


def digest(text: str) -> str:
    """SHA-256 in hexadecimal: what is kept of a cookie, a link or an e-mail address."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def account_hash(email: str) -> str:
    """The account that an e-mail address names, whether or not it exists."""
    return digest(email.strip().lower())


def counted_address(host: str | None) -> str:
    """The address by which a caller is counted: an IPv4 address, or the network of an IPv6 one."""
    try:
        address = ip_address((host or "").partition("%")[0])
    except ValueError:
        return (host or "unknown")[:MAX_ADDRESS]
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address, IPV6_PREFIX), strict=False))


class Throttle:
    """Admits attempts, or says how long to wait."""

    def __init__(self, *, pool: Pool, settings: GatewaySettings) -> None:
        self._pool = pool
        self._settings = settings

    @asynccontextmanager
    async def login(self, account: str, address: str) -> AsyncIterator[None]:
        """Admit a try at a password; it counts as failed until `store.forget_failed_logins`.

        The limit of an account over all addresses stops guessing from many at once. It does not hold where
        the owner has logged in before, nor after a reset there, so it locks nobody out for good.

        Raises:
            RateLimited: too many failures; the password was not looked at.
        """
        settings = self._settings
        limits = [
            Limit(allowed=settings.login_failures, per=("account_hash", "address")),
            Limit(allowed=settings.login_failures_per_address, per=("address",)),
        ]
        async with connection(self._pool) as conn:
            if not await store.is_known_address(conn, account, address):
                limits.append(Limit(allowed=settings.login_failures_per_account, per=("account_hash",)))
        attempt = await self._admit("login", account, address, limits, message="Too many failed logins")
        try:
            yield
        except Retryable:
            # The password was not looked at either, for want of a turn or of the database.
            async with connection(self._pool) as conn:
                await store.remove_attempt(conn, attempt)
            raise

    async def sign_up(self, account: str, address: str, *, message: str) -> None:
        """Admit a sign-up.

        Raises:
            RateLimited: too many from this address.
        """
        limit = Limit(allowed=self._settings.signups_per_address, per=("address",))
        _ = await self._admit("signup", account, address, [limit], message=message)

    async def link(
        self, kind: Literal["reset", "reset_confirm"], account: str, address: str, *, message: str
    ) -> None:
        """Admit a request for a link that resets a password, or a try with one.

        Raises:
            RateLimited: too many from this address.
        """
        limit = Limit(allowed=self._settings.login_failures_per_address, per=("address",))
        _ = await self._admit(kind, account, address, [limit], message=message)

    async def _admit(
        self, kind: Kind, account: str, address: str, limits: Sequence[Limit], *, message: str
    ) -> int:
        # A refused attempt is not counted: otherwise waiting would not help who goes on trying.
        async with connection(self._pool) as conn:
            attempt = await store.add_attempt(conn, kind, account, address)
            who = {"account_hash": account, "address": address}
            waits = [
                await store.attempt_wait_seconds(
                    conn,
                    kind,
                    {column: who[column] for column in limit.per},
                    allowed=limit.allowed,
                    window_seconds=self._settings.login_window_seconds,
                )
                for limit in limits
            ]
            if any(waits):
                await store.remove_attempt(conn, attempt)
        if any(waits):
            _log.warning("throttled", kind=kind, retry_seconds=round(max(waits)))
            raise RateLimited(
                message,
                hint=WAIT_HINT,
                retry_after_seconds=max(waits),
            )
        return attempt

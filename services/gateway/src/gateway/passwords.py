"""Password hashes: Argon2id with the parameters that RFC 9106 recommends for little memory.

One hash takes 64 MB and about 150 ms of a core. Therefore they run in threads, few at a time.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from chassis.errors import Unavailable

PARALLEL_HASHES: Final = 4
"""A thousand logins at once wait for each other, they do not take 64 GB."""
WAIT_SECONDS: Final = 10.0
"""Who would wait longer for their turn is told to come back."""


class Passwords:
    """Hashes and verifies, in the same time whether or not there is an account."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = asyncio.Semaphore(PARALLEL_HASHES)
        self._nobodys_hash = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """Hash a new password.

        Raises:
            Unavailable: too many others wait for their turn.
        """
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Check a password; without an account the same work is done for nothing.

        Raises:
            Unavailable: too many others wait for their turn.
        """
        async with self._turn():
            fits = await asyncio.to_thread(self._fits, password_hash or self._nobodys_hash, password)
        return fits and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """True when the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                _ = await self._turns.acquire()
        except TimeoutError as exc:
            raise Unavailable("Too many logins at once. Try again in a moment.") from exc
        try:
            yield
        finally:
            self._turns.release()

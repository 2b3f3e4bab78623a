"""Password hashes: Argon2id with the parameters that RFC 9106 recommends for little memory.

One hash takes 64 MB and about 150 ms of a core. Therefore few run at a time, in threads of their own.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from chassis.errors import Unavailable

PARALLEL_HASHES: Final = 4
"""A thousand logins at once wait for each other or are refused; they do not take 64 GB."""
MAX_WAITING: Final = 60
"""Beside those that run. The last of them waits for some seconds; who comes then is told to come back."""
RETRY_SECONDS: Final = 3.0

T = TypeVar("T")


class Passwords:
    """Hashes and verifies, with the same work whether or not there is an account."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        # Threads of their own are the cap: a hash goes on running when its caller has gone away.
        self._threads = ThreadPoolExecutor(PARALLEL_HASHES, thread_name_prefix="argon2")
        self._in_hand = 0
        self._nobodys_hash = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """Hash a new password.

        Raises:
            Unavailable: too many others wait for their turn.
        """
        return await self._run(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Check a password; without an account the same work is done for nothing.

        Raises:
            Unavailable: too many others wait for their turn.
        """
        fits = await self._run(self._fits, password_hash or self._nobodys_hash, password)
        return fits and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """True when the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._in_hand >= PARALLEL_HASHES + MAX_WAITING:
            raise Unavailable(
                "Too many logins at once. Try again in a moment.", retry_after_seconds=RETRY_SECONDS
            )
        self._in_hand += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        finally:
            self._in_hand -= 1

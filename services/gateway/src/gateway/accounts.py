"""Use cases around who is calling: sign up, log in, log out, and whose session a cookie is."""

import hashlib
import secrets
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

from chassis.database import Connection, Pool, act_for, connection, transaction
from chassis.errors import RateLimited, Unauthorized, ValidationFailed
from chassis.telemetry import get_logger
from gateway.passwords import Passwords
from gateway.settings import GatewaySettings
from gateway.store import accounts as store
from gateway.store.audit import add_audit_entry

TOKEN_BYTES: Final = 32
TOUCH_SECONDS: Final = 60.0
"""The last use of a session is noted at most this often, to keep reads cheap."""

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    user_id: UUID
    customer_id: UUID
    email: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Session(Identity):
    """Who is logged in. `token_hash` is a digest of the cookie and cannot be used to log in."""

    token_hash: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedIn:
    """`token` is the value for the cookie; it exists nowhere else."""

    identity: Identity
    token: str


class Accounts:
    """Sign up, log in, log out, sessions."""

    def __init__(self, *, pool: Pool, passwords: Passwords, settings: GatewaySettings) -> None:
        self._pool = pool
        self._passwords = passwords
        self._settings = settings

    async def sign_up(self, *, email: str, name: str, password: str) -> LoggedIn:
        """Create a customer with its first user, in one transaction, logged in.

        Raises:
            ValidationFailed: the address has an account already.
        """
        password_hash = await self._passwords.hash(password)
        identity = Identity(user_id=uuid4(), customer_id=uuid4(), email=email)
        async with transaction(self._pool, customer=identity.customer_id) as conn:
            await store.insert_customer(conn, identity.customer_id, name)
            added = await store.insert_user(
                conn,
                user_id=identity.user_id,
                customer_id=identity.customer_id,
                email=email,
                name=name,
                password_hash=password_hash,
            )
            if not added:
                raise ValidationFailed("Email already registered", hint="Log in, or use another address.")
            logged_in = await self._open_session(conn, identity)
            await _audit(conn, "signup", identity)
        _log.info("signed_up", customer_id=str(identity.customer_id))
        return logged_in

    async def log_in(self, *, email: str, password: str, address: str, old_token: str | None) -> LoggedIn:
        """Log in from an address, and end the session of the cookie that was shown.

        Raises:
            Unauthorized: no such account, or another password; which of the two is not told.
            RateLimited: too many failures of this address for this account.
        """
        account_hash = _digest(email.strip().lower())
        await self._admit(account_hash, address)
        async with connection(self._pool) as conn:
            user = await store.user_by_email(conn, email.strip())
        if not await self._passwords.verify(user.password_hash if user else None, password) or user is None:
            await self._login_failed(user)
            raise Unauthorized("Invalid email or password", hint="Check both, or sign up.")
        renewed = (
            await self._passwords.hash(password) if self._passwords.is_outdated(user.password_hash) else None
        )
        identity = Identity(user_id=user.id, customer_id=user.customer_id, email=user.email)
        async with transaction(self._pool, customer=identity.customer_id) as conn:
            await store.forget_login_attempts(conn, account_hash, address)
            if renewed:
                await store.replace_password_hash(conn, user.id, renewed)
            if old_token:
                _ = await store.revoke_session(conn, _digest(old_token))
            logged_in = await self._open_session(conn, identity)
            await _audit(conn, "login", identity)
        _log.info("logged_in", customer_id=str(identity.customer_id))
        return logged_in

    async def log_out(self, token: str | None) -> None:
        """End the session on the server; a cookie that is no session is fine."""
        if not token:
            return
        async with transaction(self._pool) as conn:
            if ended := await store.revoke_session(conn, _digest(token)):
                user_id, customer_id = ended
                await act_for(conn, customer_id)
                await add_audit_entry(conn, "logout", customer_id=customer_id, user_id=user_id)

    async def find_session(self, token: str) -> store.FoundSession | None:
        """The open session of a cookie; its user may have been deleted."""
        idle = self._settings.session_idle_seconds
        async with connection(self._pool) as conn:
            found = await store.find_session(
                conn, _digest(token), idle_seconds=idle, touch_seconds=min(TOUCH_SECONDS, idle / 10)
            )
        if found and found.is_stale and found.customer_id:
            async with transaction(self._pool, customer=found.customer_id) as conn:
                await store.touch_session(conn, found.token_hash)
        return found

    async def session(self, token: str | None) -> Session | None:
        """Who is logged in with this cookie, if anybody."""
        found = await self.find_session(token) if token else None
        if found is None or found.user_id is None or found.customer_id is None or found.email is None:
            return None
        return Session(
            user_id=found.user_id,
            customer_id=found.customer_id,
            email=found.email,
            token_hash=found.token_hash,
        )

    async def note_refusal(self, session: Session, wanted: UUID) -> None:
        """Note that someone who is logged in asked for another customer."""
        async with transaction(self._pool, customer=session.customer_id) as conn:
            await _audit(conn, "access", session, result="refused", wanted=str(wanted))

    async def _admit(self, account_hash: str, address: str) -> None:
        # The attempt is written before the password is looked at, so that many at once cannot slip through.
        async with connection(self._pool) as conn:
            attempt = await store.add_login_attempt(conn, account_hash, address)
            wait_seconds = await store.login_wait_seconds(
                conn,
                account_hash,
                address,
                failures=self._settings.login_failures,
                window_seconds=self._settings.login_window_seconds,
            )
            if wait_seconds:
                await store.remove_login_attempt(conn, attempt)
        if wait_seconds:
            _log.warning("login_throttled", retry_seconds=round(wait_seconds))
            raise RateLimited(
                "Too many failed logins",
                hint="Wait before you try again, or check the address.",
                retry_after_seconds=wait_seconds,
            )

    async def _login_failed(self, user: store.User | None) -> None:
        async with transaction(self._pool, customer=user.customer_id if user else None) as conn:
            await add_audit_entry(
                conn,
                "login",
                result="failed",
                customer_id=user.customer_id if user else None,
                user_id=user.id if user else None,
            )

    async def _open_session(self, conn: Connection, identity: Identity) -> LoggedIn:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        await store.insert_session(
            conn,
            token_hash=_digest(token),
            user_id=identity.user_id,
            absolute_seconds=self._settings.session_absolute_seconds,
        )
        return LoggedIn(identity=identity, token=token)


async def _audit(
    conn: Connection, action: str, identity: Identity, *, result: str = "ok", **detail: Any
) -> None:
    note = partial(add_audit_entry, customer_id=identity.customer_id, user_id=identity.user_id)
    await note(conn, action, result=result, **detail)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

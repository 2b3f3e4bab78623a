"""Use cases around who is calling: sign up, log in, log out, and whose session a cookie is."""

import secrets
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

from chassis.database import Connection, Pool, act_for, connection, transaction
from chassis.errors import NotFound, Unauthorized, ValidationFailed
from chassis.telemetry import get_logger
from gateway.common_passwords import refuse_common
from gateway.passwords import Passwords
from gateway.settings import GatewaySettings
from gateway.store import accounts as store
from gateway.store.audit import add_audit_entry
from gateway.throttle import Caller, Throttle, account_hash, digest

TOKEN_BYTES: Final = 32
TOUCH_SECONDS: Final = 60.0
"""The last use of a session is noted at most this often, to keep reads cheap."""

TOO_MANY_SIGNUPS: Final = "Too many sign-ups from your address"

_log = get_logger(__name__)


class UnknownSession(NotFound):
    """No such open session, or one of another user: both get this answer."""

    def __init__(self) -> None:
        super().__init__("Session not found", hint="List your sessions with GET /auth/sessions.")


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

    def __init__(
        self, *, pool: Pool, passwords: Passwords, throttle: Throttle, settings: GatewaySettings
    ) -> None:
        self._pool = pool
        self._passwords = passwords
        self._throttle = throttle
        self._settings = settings

    async def sign_up(
        self, *, email: str, name: str, password: str, caller: Caller, old_token: str | None
    ) -> LoggedIn:
        """Create a customer with its first user, logged in, and end the session of the cookie that was shown.

        Raises:
            ValidationFailed: the address has an account already.
            CommonPassword: the password is a common one, where those are refused.
            RateLimited: too many sign-ups from where the caller is.
        """
        if self._settings.refuse_common_passwords:
            refuse_common(password)
        account = account_hash(email)
        await self._throttle.sign_up(account, caller.address, message=TOO_MANY_SIGNUPS)
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
            if old_token:
                _ = await store.revoke_session(conn, digest(old_token))
            logged_in = await self.open_session(conn, identity, caller)
            await store.note_known_address(conn, account, caller.address)
            await _audit(conn, "signup", identity)
        _log.info("signed_up", customer_id=str(identity.customer_id))
        return logged_in

    async def log_in(self, *, email: str, password: str, caller: Caller, old_token: str | None) -> LoggedIn:
        """Log in, and end the session of the cookie that was shown.

        Raises:
            Unauthorized: no such account, or another password; which of the two is not told.
            RateLimited: too many failures.
        """
        account = account_hash(email)
        async with self._throttle.login(account, caller.address):
            async with connection(self._pool) as conn:
                user = await user_by_email(conn, email)
            fits = await self._passwords.verify(user.password_hash if user else None, password)
        if not fits or user is None:
            await self.note_failure(user)
            raise Unauthorized("Invalid email or password", hint="Check both, or sign up.")
        identity = Identity(user_id=user.id, customer_id=user.customer_id, email=user.email)
        async with transaction(self._pool, customer=identity.customer_id) as conn:
            if not await store.lock_password(conn, user.id, user.password_hash):
                raise Unauthorized("Invalid email or password", hint="Check both, or sign up.")
            await store.forget_failed_logins(conn, account, caller.address)
            await store.note_known_address(conn, account, caller.address)
            if old_token:
                _ = await store.revoke_session(conn, digest(old_token))
            logged_in = await self.open_session(conn, identity, caller)
            await _audit(conn, "login", identity)
        _log.info("logged_in", customer_id=str(identity.customer_id))
        await self._renew_hash(user, password)
        return logged_in

    async def log_out(self, token: str | None) -> None:
        """End the session on the server; a cookie that is no session is fine."""
        if not token:
            return
        async with transaction(self._pool) as conn:
            if ended := await store.revoke_session(conn, digest(token)):
                user_id, customer_id = ended
                await act_for(conn, customer_id)
                await add_audit_entry(conn, "logout", customer_id=customer_id, user_id=user_id)

    async def find_session(self, token: str) -> store.FoundSession | None:
        """The open session of a cookie; its user may have been deleted."""
        idle = self._settings.session_idle_seconds
        async with connection(self._pool) as conn:
            found = await store.find_session(
                conn, digest(token), idle_seconds=idle, touch_seconds=min(TOUCH_SECONDS, idle / 10)
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

    async def sessions(self, session: Session) -> list[store.OpenSession]:
        """The open sessions of who is logged in."""
        async with transaction(self._pool, customer=session.customer_id) as conn:
            return await store.list_sessions(
                conn,
                session.user_id,
                current_hash=session.token_hash,
                idle_seconds=self._settings.session_idle_seconds,
            )

    async def end_session(self, session: Session, session_id: UUID) -> bool:
        """End one session of who is logged in; True when it was the one that asks.

        Raises:
            UnknownSession: not an open session of this user.
        """
        async with transaction(self._pool, customer=session.customer_id) as conn:
            ended = await store.revoke_session_by_id(conn, session.user_id, session_id)
            if ended is None:
                raise UnknownSession
            await _audit(conn, "session_end", session)
        return ended == session.token_hash

    async def log_out_everywhere(self, session: Session) -> int:
        """End every session of who is logged in; returns how many there were."""
        async with transaction(self._pool, customer=session.customer_id) as conn:
            ended = await store.revoke_sessions(conn, session.user_id)
            await _audit(conn, "logout_everywhere", session)
        return ended

    async def open_session(self, conn: Connection, identity: Identity, caller: Caller) -> LoggedIn:
        """Log somebody in, in the transaction of a use case that knows who it is."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        await store.insert_session(
            conn,
            token_hash=digest(token),
            user_id=identity.user_id,
            absolute_seconds=self._settings.session_absolute_seconds,
            user_agent=caller.user_agent,
        )
        return LoggedIn(identity=identity, token=token)

    async def note_failure(self, user: store.User | None, action: str = "login") -> None:
        """Audit a wrong password; the same statement whether or not there is such a user."""
        async with transaction(self._pool, customer=user.customer_id if user else None) as conn:
            await add_audit_entry(
                conn,
                action,
                result="failed",
                customer_id=user.customer_id if user else None,
                user_id=user.id if user else None,
            )

    async def _renew_hash(self, user: store.User, password: str) -> None:
        if not self._passwords.is_outdated(user.password_hash):
            return
        renewed = await self._passwords.hash(password)
        async with transaction(self._pool, customer=user.customer_id) as conn:
            # Nothing happens when the password has been changed meanwhile.
            _ = await store.replace_password_hash(conn, user.id, renewed, old_hash=user.password_hash)


async def user_by_email(conn: Connection, email: str) -> store.User | None:
    """Whose address it is, read as attempts are counted.

    Postgres and Python differ about the small letter of a few others, such as İ. Without this comparison a
    spelling would open one account and be counted as another.
    """
    user = await store.user_by_email(conn, email.strip())
    return user if user and account_hash(user.email) == account_hash(email) else None


async def _audit(
    conn: Connection, action: str, identity: Identity, *, result: str = "ok", **detail: Any
) -> None:
    note = partial(add_audit_entry, customer_id=identity.customer_id, user_id=identity.user_id)
    await note(conn, action, result=result, **detail)

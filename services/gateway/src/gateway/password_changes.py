"""Use cases: change a password with the current one, or reset it by a link that is mailed."""

import asyncio
import time
from secrets import SystemRandom
from typing import Final

from chassis.database import Connection, Pool, act_for, connection, transaction
from chassis.errors import Unavailable, ValidationFailed
from chassis.telemetry import get_logger
from gateway.accounts import Accounts, LoggedIn, Session, user_by_email
from gateway.common_passwords import refuse_common
from gateway.mail import MailFailed, MailSender
from gateway.passwords import Passwords
from gateway.reset_links import LINK_SECONDS, ResetLinks
from gateway.store import accounts as store
from gateway.store.audit import add_audit_entry
from gateway.throttle import Caller, Throttle, account_hash, digest

LINKS_AT_ONCE: Final = 3
"""Links of one person that still work; who asks more often gets no mail, and has these."""
REQUESTS_IN_HAND: Final = 1000
"""Requests for a link that wait, or are worked on, in one process at most."""
MAILS_AT_ONCE: Final = 50
"""Of these, those that are worked on."""
PAUSE_SECONDS: Final = (0.1, 0.5)
"""How long a request for a link waits for its turn, at random between these.

A mail is more work than none. Begun at once, it slows the next request down by a quarter, which tells whoever
sends that one whether the address before it has an account.
"""
CLOSE_SECONDS: Final = 5.0

TOO_MANY_LINKS: Final = "Too many requests for a link"
TOO_MANY_TRIES: Final = "Too many tries with a link"
SUBJECT: Final = "Set a new password"
TEXT: Final = """\
Somebody, probably you, asked to set a new password for your account.

Open this link within {minutes} minutes. It works once.

{address}

If it was not you, do nothing: your password stays as it is.
"""

_log = get_logger(__name__)


class WrongPassword(ValidationFailed):
    """The password that was given as the current one is another."""

    def __init__(self) -> None:
        super().__init__("The current password is wrong", hint="Check it, or reset the password by mail.")


class DeadLink(ValidationFailed):
    """The link is invented, used or too old: all get this answer."""

    def __init__(self) -> None:
        super().__init__("This link is not valid any more", hint="Ask for a new one.")


class PasswordChanges:
    """Sets new passwords. Each change ends the sessions of the user and every link that was mailed."""

    def __init__(
        self,
        *,
        pool: Pool,
        accounts: Accounts,
        passwords: Passwords,
        throttle: Throttle,
        links: ResetLinks,
        mail: MailSender | None,
    ) -> None:
        self._pool = pool
        self._accounts = accounts
        self._passwords = passwords
        self._throttle = throttle
        self._links = links
        self._mail = mail
        self._sending: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(MAILS_AT_ONCE)

    async def change(self, session: Session, *, current: str, new: str, caller: Caller) -> LoggedIn:
        """Set a new password; the session that asks goes on under a new cookie, all others end.

        Raises:
            CommonPassword: the new one is a common one.
            WrongPassword: `current` is not the password.
            RateLimited: too many wrong ones. They count as failed logins do.
        """
        refuse_common(new)
        account = account_hash(session.email)
        async with self._throttle.login(account, caller.address):
            async with transaction(self._pool, customer=session.customer_id) as conn:
                user = await store.user_by_id(conn, session.user_id)
            fits = await self._passwords.verify(user.password_hash if user else None, current)
        if not fits or user is None:
            await self._accounts.note_failure(user, "password_change")
            raise WrongPassword
        new_hash = await self._passwords.hash(new)
        async with transaction(self._pool, customer=session.customer_id) as conn:
            await self._replace(conn, user, new_hash, account=account, caller=caller, error=WrongPassword())
            await _audit(conn, "password_change", user)
            return await self._accounts.open_session(conn, session, caller)

    async def request_reset(self, email: str, caller: Caller) -> None:
        """Mail a link, if the address has an account; nothing that the caller can see depends on that.

        Only counting happens here. Everything else is left to a task of its own, which no answer waits for.
        A mail that is lost when the process dies is asked for again by its reader.

        Raises:
            RateLimited: too many requests from where the caller is, for whatever accounts.
        """
        await self._throttle.link("reset", account_hash(email), caller.address, message=TOO_MANY_LINKS)
        if len(self._sending) >= REQUESTS_IN_HAND:
            raise Unavailable("Too many mails are being sent. Try again in a moment.")
        pause = SystemRandom().uniform(*PAUSE_SECONDS)
        task = asyncio.create_task(self._send_link_after(pause, email))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def confirm_reset(self, token: str, *, new: str, caller: Caller) -> None:
        """Set a new password by a link that was mailed. All sessions end, and nobody is logged in.

        Raises:
            CommonPassword: the new one is a common one.
            DeadLink: not a link of ours, or used, or too old.
            RateLimited: too many tries from where the caller is.
        """
        refuse_common(new)
        token_hash = digest(token)
        await self._throttle.link("reset_confirm", token_hash, caller.address, message=TOO_MANY_TRIES)
        if not self._links.is_ours(token, now=time.time()):
            raise DeadLink
        async with connection(self._pool) as conn:
            user = await store.user_of_reset(conn, token_hash)
        if user is None:
            raise DeadLink
        new_hash = await self._passwords.hash(new)
        async with transaction(self._pool, customer=user.customer_id) as conn:
            account = account_hash(user.email)
            # All links go with the old password, this one included. Of two uses at once, the later one finds
            # another password than the link was looked up with.
            await self._replace(conn, user, new_hash, account=account, caller=caller, error=DeadLink())
            await _audit(conn, "password_reset", user)

    async def close(self) -> None:
        """Let the mails that are being sent go out."""
        if self._sending:
            _ = await asyncio.wait(self._sending, timeout=CLOSE_SECONDS)

    async def _replace(
        self,
        conn: Connection,
        user: store.User,
        new_hash: str,
        *,
        account: str,
        caller: Caller,
        error: ValidationFailed,
    ) -> None:
        # The password first: it waits for logins with the old one, whose sessions then end with the others.
        if not await store.replace_password_hash(conn, user.id, new_hash, old_hash=user.password_hash):
            raise error
        _ = await store.revoke_sessions(conn, user.id)
        await store.remove_password_resets(conn, user.id)
        await store.forget_failed_logins(conn, account, caller.address)
        await store.note_known_address(conn, account, caller.address)

    async def _send_link_after(self, pause: float, email: str) -> None:
        await asyncio.sleep(pause)
        async with self._turns:
            await self._send_link(email)

    async def _send_link(self, email: str) -> None:
        try:
            if self._mail is None:
                _log.error("mail_not_configured", hint="Set SMTP_HOST, or MAIL_DIR for development.")
            elif link := await self._new_link(email):
                user, address = link
                text = TEXT.format(minutes=LINK_SECONDS // 60, address=address)
                await self._mail.send(to=user.email, subject=SUBJECT, text=text)
                _log.info("reset_link_sent", customer_id=str(user.customer_id))
        except MailFailed as exc:
            _log.error("mail_failed", reason=str(exc))
        except Exception:  # noqa: BLE001 - nobody waits for this task: the log is where it ends
            _log.exception("reset_link_failed")

    async def _new_link(self, email: str) -> tuple[store.User, str] | None:
        token = self._links.new_token(now=time.time())
        async with transaction(self._pool) as conn:
            user = await user_by_email(conn, email)
            if user is None:
                return None
            await act_for(conn, user.customer_id)
            is_kept = await store.insert_password_reset(
                conn,
                token_hash=digest(token),
                user_id=user.id,
                seconds=LINK_SECONDS,
                at_most=LINKS_AT_ONCE,
            )
            if not is_kept:
                _log.info("reset_link_withheld", customer_id=str(user.customer_id))
                return None
            await _audit(conn, "password_reset_request", user)
        return user, self._links.address(token)


async def _audit(conn: Connection, action: str, user: store.User) -> None:
    await add_audit_entry(conn, action, customer_id=user.customer_id, user_id=user.id)
    _log.info(action, customer_id=str(user.customer_id))

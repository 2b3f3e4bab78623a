"""Sends mail: by SMTP, or into a folder for development. A text may hold a secret, so none is logged."""

import asyncio
import os
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

from gateway.settings import GatewaySettings

SMTP_SECONDS: Final = 10.0
"""How long each answer of the mail server may take."""
LINE: Final = 500
"""A link stays on one line: at the usual 78 it would be broken up, and nobody could copy it from the file."""
MARK: Final = "X-Not-Sent"


class MailFailed(Exception):
    """The mail was not accepted. Says why, without its text and without an address."""


class MailSender(Protocol):
    """Hands one mail over."""

    async def send(self, *, to: str, subject: str, text: str) -> None:
        """Send plain text to one address.

        Raises:
            MailFailed: it was not accepted.
        """


@dataclass(frozen=True, kw_only=True)
class SmtpMail:
    """Sends by a mail server, encrypted unless `tls` is "none"; in a thread, since smtplib blocks."""

    host: str
    port: int
    tls: str
    user: str
    password: str
    sender: str
    timeout_seconds: float = SMTP_SECONDS

    async def send(self, *, to: str, subject: str, text: str) -> None:
        """See `MailSender`."""
        try:
            await asyncio.to_thread(self._send, _message(self.sender, to, subject, text))
        except (OSError, smtplib.SMTPException, ValueError) as exc:
            # The server's own words may repeat the address.
            raise MailFailed(type(exc).__name__) from None

    def _send(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        with self._connected(context) as server:
            if self.tls == "starttls":
                _ = server.starttls(context=context)
            if self.user:
                _ = server.login(self.user, self.password)
            _ = server.send_message(message)

    def _connected(self, context: ssl.SSLContext) -> smtplib.SMTP:
        if self.tls == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_seconds, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=self.timeout_seconds)


@dataclass(frozen=True, kw_only=True)
class MailFolder:
    """Writes each mail to a file that only its owner may read. For development: nothing is sent."""

    folder: Path
    sender: str

    async def send(self, *, to: str, subject: str, text: str) -> None:
        """See `MailSender`."""
        message = _message(self.sender, to, subject, text)
        message[MARK] = "written to MAIL_DIR by a development installation"
        try:
            await asyncio.to_thread(self._write, message.as_bytes())
        except OSError as exc:
            raise MailFailed(type(exc).__name__) from None

    def _write(self, content: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Under another name first: who watches the folder sees whole mails only.
        part = self.folder / f".{uuid4()}.part"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            _ = file.write(content)
        _ = part.rename(self.folder / f"{uuid4()}.eml")


def mail_from(settings: GatewaySettings) -> MailSender | None:
    """The sender that the settings name; None when there is none."""
    if settings.smtp_host:
        return SmtpMail(
            host=settings.smtp_host,
            port=settings.smtp_port,
            tls=settings.smtp_tls,
            user=settings.smtp_user,
            password=settings.smtp_password.get_secret_value(),
            sender=settings.mail_from,
        )
    if settings.mail_dir:
        return MailFolder(folder=Path(settings.mail_dir), sender=settings.mail_from)
    return None


def _message(sender: str, to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage(policy=default.clone(max_line_length=LINE))
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=sender.rpartition("@")[2])
    # A server that knows the answer is a machine's sends no "out of office" back.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message

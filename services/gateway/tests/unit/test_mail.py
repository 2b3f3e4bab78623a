"""Mail goes out encrypted, to a server that proves who it is, and a failure names nobody."""

import ssl
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.mail import MailFailed, MailFolder, SmtpMail, mail_from
from gateway.settings import GatewaySettings

sys.path.append(str(Path(__file__).parent))
from mail_server import PASSWORD, USER, MailServer, make_certificate

MAIL = {
    "to": "ada@example.com",
    "subject": "Grüße",
    "text": "A line\n.\nwith a dot. https://example.com/#t=x\n",
}


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    return make_certificate(tmp_path)


@pytest_asyncio.fixture
async def server(
    certificate: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[MailServer]:
    """A mail server that this process trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[1]))
    async with MailServer(certificate[0]).running() as running:
        yield running


def _sender(server: MailServer, **changed: Any) -> SmtpMail:
    settings: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": server.port,
        "tls": "starttls",
        "user": USER,
        "password": PASSWORD,
        "sender": "no-reply@example.com",
    }
    return SmtpMail(**{**settings, **changed})


async def test_a_mail_arrives_as_it_was_written_after_tls_and_login(server: MailServer) -> None:
    await _sender(server).send(**MAIL)
    assert server.encrypted
    assert server.login == (USER, PASSWORD)
    (mail,) = server.mails
    assert (mail["To"], mail["From"]) == ("ada@example.com", "no-reply@example.com")
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.decode().replace("\r\n", "\n") == MAIL["text"]
    assert mail["Message-ID"].endswith("@example.com>")
    assert mail["Auto-Submitted"] == "auto-generated"


async def test_without_tls_at_the_server_neither_password_nor_mail_is_sent(server: MailServer) -> None:
    server.offers_tls = False
    with pytest.raises(MailFailed, match="SMTPNotSupportedError"):
        await _sender(server).send(**MAIL)
    assert server.login is None
    assert server.mails == []


async def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(MailFailed, match="SSLCertVerificationError"):
        await _sender(server).send(**MAIL)
    assert server.login is None
    assert server.mails == []


@pytest.mark.parametrize("changed", [{"password": "wrong-password-88"}, {"port": 1}])
async def test_a_failure_names_neither_password_nor_address(
    server: MailServer, changed: dict[str, Any]
) -> None:
    with pytest.raises(MailFailed) as failed:
        await _sender(server, **changed).send(**MAIL)
    assert "password" not in str(failed.value)
    assert failed.value.__cause__ is None


async def test_a_refused_recipient_is_not_named(server: MailServer) -> None:
    server.refuses = True
    with pytest.raises(MailFailed) as failed:
        await _sender(server).send(**MAIL)
    assert str(failed.value) == "SMTPRecipientsRefused"


async def test_a_line_break_in_an_address_makes_no_second_header(server: MailServer) -> None:
    with pytest.raises(MailFailed):
        await _sender(server).send(**{**MAIL, "to": "ada@example.com\r\nBcc: eve@example.com"})
    assert server.mails == []


async def test_a_mail_without_tls_works_where_it_is_asked_for(server: MailServer) -> None:
    await _sender(server, tls="none", user="").send(**MAIL)
    assert len(server.mails) == 1
    assert not server.encrypted


def test_the_settings_choose_the_sender() -> None:
    assert mail_from(GatewaySettings()) is None
    assert isinstance(mail_from(GatewaySettings(mail_dir="/nowhere")), MailFolder)
    smtp = mail_from(GatewaySettings(smtp_host="mail.example.com", mail_dir="/nowhere"))
    assert isinstance(smtp, SmtpMail)
    assert (smtp.port, smtp.tls) == (587, "starttls")


async def test_a_server_that_says_nothing_is_given_up_in_time(server: MailServer) -> None:
    server.is_silent = True
    started = time.monotonic()
    with pytest.raises(MailFailed, match="SMTPServerDisconnected"):
        await _sender(server, timeout_seconds=0.5).send(**MAIL)
    assert time.monotonic() - started < 5

"""A mail server that keeps what it gets: SMTP with STARTTLS and a login, on a port of its own."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "mailer", "smtp-password-77"


@dataclass
class MailServer:
    """What came in. `refuses` recipients with 550, `is_silent` never says a word."""

    tls: ssl.SSLContext
    offers_tls: bool = True
    refuses: bool = False
    is_silent: bool = False
    port: int = 0
    encrypted: bool = False
    login: tuple[str, str] | None = None
    mails: list[Message] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["MailServer"]:
        server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_silent:
            await reader.read()
            writer.close()
            return
        writer.write(b"220 ready\r\n")
        while line := (await reader.readline()).strip():
            verb, _, rest = line.partition(b" ")
            if verb.upper() == b"STARTTLS":
                writer.write(b"220 go\r\n")
                await writer.start_tls(self.tls)
                self.encrypted = True
            elif verb.upper() == b"DATA":
                writer.write(b"354 go\r\n")
                self.mails.append(message_from_bytes(await self._content(reader)))
                writer.write(b"250 kept\r\n")
            else:
                writer.write(self._answer(verb.upper(), rest))
                if verb.upper() == b"QUIT":
                    break
        writer.close()

    def _answer(self, verb: bytes, rest: bytes) -> bytes:
        if verb == b"EHLO":
            extra = b"250-AUTH PLAIN\r\n" if self.encrypted else b"250-STARTTLS\r\n" * self.offers_tls
            return b"250-hello\r\n" + extra + b"250 8BITMIME\r\n"
        if verb == b"AUTH":
            _, user, password = base64.b64decode(rest.partition(b" ")[2]).split(b"\0")
            self.login = (user.decode(), password.decode())
            return b"235 welcome\r\n" if self.login == (USER, PASSWORD) else b"535 no\r\n"
        if verb == b"QUIT":
            return b"221 bye\r\n"
        if verb == b"RCPT" and self.refuses:
            return b"550 nobody here: " + rest + b"\r\n"
        return b"250 fine\r\n"

    async def _content(self, reader: asyncio.StreamReader) -> bytes:
        lines: list[bytes] = []
        while (line := await reader.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))  # a dot at the beginning is sent twice
        return b"".join(lines)


def make_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A certificate for 127.0.0.1 that nobody knows yet, and the file by which a client may trust it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail server of a test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    return context, cert_file

"""Secrets are planted through a customer's good and bad days and looked for wherever anything is written."""

import hashlib
import hmac
import re
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from e2e_system import EmbeddedSystem, sandbox_of
from security_canaries import JWT, PROOF, Canary, hits
from security_recorder import recorder
from security_sinks import sinks_of
from security_story import Story

from local_stack.ports import HOST, Ports, free_port

COMPRESSED_TIME = {
    "META_ADMIT_WINDOW_SECONDS": "3",
    "META_CLOCK_SKEW_SECONDS": "1",
    "META_SETTLE_SECONDS": "1",
    "META_CALL_TIMEOUT_SECONDS": "4",
    "LEASE_SECONDS": "3",
}
SECONDS = 600
"""The story takes half a minute; a loaded machine needs more."""
pytestmark = pytest.mark.timeout(SECONDS)
EXPORT_SECRET = "collector-password-5d1c0f7e"
PASSWORD_HASH = re.compile(r"\$argon2id?\$")


@dataclass(frozen=True, kw_only=True)
class Told:
    """The end of the story."""

    canaries: list[Canary]
    sinks: dict[str, str]
    proofs: set[str]


@pytest_asyncio.fixture(scope="module")
async def told() -> AsyncIterator[Told]:
    """A system of its own, at its most talkative, with a recorder between it and the sandbox."""
    ports, proxy = Ports.free(), free_port()
    chatty = {
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "DEBUG",
        "META_GRAPH_BASE_URL": f"http://{HOST}:{proxy}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {EXPORT_SECRET}",
        "FAILPOINT_DIR": "",
        **COMPRESSED_TIME,
    }
    started = int(time.time())
    with (
        tempfile.TemporaryDirectory(prefix="project-auto-canaries-") as folder,
        recorder(proxy, f"http://{HOST}:{ports.sandbox}") as passed,
    ):
        async with EmbeddedSystem(Path(folder), ports=ports, overrides=chatty) as system:
            async with sandbox_of(system) as sandbox:
                story = Story(system=system, sandbox=sandbox)
                [account] = await sandbox.add_accounts("ben", 1)
                await story.tell(account)
            sinks = await sinks_of(story)
        for name, values in passed.seen.items():
            for number, value in enumerate(sorted(values)):
                story.plant(f"{name} {number} of Meta", value)
    secret = system.credentials.app_secret
    for name, value in _kept(system).items():
        story.plant(name, value)
    tokens = passed.seen["access_token"] | passed.seen["issued"]
    yield Told(canaries=story.canaries, sinks=sinks, proofs=_proofs(secret, tokens, started))


def _kept(system: EmbeddedSystem) -> dict[str, str]:
    """What the processes were started with."""
    known = system.credentials
    return {
        "app secret": known.app_secret,
        "app token": f"{known.app_id}|{known.app_secret}",
        "password of the collector": EXPORT_SECRET,
        **{f"token key {name}": key for name, key in known.token_keys.items()},
        **{f"private key of {name}": pair.private for name, pair in known.service_keys.items()},
        **{f"database password of {name}": value for name, value in known.role_passwords.items()},
        **{f"redis password of {name}": value for name, value in known.redis_passwords.items()},
    }


def _proofs(secret: str, tokens: set[str], started: int) -> set[str]:
    """Every proof that can have been made: by the token alone, or with a second of this time or before it."""
    stamps = ["", *(f"|{moment}" for moment in range(started - 400, int(time.time()) + 60))]
    return {
        hmac.new(secret.encode(), f"{token}{stamp}".encode(), hashlib.sha256).hexdigest()
        for token in tokens
        for stamp in stamps
    }


def test_at_least_forty_secrets_were_planted_of_every_kind(told: Told) -> None:
    names = {canary.name for canary in told.canaries}
    assert len({canary.value for canary in told.canaries}) >= 40
    for kind in (
        "code 0 of Meta",
        "issued 1 of Meta",
        "appsecret_proof 0 of Meta",
        "fb_exchange_token 0 of Meta",
        "token of a link",
        "changed password",
        "signed request with 200",
        "wrong password of the mail server",
    ):
        assert kind in names, sorted(names)
    assert all(len(canary.value) >= 12 for canary in told.canaries)


def test_no_secret_is_anywhere_in_any_shape(told: Told) -> None:
    assert hits(told.canaries, told.sinks) == []


def test_no_token_between_services_and_no_proof_is_anywhere(told: Told) -> None:
    for place, text in told.sinks.items():
        assert JWT.findall(text) == [], place
        assert set(PROOF.findall(text)) & told.proofs == set(), place


def test_hashes_of_passwords_and_sessions_are_in_their_tables_only(told: Told) -> None:
    cookies = [canary.value for canary in told.canaries if canary.name.startswith("session cookie")]
    digests = [hashlib.sha256(cookie.encode()).hexdigest() for cookie in cookies]
    assert len(digests) >= 2
    for place, text in told.sinks.items():
        if place != "table gateway.users":
            assert not PASSWORD_HASH.search(text), place
        if not place.startswith(("table gateway.", "table meta_auth.oauth_states")):
            assert [digest for digest in digests if digest in text] == [], place


def test_the_search_finds_each_shape() -> None:
    """A search that finds nothing must be able to find."""
    canary = Canary(name="password", value='Ünïque-"secret"/0123456789')
    for form in canary.forms():
        assert hits([canary], {"log": f"before {form} after"}) == ["password in log"]
    assert hits([canary], {"log": "before Unique-secret after"}) == []
    assert hits([Canary(name="x", value="y" * 12, homes=("stream",))], {"stream a": "y" * 12}) == []

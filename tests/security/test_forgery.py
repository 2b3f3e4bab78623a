"""Tens of thousands of wrong states, cookies and service tokens, none of which opens anything.

Most go straight to the code that decides, on the real database; a sample takes the whole way over HTTP.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from e2e_system import EmbeddedSystem
from security_forgery import (
    Forger,
    damaged,
    decoded_parts,
    dice,
    genuine_payload,
    same_signed_bytes,
    signed_request,
)
from security_people import Tenant

from chassis.database import Pool, create_pool
from chassis.errors import Unauthorized
from chassis.service_tokens import LEEWAY_SECONDS, Caller, TokenSigner, TokenVerifier, new_key_pair
from contracts.internal import OAuthCallback, SessionRef
from gateway.accounts import Accounts
from gateway.passwords import Passwords
from gateway.settings import GatewaySettings
from gateway.throttle import Throttle
from local_stack.services import ADS_PUBLISHER, GATEWAY, META_AUTH
from meta_auth.app import create_app
from meta_auth.connecting import Connecting
from meta_auth.settings import Settings

COUNT = 20_000
OVER_HTTP = 300
AT_ONCE = 10


async def each(texts: Iterable[str], check: Callable[[str], Awaitable[None]]) -> int:
    """Check all of them, some at a time; how many there were."""
    texts = iter(texts)
    counted = 0

    async def work() -> None:
        nonlocal counted
        for text in texts:
            await check(text)
            counted += 1

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return counted


@pytest_asyncio.fixture
async def pool(stack: EmbeddedSystem) -> AsyncIterator[Pool]:
    url = stack.service(GATEWAY).env["DATABASE_URL"]
    async with await create_pool(url, name="forgery", size=AT_ONCE) as opened:
        yield opened


@pytest_asyncio.fixture
async def connecting(stack: EmbeddedSystem, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connecting]:
    """The use case that takes states back, as meta-auth builds it."""
    for name, value in stack.service(META_AUTH).env.items():
        monkeypatch.setenv(name, value)
    app = create_app(Settings.load())
    async with app.router.lifespan_context(app):
        yield app.state.context.connecting


async def test_no_forged_cookie_is_a_session(pool: Pool, owner: Tenant) -> None:
    settings = GatewaySettings()
    throttle = Throttle(pool=pool, settings=settings)
    accounts = Accounts(pool=pool, passwords=Passwords(), throttle=throttle, settings=settings)
    session = await accounts.session(owner.customer.session)
    assert session is not None
    originals = [owner.customer.session, session.token_hash]

    async def check(cookie: str) -> None:
        assert await accounts.session(cookie) is None, repr(cookie)

    await check(session.token_hash)
    assert await each(damaged(originals, COUNT, dice()), check) == COUNT


async def test_no_forged_state_is_taken_back(connecting: Connecting, owner: Tenant, pool: Pool) -> None:
    settings = GatewaySettings()
    throttle = Throttle(pool=pool, settings=settings)
    accounts = Accounts(pool=pool, passwords=Passwords(), throttle=throttle, settings=settings)
    session = await accounts.session(owner.customer.session)
    assert session is not None
    who = SessionRef(
        user_id=session.user_id, customer_id=session.customer_id, session_hash=session.token_hash
    )
    urls = [(await owner.customer.get("/meta/oauth/connect-url"))["url"] for _ in range(5)]
    states = [httpx.URL(url).params["state"] for url in urls]

    async def check(state: str) -> None:
        result = await connecting.finish(OAuthCallback(state=state, code="x", session=who))
        assert result.outcome == "invalid_state", repr(state)

    assert await each(damaged(states, COUNT, dice()), check) == COUNT
    # They are open all the while: what was refused was refused for what it was.
    for state in states:
        result = await connecting.finish(OAuthCallback(state=state, session=who))
        assert result.outcome == "missing_code"
        assert (await connecting.finish(OAuthCallback(state=state, session=who))).outcome == "invalid_state"


def test_no_forged_service_token_is_verified(stack: EmbeddedSystem) -> None:
    verifier, genuine, forger = _token_world(stack, dice())
    expected = verifier.verify(genuine)
    rng, refused = dice(), 0
    for text in damaged([genuine], COUNT // 2, rng):
        refused += _is_refused(verifier, text, genuine, expected)
    for _ in range(COUNT // 2):
        refused += _is_refused(verifier, forger.forged(), genuine, expected)
    assert refused == COUNT


def _is_refused(verifier: TokenVerifier, text: str, genuine: str, expected: Caller) -> bool:
    try:
        caller = verifier.verify(text)
    except Unauthorized:
        return True
    raise AssertionError(f"{text!r} was taken for {caller} ({expected}, {genuine!r})")


def test_a_good_key_for_the_wrong_claims_is_refused(stack: EmbeddedSystem) -> None:
    verifier, _, forger = _token_world(stack, dice())
    now = int(time.time())
    for claims in (
        {"iss": GATEWAY},
        {"iss": META_AUTH},
        {"iss": ADS_PUBLISHER, "aud": "gateway"},
        {"iss": ADS_PUBLISHER, "aud": None},
        {"iss": ADS_PUBLISHER, "exp": now - LEEWAY_SECONDS - 1},
        {"iss": ADS_PUBLISHER, "iat": now + LEEWAY_SECONDS + 5, "exp": now + 100},
        {"iss": ADS_PUBLISHER, "sub": "*"},
        {"iss": ADS_PUBLISHER, "sub": None},
        {"iss": ADS_PUBLISHER, "sub": ["a", "b"]},
        {"iss": ADS_PUBLISHER, "exp": "tomorrow"},
    ):
        with pytest.raises(Unauthorized):
            verifier.verify(forger.by_another_service(**claims))
    assert verifier.verify(forger.by_another_service(iss=ADS_PUBLISHER)).service == ADS_PUBLISHER


def _token_world(stack: EmbeddedSystem, rng: random.Random) -> tuple[TokenVerifier, str, Forger]:
    keys = stack.credentials.service_keys
    verifier = TokenVerifier(
        audience=META_AUTH, public_keys={name: pair.public for name, pair in keys.items()}
    )
    signer = TokenSigner(service=GATEWAY, private_key=keys[GATEWAY].private)
    genuine = signer.token(audience=META_AUTH, customer_id=uuid4(), purpose="status")
    claims = json.loads(decoded_parts(genuine)[1])
    forger = Forger(
        public_key=keys[GATEWAY].public, claims=claims, other_key=keys[ADS_PUBLISHER].private, rng=rng
    )
    return verifier, genuine, forger


async def test_a_sample_of_each_is_refused_over_http_and_never_by_a_500(
    stack: EmbeddedSystem, owner: Tenant, door: httpx.AsyncClient
) -> None:
    rng = dice()
    customer = UUID(owner.customer_id)
    key = stack.credentials.service_keys[GATEWAY].private
    token = TokenSigner(service=GATEWAY, private_key=key).token(
        audience=META_AUTH, customer_id=customer, purpose="status"
    )
    state = httpx.URL((await owner.customer.get("/meta/oauth/connect-url"))["url"]).params["state"]
    status = f"{stack.meta_auth_url}/internal/connections/{customer}"
    genuine = {"authorization": f"Bearer {token}"}
    assert (await door.get(status, headers=genuine)).status_code == 200
    stranger = f"{stack.meta_auth_url}/internal/connections/{uuid4()}"
    assert (await door.get(stranger, headers=genuine)).status_code == 403

    async def as_cookie(text: str) -> None:
        answer = await door.get("/auth/me", headers={"cookie": _header(f"session={text}")})
        door.cookies.clear()
        assert answer.status_code in {400, 401}, repr(text)  # 400: no header can hold it

    async def as_token(text: str) -> None:
        answer = await door.get(status, headers={"authorization": _header(f"Bearer {text}")})
        assert answer.status_code in {400, 401}, repr(text)  # 400: no header can hold it

    async def as_state(text: str) -> None:
        headers = {"cookie": owner.cookie}
        answer = await door.get("/meta/oauth/callback", params={"state": text, "code": "x"}, headers=headers)
        assert answer.status_code == 302
        page = answer.headers["location"].partition("error=")[2]
        assert page in {"invalid_state", "missing_state"}, (text, answer.headers["location"])

    word = signed_request(genuine_payload(), key=stack.credentials.app_secret)
    assert (await door.post("/meta/deauthorize", data={"signed_request": word})).status_code == 200

    async def as_word_of_meta(text: str) -> None:
        if same_signed_bytes(text, word):
            return
        for path in ("/meta/deauthorize", "/meta/data-deletion"):
            answer = await door.post(path, data={"signed_request": text})
            assert answer.status_code in {400, 413}, (path, text)

    for original, check in (
        (owner.customer.session, as_cookie),
        (token, as_token),
        (state, as_state),
        (word, as_word_of_meta),
    ):
        assert await each(damaged([original], OVER_HTTP, rng), check) == OVER_HTTP


def _header(text: str) -> bytes:
    # What no header can hold, what ends a cookie and what surrounds a value: readers drop these by rule, and
    # what is left may be the original.
    kept = "".join("~" if char <= " " or char in "\x7f;" else char for char in text)
    return kept.encode("utf-8", "replace")


def test_the_forger_can_make_a_token_that_is_good() -> None:
    """Or all of its refusals would prove nothing."""
    private, public = new_key_pair()
    now = int(time.time())
    claims = {"iss": "a", "aud": "b", "sub": str(uuid4()), "purpose": "x", "iat": now, "exp": now + 60}
    forger = Forger(public_key=public, claims=claims, other_key=private, rng=dice())
    verifier = TokenVerifier(audience="b", public_keys={"a": public})
    assert verifier.verify(forger.by_another_service()).service == "a"

"""A call between services is believed only with a fresh token that its caller signed for this service."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Unauthorized
from chassis.service_tokens import (
    LEEWAY_SECONDS,
    LIFETIME_SECONDS,
    Caller,
    TokenSigner,
    TokenVerifier,
    new_key_pair,
    purpose_of,
)

PRIVATE, PUBLIC = new_key_pair()
OTHER_PRIVATE, OTHER_PUBLIC = new_key_pair()
CUSTOMER = UUID("5b6f7c1e-0d52-4a4e-9f5e-2f0c6f8f3a11")
SIGNER = TokenSigner(service="gateway", private_key=PRIVATE)
VERIFIER = TokenVerifier(audience="meta-auth", public_keys={"gateway": PUBLIC, "ads-publisher": OTHER_PUBLIC})


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def forged(*, private_key: str = PRIVATE, header: Any = None, **changes: Any) -> str:
    """A token with a true signature over changed claims; `...` removes a claim."""
    genuine_header, genuine_claims, _ = SIGNER.token(
        audience="meta-auth", customer_id=CUSTOMER, purpose="grant"
    ).split(".")
    claims = {key: value for key, value in (decoded(genuine_claims) | changes).items() if value is not ...}
    signed = f"{encoded(header or decoded(genuine_header))}.{encoded(claims)}"
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(private_key + "="))
    return f"{signed}.{encoded(key.sign(signed.encode()))}"


def refused(token: str) -> bool:
    try:
        VERIFIER.verify(token)
    except Unauthorized:
        return True
    return False


def test_a_token_names_its_caller_and_the_customer_it_is_for() -> None:
    token = SIGNER.token(audience="meta-auth", customer_id=CUSTOMER, purpose="grant")
    assert VERIFIER.verify(token) == Caller(service="gateway", customer_id=CUSTOMER, purpose="grant")
    assert VERIFIER.verify(forged()) == Caller(service="gateway", customer_id=CUSTOMER, purpose="grant")


def test_tokens_are_told_apart_and_live_for_a_minute() -> None:
    first, second = (
        decoded(SIGNER.token(audience="meta-auth", customer_id=CUSTOMER, purpose="grant").split(".")[1])
        for _ in range(2)
    )
    assert first["jti"] != second["jti"]
    assert first["exp"] - first["iat"] == LIFETIME_SECONDS == 60
    assert not {"email", "scope", "token"} & set(first)


def test_clocks_may_differ_by_half_a_minute() -> None:
    now = int(time.time())
    assert LEEWAY_SECONDS == 30
    assert not refused(forged(iat=now + 20, exp=now + 80))
    assert not refused(forged(iat=now - 80, exp=now - 20))


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "gateway"},
        {"aud": ["meta-auth", "gateway"]},
        {"aud": ...},
        {"iss": "ads-publisher"},
        {"iss": "stranger"},
        {"iss": ...},
        {"exp": int(time.time()) - 31},
        {"exp": ...},
        {"exp": "tomorrow"},
        {"exp": int(time.time()) + 3600},
        {"purpose": ...},
        {"purpose": ""},
        {"purpose": 7},
        {"purpose": ["grant"]},
        {"iat": int(time.time()) + 3600},
        {"iat": ...},
        {"nbf": int(time.time()) + 3600},
        {"sub": ...},
        {"sub": ""},
        {"sub": "everyone"},
        {"sub": 7},
        {"sub": None},
        {"sub": [str(CUSTOMER)]},
    ],
    ids=lambda changes: "-".join(f"{key}={value}" for key, value in changes.items())[:40],
)
def test_a_well_signed_token_with_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    assert refused(forged(**changes))


def test_a_token_of_another_key_is_refused() -> None:
    stranger, _ = new_key_pair()
    assert refused(forged(private_key=stranger))
    assert refused(forged(private_key=OTHER_PRIVATE))  # a known caller that claims to be another
    assert not refused(forged(private_key=OTHER_PRIVATE, iss="ads-publisher"))


@pytest.mark.parametrize("name", ["none", "None", "HS256", "RS256", "ES256", "", None, 7])
def test_no_other_algorithm_is_accepted(name: object) -> None:
    assert refused(forged(header={"alg": name}))
    header, claims, _ = forged().split(".")
    del header
    assert refused(f"{encoded({'alg': name})}.{claims}.")


@pytest.mark.parametrize("name", ["JWT", "at+jwt", "", None, 7, ...], ids=repr)
def test_a_token_of_another_type_is_refused(name: object) -> None:
    header = {"alg": "Ed25519"} if name is ... else {"alg": "Ed25519", "typ": name}
    assert refused(forged(header=header))


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/proc/self/environ",
        "ads-publisher",
        "' OR 1=1 --",
        "http://127.0.0.1/key",
        "gateway\x00",
        "",
    ],
)
def test_a_key_id_leads_nowhere(kid: str) -> None:
    """The header of a token is the attacker's: it must neither choose a key nor a file."""
    header = {"alg": "Ed25519", "typ": "service+jwt", "kid": kid}
    empty, _ = new_key_pair()
    assert refused(forged(header=header, private_key=empty))
    for extra in ({"jku": "http://127.0.0.1/k"}, {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": PUBLIC}}):
        assert refused(forged(header={**header, **extra}, private_key=empty))
    assert VERIFIER.verify(forged(header=header)).service == "gateway"


def test_the_purpose_of_a_call_is_what_follows_the_customer_in_its_path() -> None:
    assert purpose_of(f"/internal/connections/{CUSTOMER}/grant") == "grant"
    assert purpose_of(f"/internal/connections/{CUSTOMER}") == "status"
    assert purpose_of(f"/internal/connections/{CUSTOMER}/a/b") == "a/b"
    assert purpose_of("") == purpose_of("/") == "status"


def test_a_public_key_cannot_be_used_as_a_shared_secret() -> None:
    signed = f"{encoded({'alg': 'HS256'})}.{forged().split('.')[1]}"
    for key in (PUBLIC.encode(), base64.urlsafe_b64decode(PUBLIC + "=")):
        mac = hmac.digest(key, signed.encode(), hashlib.sha256)
        assert refused(f"{signed}.{encoded(mac)}")


def test_a_changed_token_is_refused_wherever_it_was_changed() -> None:
    token = SIGNER.token(audience="meta-auth", customer_id=CUSTOMER, purpose="grant")
    header, claims, signature = token.split(".")
    other = encoded(decoded(claims) | {"sub": str(uuid4())})
    assert refused(f"{header}.{other}.{signature}")
    for place in range(0, len(token) - 1, 7):  # the last character holds spare bits
        changed = "A" if token[place] != "A" else "B"
        assert refused(token[:place] + changed + token[place + 1 :])


@pytest.mark.parametrize("header", [[], "text", 7, None, {}, {"alg": "Ed25519", "crit": ["exp"]}], ids=repr)
def test_a_header_that_is_none_is_refused(header: object) -> None:
    signed = f"{encoded(header)}.{forged().split('.')[1]}"
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(PRIVATE + "="))
    assert refused(f"{signed}.{encoded(key.sign(signed.encode()))}")


@pytest.mark.parametrize("claims", [[], "text", 7, None, {}], ids=repr)
def test_claims_that_are_none_are_refused(claims: object) -> None:
    signed = f"{forged().split('.')[0]}.{encoded(claims)}"
    key = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(PRIVATE + "="))
    assert refused(f"{signed}.{encoded(key.sign(signed.encode()))}")


@given(st.text() | st.from_regex(r"[A-Za-z0-9_=-]{0,20}\.[A-Za-z0-9_=-]{0,20}\.[A-Za-z0-9_=-]{0,20}"))
def test_no_text_at_all_makes_the_verifier_fail_in_another_way(text: str) -> None:
    assert refused(text)


def test_the_refusal_does_not_say_what_was_wrong() -> None:
    texts = set()
    for token in ("", "a.b.c", forged(aud="gateway"), forged(exp=1)):
        with pytest.raises(Unauthorized) as error:
            VERIFIER.verify(token)
        texts.add((error.value.message, error.value.hint))
    assert len(texts) == 1


def test_a_verifier_without_keys_believes_nobody() -> None:
    verifier = TokenVerifier(audience="meta-auth", public_keys={})
    with pytest.raises(Unauthorized):
        verifier.verify(forged())


@pytest.mark.parametrize("key", ["", "short", PUBLIC[:-4]], ids=["empty", "short", "cut"])
def test_a_signing_key_that_is_none_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library words it
        TokenSigner(service="gateway", private_key=key)

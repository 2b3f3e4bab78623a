"""Tens of thousands of wrong `signed_request`s of Meta's, none of which is believed."""

import hashlib
import hmac
import json
import random
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from security_forgery import b64, damaged, dice, genuine_payload, same_signed_bytes, signed_request

from chassis.errors import ValidationFailed
from meta_auth.signed_requests import read_signed_request

COUNT = 20_000
SECRET = "a-secret-of-an-app-of-metas-for-tests"


def signed(payload: object, *, key: str = SECRET, digest: str = "sha256") -> str:
    return signed_request(payload, key=key, digest=digest)


def believed(text: str) -> bool:
    """The target: whether the code that decides takes it for Meta's."""
    try:
        read_signed_request(text, SecretStr(SECRET), now=datetime.now(UTC))
    except ValidationFailed:
        return False
    return True


def forged(rng: random.Random) -> str:
    """By somebody who does not have the secret, or who changed what had been signed."""
    payload = genuine_payload(
        user_id=str(rng.randrange(10**12)), algorithm=rng.choice(("none", "HMAC-SHA256", ""))
    )
    keys = (
        "",
        "secret",
        SECRET[::-1],
        SECRET.upper(),
        SECRET[:-1],
        hashlib.sha256(SECRET.encode()).hexdigest(),
    )
    mine = signed(payload, key=rng.choice(keys), digest=rng.choice(("sha256", "sha1", "sha512", "md5")))
    signature, body = signed(genuine_payload()).split(".")
    other = b64(json.dumps(payload).encode())
    return rng.choice(
        (
            mine,
            f"{signature}.{other}",
            f"{body}.{signature}",
            f".{other}",
            f"{signature}.",
            f"{signature}.{body}.{other}",
            f"{b64(rng.randbytes(32))}.{other}",
            f"{b64(hmac.new(SECRET.encode(), json.dumps(payload).encode(), 'sha256').digest())}.{other}",
            f"{hmac.new(SECRET.encode(), other.encode(), 'sha256').hexdigest()}.{other}",
        )
    )


def test_no_wrong_signed_request_is_believed() -> None:
    rng, genuine = dice(), signed(genuine_payload())
    assert believed(genuine)
    wrong = [
        text for text in damaged([genuine], COUNT // 2 + 200, rng) if not same_signed_bytes(text, genuine)
    ]
    wrong += [forged(rng) for _ in range(COUNT // 2)]
    assert len(wrong) >= COUNT
    assert [text for text in wrong if believed(text)] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"algorithm": "HMAC-SHA1"},
        {"algorithm": None},
        {"algorithm": ["HMAC-SHA256"]},
        {"user_id": None},
        {"user_id": {"id": "1"}},
        {"user_id": "1' OR 1=1"},
        {"user_id": "../1"},
        {"issued_at": 0},
        {"issued_at": "now"},
        {"issued_at": 10**30},
        {"issued_at": None},
    ],
    ids=str,
)
def test_a_good_signature_over_wrong_claims_is_refused(changed: dict[str, object]) -> None:
    assert not believed(signed(genuine_payload(**changed)))


@pytest.mark.parametrize("payload", [[], None, 7, "x", [[[]]]], ids=str)
def test_a_good_signature_over_no_object_is_refused(payload: object) -> None:
    assert not believed(signed(payload))

"""Only what Meta signed with the app's secret, lately and in its own form, is believed."""

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from chassis.errors import ValidationFailed
from meta_auth.signed_requests import MAX_AGE, MAX_AHEAD, person_hash, read_signed_request

SECRET = SecretStr("app-secret-of-the-test")
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAYLOAD = {"user_id": "10220000000000001", "algorithm": "HMAC-SHA256", "issued_at": int(NOW.timestamp())}


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(payload: object, *, secret: SecretStr = SECRET) -> str:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    part = encoded(raw)
    signature = hmac.new(secret.get_secret_value().encode(), part.encode(), sha256).digest()
    return f"{encoded(signature)}.{part}"


def refused(text: str) -> bool:
    try:
        read_signed_request(text, SECRET, now=NOW)
    except ValidationFailed as exc:
        return exc.message == "The signed_request is not valid"
    return False


@pytest.mark.parametrize("user_id", ["10220000000000001", 10220000000000001])
def test_a_request_of_metas_names_the_person_and_the_moment(user_id: object) -> None:
    request = read_signed_request(signed({**PAYLOAD, "user_id": user_id, "expires": 1}), SECRET, now=NOW)
    assert (request.user_id, request.asked_at) == ("10220000000000001", NOW)
    assert request.user_id not in request.request_hash


def test_padding_is_allowed_as_some_senders_write_it() -> None:
    signature, payload = signed(PAYLOAD).split(".")
    assert read_signed_request(f"{signature}=.{payload}", SECRET, now=NOW).user_id == PAYLOAD["user_id"]


def test_a_repetition_has_the_same_digest_and_another_request_has_not() -> None:
    def digest(text: str) -> str:
        return read_signed_request(text, SECRET, now=NOW).request_hash

    assert digest(signed(PAYLOAD)) == digest(signed(PAYLOAD))
    later = {**PAYLOAD, "issued_at": int(NOW.timestamp()) - 1}
    assert digest(signed(PAYLOAD)) != digest(signed(later))


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "none"},
        {"algorithm": "HMAC-SHA1"},
        {"algorithm": "hmac-sha256"},
        {"algorithm": ...},
        {"algorithm": None},
        {"algorithm": ["HMAC-SHA256"]},
        {"user_id": ...},
        {"user_id": ""},
        {"user_id": "1" * 26},
        {"user_id": "../1"},
        {"user_id": "\u0661"},
        {"user_id": "1\n"},
        {"user_id": -1},
        {"user_id": 1.5},
        {"user_id": True},
        {"user_id": None},
        {"user_id": ["1"]},
        {"issued_at": ...},
        {"issued_at": str(PAYLOAD["issued_at"])},
        {"issued_at": True},
        {"issued_at": 10**30},
        {"issued_at": -(10**12)},
        {"issued_at": int((NOW - MAX_AGE).timestamp()) - 1},
        {"issued_at": int((NOW + MAX_AHEAD).timestamp()) + 1},
    ],
    ids=repr,
)
def test_a_well_signed_request_that_says_something_else_is_refused(changes: dict[str, Any]) -> None:
    payload = {key: value for key, value in {**PAYLOAD, **changes}.items() if value is not ...}
    assert refused(signed(payload))


def test_a_request_is_good_for_a_day() -> None:
    oldest = {**PAYLOAD, "issued_at": int((NOW - MAX_AGE).timestamp())}
    assert timedelta(hours=1) <= MAX_AGE <= timedelta(days=1)
    assert not refused(signed(oldest))


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"7", b"null", b'"text"', b"{", b"\xff\xfe", b"[" * 100_000, b"NaN"], ids=repr
)
def test_a_well_signed_payload_that_is_no_object_is_refused(raw: bytes) -> None:
    assert refused(signed(raw))


def test_the_secret_of_another_app_signs_nothing() -> None:
    assert refused(signed(PAYLOAD, secret=SecretStr("another")))
    assert refused(signed(PAYLOAD, secret=SecretStr("")))


def test_the_signature_is_over_the_part_as_it_came() -> None:
    signature, payload = signed(PAYLOAD).split(".")
    assert refused(f"{signature}.{payload}=")
    other = encoded(json.dumps({**PAYLOAD, "user_id": "7"}).encode())
    assert refused(f"{signature}.{other}")
    assert refused(f"{payload}.{signature}")
    assert refused(f"{signature}.{payload}.{payload}")


def test_a_changed_character_is_refused_wherever_it_is() -> None:
    text = signed(PAYLOAD)
    spare = text.index(".") - 1  # the last character of the signature has two bits that say nothing
    for place in range(len(text)):
        for put in ("A", "-", ".", "+", "é"):
            changed = text[:place] + put + text[place + 1 :]
            assert changed == text or place == spare or refused(changed), (place, put)


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_=-]{0,60}\.[A-Za-z0-9_=-]{0,60}", fullmatch=True))
def test_no_text_at_all_is_believed_or_makes_it_fail_in_another_way(text: str) -> None:
    assert refused(text)


def test_the_name_that_outlives_a_person_is_the_one_of_the_migration() -> None:
    """The migration makes it in SQL, for those who had connected before."""
    assert person_hash("1") == sha256(b"meta-person|1").hexdigest()

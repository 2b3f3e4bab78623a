"""Every way in which a call can end lands in exactly one class, and never in a wrong one."""

import json

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads_publisher.outcomes import (
    MAX_TEXT,
    Created,
    MetaError,
    NotSent,
    Refused,
    Unknown,
    classify_answer,
    classify_failure,
)


def envelope(code: int, **more: object) -> bytes:
    return json.dumps({"error": {"message": "m", "type": "OAuthException", "code": code, **more}}).encode()


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_what_never_connected_was_not_sent(failure: type[httpx.TransportError]) -> None:
    assert isinstance(classify_failure(failure("no")), NotSent)


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("x"),
        httpx.WriteTimeout("x"),
        httpx.ReadError("x"),
        httpx.WriteError("x"),
        httpx.RemoteProtocolError("x"),
        TimeoutError(),
    ],
)
def test_what_was_cut_off_may_have_happened(failure: Exception) -> None:
    assert isinstance(classify_failure(failure), Unknown)


def test_an_id_means_created() -> None:
    assert classify_answer(200, b'{"id":"120210000000000001"}', {}) == Created(object_id="120210000000000001")


def test_a_silent_version_upgrade_is_kept_with_the_object() -> None:
    answer = classify_answer(200, b'{"id":"1"}', {"x-ad-api-version-warning": "upgraded"})
    assert answer == Created(object_id="1", version_warning="upgraded")


@pytest.mark.parametrize("code", [100, 190, 200, 10, 368, 2635, 4, 17, 613, 80004])
def test_a_definite_error_means_that_nothing_was_created(code: int) -> None:
    answer = classify_answer(400, envelope(code), {})
    assert isinstance(answer, Refused)
    assert answer.error.code == code


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, envelope(2, is_transient=True)),
        (500, envelope(100)),
        (400, envelope(1)),
        (400, envelope(2)),
        (400, envelope(100, is_transient=True)),
        (502, b"<html>bad gateway</html>"),
        (400, b"<html>bad request</html>"),
        (302, b""),
        (200, b""),
        (200, b"{}"),
        (200, b'{"id":12}'),
        (200, b'{"id":"act_12"}'),
        (200, b'{"id":"12'),
        (200, b'{"success":true}'),
        (200, envelope(100)),
        (200, b"[]"),
    ],
)
def test_anything_that_is_not_plainly_yes_or_no_is_unknown(status: int, body: bytes) -> None:
    assert isinstance(classify_answer(status, body, {}), Unknown)


@given(st.integers(100, 599), st.binary(max_size=60))
def test_noise_is_never_taken_for_an_answer(status: int, body: bytes) -> None:
    assert isinstance(classify_answer(status, body, {}), Unknown)


@given(st.integers(400, 499), st.integers(-10, 100_000), st.booleans())
def test_only_definite_errors_are_refusals(status: int, code: int, transient: bool) -> None:
    answer = classify_answer(status, envelope(code, is_transient=transient), {})
    assert isinstance(answer, Unknown) == (transient or code in (1, 2))


def test_blame_fields_are_read_from_an_object_and_from_json_text() -> None:
    specs = {"blame_field_specs": [["targeting", "geo_locations"], ["dsa_payor"]]}
    for error_data in (specs, json.dumps(specs)):
        answer = classify_answer(400, envelope(100, error_data=error_data, error_subcode=33), {})
        assert isinstance(answer, Refused)
        assert answer.error.blame_fields == ("targeting.geo_locations", "dsa_payor")
        assert answer.error.subcode == 33


def test_headers_of_an_error_never_show_in_its_repr() -> None:
    assert "secret" not in repr(MetaError(code=1, headers={"x": "secret"}))


def refused(**error: object) -> MetaError:
    answer = classify_answer(400, envelope(100, **error), {})
    assert isinstance(answer, Refused)
    return answer.error


def test_a_credential_in_metas_text_is_not_kept() -> None:
    token = "EAAB" + "x" * 40
    error = refused(
        error_user_msg=f"Malformed access token {token}", error_user_title=f"access_token={token}"
    )
    assert token not in repr(error)


def test_metas_texts_can_always_be_stored_and_shown() -> None:
    error = refused(error_user_msg="a\u0000b\ud800\nc", error_user_title=7, fbtrace_id=["x"])
    assert error.user_message == "a b  c"
    assert error.user_title is None
    assert error.fbtrace_id is None
    assert len(refused(error_user_msg="long " * 10_000).user_message or "") <= MAX_TEXT


def test_an_answer_nested_without_end_is_unknown() -> None:
    assert isinstance(classify_answer(400, b"[" * 200_000, {}), Unknown)

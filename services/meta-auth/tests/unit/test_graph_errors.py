"""Meta's refusals, decided on code and subcode."""

import pytest

from meta_auth.graph_errors import ends_token, hint_for, read_refusal


@pytest.mark.parametrize(
    ("code", "subcode", "dead"),
    [
        (190, None, True),
        (190, 458, True),
        (190, 460, True),
        (190, 463, True),
        (190, 467, True),
        (102, None, True),
        (190, 459, False),
        (190, 464, False),
        (200, None, False),
        (17, 2446079, False),
        (1, None, False),
    ],
)
def test_only_a_dead_token_ends_a_connection(code: int, subcode: int | None, *, dead: bool) -> None:
    assert ends_token(code, subcode) is dead


@pytest.mark.parametrize("code", [1, 2, 4, 10, 17, 32, 100, 102, 104, 190, 200, 368, 613, 2635, 80004, 99999])
def test_every_refusal_has_a_hint_that_is_a_sentence(code: int) -> None:
    assert hint_for(code, None).endswith(".")


def test_the_text_has_the_code_first_and_the_subcode_when_there_is_one() -> None:
    error = {"code": 190, "error_subcode": 463, "message": "Session has expired", "fbtrace_id": "A1"}
    refused = read_refusal({"error": error})
    assert refused is not None
    assert refused.message == "190 (sub 463): Session has expired"
    assert refused.trace_id == "A1"
    plain = read_refusal({"error": {"code": 10, "message": "No"}})
    assert plain is not None
    assert plain.message == "10: No"


def test_a_token_in_meta_s_text_is_not_repeated() -> None:
    refused = read_refusal({"error": {"code": 190, "message": "Bad token EAAabcdefghijklmnopqrstuvwxyz"}})
    assert refused is not None
    assert "EAA" not in refused.message


def test_an_endless_text_is_cut() -> None:
    refused = read_refusal({"error": {"code": 1, "message": "x" * 10_000}})
    assert refused is not None
    assert len(refused.message) < 400


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"error": None}, {"error": "no"}, {"error": {"code": "1"}}, {"data": []}]
)
def test_what_is_no_error_of_graph_is_none(body: object) -> None:
    assert read_refusal(body) is None


@pytest.mark.parametrize(
    ("code", "said", "transient"), [(1, False, True), (2, False, True), (17, False, False), (100, True, True)]
)
def test_a_transient_error_may_be_asked_again(code: int, *, said: bool, transient: bool) -> None:
    refused = read_refusal({"error": {"code": code, "message": "m", "is_transient": said}})
    assert refused is not None
    assert refused.is_transient is transient

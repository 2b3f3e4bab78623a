"""Which bodies and queries a service reads, and what it says about the others, over a real socket."""

import json
import socket
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import Field, StrictInt, ValidationError, create_model
from sample_service.requests import GOOD, JSON, PASSWORD, head, issue_free, post, raw

from chassis.http import (
    MAX_BODY_BYTES,
    MAX_JSON_DEPTH,
    from_validation_error,
)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/json ;a=b"]
)
def test_the_media_type_may_carry_parameters(client: httpx.Client, kind: str) -> None:
    assert client.post("/echo", content=json.dumps(GOOD), headers={"content-type": kind}).status_code == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is empty"),
        (b"  \n", "The body is empty"),
        (b"{", "The body is not valid JSON"),
        (b"{'a': 1}", "The body is not valid JSON"),
        (b"\xff\xfe", "The body is not valid JSON"),
        (b'\xef\xbb\xbf{"a":1}', "The body is not valid JSON"),
        (b'{"a":NaN}', "The body is not valid JSON"),
        (b'{"a":-Infinity}', "The body is not valid JSON"),
        (b'{"a":' + b"9" * 5000 + b"}", "The body is not valid JSON"),
        (b"[" * 60_000, "The body is not valid JSON"),
        (b'{"a":1e999}', "The body holds a number that is too large"),
        (b'{"a":"\\u0000"}', "The body holds a character that cannot be stored"),
        (b'{"a\\u0000":1}', "The body holds a character that cannot be stored"),
        (b'{"a":"\\ud800"}', "The body holds a character that cannot be stored"),
        (b'[["\\udfff"]]', "The body holds a character that cannot be stored"),
        (b"[" * 40 + b"]" * 40, "The body is nested deeper than 32 levels"),
        (b"[" * 30_000 + b"]" * 30_000, "The body is n"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_body_that_cannot_be_used_is_refused_with_a_clear_message(
    client: httpx.Client, body: bytes, message: str
) -> None:
    answer = post(client, body)
    assert answer.status_code == 400
    assert issue_free(answer)["error"] == "VALIDATION_ERROR"
    assert issue_free(answer)["message"].startswith(message)


def test_a_body_as_deep_as_allowed_is_read(client: httpx.Client) -> None:
    depth = MAX_JSON_DEPTH - 1
    deep = json.loads("[" * depth + "]" * depth)
    assert client.post("/echo", json=GOOD | {"more": deep}).status_code == 200


def test_a_whole_surrogate_pair_is_an_ordinary_character(client: httpx.Client) -> None:
    answer = post(client, json.dumps(GOOD | {"email": "🙂@example.com"}))
    assert answer.json() == {"email": "🙂@example.com"}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""])
def test_another_media_type_is_refused(client: httpx.Client, kind: str) -> None:
    answer = client.post("/echo", content=json.dumps(GOOD), headers={"content-type": kind})
    assert answer.status_code == 400
    assert issue_free(answer) == {
        "error": "VALIDATION_ERROR",
        "message": "The body must be JSON",
        "hint": "Send the header content-type: application/json.",
    }


def test_a_path_for_forms_takes_other_bodies_within_the_same_size(client: httpx.Client) -> None:
    assert client.post("/form", data={"a": "b"}).json() == {"length": 3}
    assert client.post("/form", content=b"a" * (MAX_BODY_BYTES + 1)).status_code == 413


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_up_to_the_limit_is_read_and_one_above_it_is_refused(
    client: httpx.Client, declared: bool
) -> None:
    padding = MAX_BODY_BYTES - len(json.dumps(GOOD | {"pad": ""}))
    for extra, status in ((0, 200), (1, 413), (MAX_BODY_BYTES * 4, 413)):
        text = json.dumps(GOOD | {"pad": "x" * (padding + extra)}).encode()
        pieces = (text[start : start + 5000] for start in range(0, len(text), 5000))
        answer = client.post("/echo", content=text if declared else pieces, headers=JSON)
        assert answer.status_code == status
    assert issue_free(answer) == {"error": "PAYLOAD_TOO_LARGE", "message": "The body is larger than 64 kB"}


def test_a_declared_length_is_refused_before_the_body_is_sent(address: tuple[str, int]) -> None:
    assert raw(address, head(10**9)).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("length", ["-1", "ten", "²", "1e3", ""], ids=ascii)
def test_a_declared_length_that_is_none_is_no_fault_of_ours(address: tuple[str, int], length: str) -> None:
    answer = raw(address, head(length))
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


def test_a_client_that_goes_away_in_the_middle_of_its_body_does_no_harm(
    client: httpx.Client, address: tuple[str, int], logged: Callable[[], str]
) -> None:
    with closing(socket.create_connection(address, timeout=10)) as connection:
        connection.sendall(head(100) + b"{")
    assert client.get("/items/1").status_code == 200
    assert "unhandled_error" not in logged()


def test_a_field_that_does_not_fit_is_named_and_explained(client: httpx.Client) -> None:
    answer = client.post("/echo", json={"password": PASSWORD})
    assert answer.status_code == 400
    assert answer.json() == {
        "error": "VALIDATION_ERROR",
        "message": "email is required",
        "issues": [{"path": ["email"], "message": "email is required", "code": "missing"}],
    }


Mode = Literal["radius", "regions"]


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (Annotated[int, Field(ge=1, le=80)], 81, "x must be at most 80"),
        (Annotated[int, Field(ge=1, le=80)], 0, "x must be at least 1"),
        (Annotated[Decimal, Field(gt=0)], -1, "x must be greater than 0"),
        (Annotated[Decimal, Field(le=Decimal("1E+9"))], 10**10, "x must be at most 1000000000"),
        (Annotated[float, Field(lt=2.0)], 2, "x must be less than 2"),
        (int, "junk", "x must be a whole number"),
        (int, 2.5, "x must be a whole number"),
        (StrictInt, "25", "x must be a whole number"),
        (float, "junk", "x must be a number"),
        (Decimal, [], "x must be a number"),
        (bool, "junk", "x must be true or false"),
        (str, 5, "x must be text"),
        (Annotated[str, Field(min_length=8)], "short", "x must have at least 8 characters"),
        (Annotated[str, Field(min_length=1)], "", "x must not be empty"),
        (Annotated[str, Field(max_length=3)], "long", "x must have at most 3 characters"),
        (list[str], "text", "x must be a list"),
        (Annotated[list[str], Field(max_length=1)], ["a", "b"], "x must have at most 1 entries"),
        (list[Mode], ["radius", "moon"], "x.1 must be one of radius, regions"),
        (dict[str, int], [], "x must be an object"),
        (UUID, "junk", "x must be a UUID"),
        (datetime, "junk", "x is not valid"),
    ],
    ids=str,
)
def test_every_fault_is_a_plain_sentence(kind: Any, value: object, sentence: str) -> None:
    model = create_model("Body", x=(kind, ...))
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"x": value})
    faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in caught.value.errors()]
    assert from_validation_error(RequestValidationError(faults)).message == sentence


def test_a_message_of_our_own_stands_alone(client: httpx.Client) -> None:
    answer = client.post("/echo", json=GOOD | {"formats": []})
    assert answer.json()["message"] == "At least one format required"
    assert answer.json()["issues"][0] == {
        "path": ["formats"],
        "message": "At least one format required",
        "code": "value_error",
    }


def test_every_fault_of_a_body_is_listed_and_the_message_repeats_the_first(client: httpx.Client) -> None:
    body = client.post("/echo", json={"formats": ["feed", 7]}).json()
    assert [issue["path"] for issue in body["issues"]] == [["email"], ["password"], ["formats", 1]]
    assert body["message"] == body["issues"][0]["message"] == "email is required"


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null", "true"])
def test_json_that_is_no_object_is_refused(client: httpx.Client, body: str) -> None:
    answer = post(client, body)
    assert answer.status_code == 400
    assert issue_free(answer) == {"error": "VALIDATION_ERROR", "message": "The body must be a JSON object"}


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=junk", "limit=", "limit=1.5", "limit=%00"])
def test_a_query_that_does_not_fit_is_refused(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/items/1?{query}")
    assert answer.status_code == 400
    assert answer.json()["issues"][0]["path"] == ["limit"]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"password": PASSWORD}),
        json.dumps({"email": ["x"], "password": PASSWORD}),
        json.dumps({"email": "x", "password": [PASSWORD]}),
        json.dumps({"email": "x", "password": PASSWORD[:7]}),
        json.dumps([PASSWORD]),
        json.dumps(PASSWORD),
        '{"password": "planted-password"',
        '{"password": "planted-password\\u0000"}',
        '{"password": "planted-password", "a": NaN}',
    ],
)
@pytest.mark.parametrize("path", ["/echo", "/auth/signup"])
def test_a_refused_body_is_never_repeated(
    client: httpx.Client, path: str, body: str, logged: Callable[[], str]
) -> None:
    answer = post(client, body, path=path)
    assert answer.status_code == 400
    assert PASSWORD[:7] not in answer.text
    assert PASSWORD[:7] not in logged()

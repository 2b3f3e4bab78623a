"""What is kept of a call to Meta: what is on the list, and nothing else, whatever Meta says."""

import json
from uuid import uuid4

import httpx
from hypothesis import example, given
from hypothesis import strategies as st

from ads_publisher.calls import LEFT_OUT, MAX_ANSWER_CHARS, MAX_HEADER_CHARS, answered, failed, kept_answer
from ads_publisher.payloads import adset_params, campaign_params

TOKEN = "EAAScanary-token"
APP_SECRET = "canary-app-secret"
SECRETS = (TOKEN, APP_SECRET)
URL = "https://graph.example/v25.0/act_1/campaigns"


def post(**form: str) -> httpx.Request:
    return httpx.Client().build_request(
        "POST",
        URL,
        headers={"authorization": f"Bearer {TOKEN}", "cookie": "canary-cookie"},
        data={"appsecret_proof": "canary-proof", "appsecret_time": "1", **form},
    )


def text_of(call: object) -> str:
    return repr(call)


def test_no_planted_secret_is_kept_of_a_request_or_an_answer() -> None:
    body = {
        "error": {
            "message": f"Error validating {TOKEN} of {APP_SECRET}; access_token=canary-echo",
            "error_user_msg": f"code EAA{'c' * 30}anary",
            "error_data": json.dumps({"blame_field_specs": [[TOKEN]], "access_token": "canary-in-text"}),
            "code": 190,
            "canary_field": "canary-field-value",
        },
        "access_token": "canary-answer-token",
        "data": [{"id": "1", "access_token": "canary-row", "name": f"for {TOKEN}"}],
        "paging": {"next": "https://graph.example/?access_token=canary-next", "cursors": {"after": "canary"}},
    }
    headers = {
        "set-cookie": "canary-set-cookie",
        "x-app-usage": f'{{"{APP_SECRET}":1}}',
        "x-canary": "canary-header",
    }
    request = post(name="Campaign", access_token="canary-param", client_secret="canary-client")
    call = answered(request, 0.1, (400, json.dumps(body).encode(), headers), SECRETS)
    assert "canary" not in text_of(call).replace("canary_field", "")
    assert "EAA" not in text_of(call)
    assert call.params == {"name": "Campaign", "access_token": LEFT_OUT, "client_secret": LEFT_OUT}
    assert call.answer["error"]["code"] == 190
    assert call.answer["data"] == [{"id": "1", "name": "for [redacted]"}]
    lost = failed(request, 0.1, httpx.ReadTimeout(f"no answer for {TOKEN}"))
    assert "canary" not in text_of(lost)
    assert lost.failure == "ReadTimeout"


def test_every_parameter_that_we_send_is_kept_exactly() -> None:
    run = uuid4()
    adset = adset_params(run, "12", daily_budget=100, beneficiary="Å & B", payor="C=D")
    for params in (campaign_params(run), adset):
        form = {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in params.items()
        }
        assert failed(post(**form), 0.1, TimeoutError()).params == form


def test_a_look_keeps_its_query_and_no_proof() -> None:
    query = {"fields": "id", "filtering": '[{"field":"name"}]', "after": "x", "appsecret_proof": "canary"}
    call = failed(httpx.Client().build_request("GET", URL, params=query), 0.1, TimeoutError())
    assert call.params == {"fields": "id", "filtering": '[{"field":"name"}]', "after": "x"}
    assert call.path == "/v25.0/act_1/campaigns"


def test_of_a_long_answer_only_the_beginning_is_kept() -> None:
    body = json.dumps({"data": [{"name": "x" * 390, "id": str(number)} for number in range(20)]}).encode()
    call = answered(post(), 0.1, (200, body, {"x-app-usage": "x" * 5000}), SECRETS)
    assert len(json.dumps(call.answer)) < MAX_ANSWER_CHARS * 1.5
    assert call.headers == {"x-app-usage": "x" * MAX_HEADER_CHARS}


def test_of_an_answer_that_is_not_json_only_the_length_is_kept() -> None:
    page = f"<html>{TOKEN}</html>".encode()
    assert kept_answer(page, SECRETS) == {"unreadable_length": len(page)}


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["data", "error", "id", "name"]), inner),
)


@given(_anything)
@example(float("inf"))
@example([float("nan")])
@example({"id": "a\0\ud800b"})
def test_whatever_meta_answers_can_be_stored(payload: object) -> None:
    kept = kept_answer(json.dumps(payload).encode(), SECRETS)
    text = json.dumps(kept, allow_nan=False, ensure_ascii=False)
    assert "\0" not in text
    assert "\\u0000" not in text
    text.encode()


def test_an_answer_of_any_depth_is_kept() -> None:
    deep = b'{"data":' * 500 + b"1" + b"}" * 500
    assert "data" in kept_answer(deep, SECRETS)
    assert kept_answer(b'{"data":' * 100_000, SECRETS) == {"unreadable_length": 800_000}

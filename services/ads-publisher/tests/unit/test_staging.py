"""What a replay sets up before a call, for each way in which the call had ended."""

from typing import Any

import pytest

from ads_publisher import staging
from ads_publisher.shell import curl

ACCOUNT = "act_1"
JOURNAL = [
    {"step": "campaign", "number": 1, "outcome": "adopted"},
    {"step": "campaign", "number": 2, "outcome": "absent"},
]


def call(
    code: int | None = None,
    subcode: int | None = None,
    *,
    status: int | None = 400,
    message: str = "m",
    **changes: Any,
) -> dict[str, Any]:
    error = {"code": code, "error_subcode": subcode, "message": message}
    return {
        "step": "campaign",
        "attempt": 1,
        "method": "POST",
        "path": "/v25.0/act_1/campaigns",
        "params": {},
        "status": status,
        "failure": None,
        "answer": {"error": error} if code else {"id": "12021000000000001"},
        **changes,
    }


@pytest.mark.parametrize(
    ("made", "path", "body"),
    [
        (call(190, 463, status=401), "tokens/revoke", {"subcode": 463}),
        (call(200, status=403), "accounts/act_1", {"account_status": 2}),
        (call(10, status=403), "faults", {"do": "error", "code": 10, "status": 403}),
        (call(80004, 2446079), "faults", {"do": "error", "code": 80004, "subcode": 2446079}),
        (call(2, status=500), "faults", {"do": "error", "code": 2, "status": 500}),
        (
            call(status=None, failure="ReadError", answer=None),
            "faults",
            {"do": "reset", "at": "after_commit"},
        ),
        (call(status=None, failure="ReadError", attempt=2), "faults", {"do": "reset", "at": "before_commit"}),
        (call(status=502, answer={}), "faults", {"do": "error_500", "status": 502}),
        (call(status=200, answer={}), "faults", {"do": "bad_json", "at": "after_commit"}),
    ],
)
def test_what_does_not_follow_from_the_request_is_set_up(
    made: dict[str, Any], path: str, body: dict[str, Any]
) -> None:
    [step] = staging.conditions(made, ACCOUNT, JOURNAL)
    assert step["path"] == f"/_sandbox/{path}"
    assert step["json"].items() >= body.items()
    assert step["why"]
    if path == "faults":
        assert step["json"]["match"] == {"method": "POST", "path": "/act_1/campaigns"}


@pytest.mark.parametrize(
    "made",
    [
        call(100, 1885272),
        call(100),
        call(2635),
        call(190),
        call(status=200),
        call(status=200, method="GET", answer={"data": []}),
    ],
)
def test_what_follows_from_the_request_is_left_to_the_sandbox(made: dict[str, Any]) -> None:
    assert staging.conditions(made, ACCOUNT, JOURNAL) == []


def test_a_token_that_never_was_one_and_a_wrong_proof_are_sent_as_such() -> None:
    assert staging.wants_broken_token(call(190))
    assert not staging.wants_broken_token(call(190, 460))
    assert staging.wants_broken_proof(call(100, message="Invalid appsecret_proof provided"))
    assert not staging.wants_broken_proof(call(100))


def test_an_object_that_is_gone_gets_no_stand_in() -> None:
    known = "12021000000000001"
    looked = call(status=200, method="GET", path=f"/v25.0/{known}")
    [stand_in] = staging.stand_ins(looked, [ACCOUNT], ACCOUNT, "v25.0")
    assert stand_in["yields"] == known
    assert staging.stand_ins(looked, [ACCOUNT, known], ACCOUNT, "v25.0") == []
    assert staging.stand_ins({**call(100, 33), "path": looked["path"]}, [], ACCOUNT, "v25.0") == []


def test_a_shell_cannot_be_led_astray_by_a_name() -> None:
    line = curl(
        {"method": "POST", "path": "/v25.0/act_1/x", "params": {"name": "a'; rm -rf / #$(id)`id`"}},
        {ACCOUNT: "ACCOUNT"},
    )
    assert line.endswith("""--data-urlencode 'name=a'"'"'; rm -rf / #$(id)`id`'""")
    assert """"$SANDBOX_URL"'/v25.0/'"$ACCOUNT"'/x'""" in line

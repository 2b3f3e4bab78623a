"""What a user reads when Meta says no."""

import pytest

from ads_publisher.meta_errors import Kind, advise, describe
from ads_publisher.outcomes import MetaError
from contracts.events import FixedBy


@pytest.mark.parametrize(
    ("code", "subcode", "kind", "fixed_by"),
    [
        (190, None, "token", "user"),
        (190, 458, "token", "user"),
        (190, 460, "token", "user"),
        (190, 463, "token", "user"),
        (190, 467, "token", "user"),
        (190, 459, "fatal", "user"),
        (190, 464, "fatal", "user"),
        (368, 1404078, "fatal", "user"),
        (200, None, "fatal", "ad_account_admin"),
        (275, None, "fatal", "ad_account_admin"),
        (200, 4841013, "throttle", "meta"),
        (17, 2446079, "throttle", "meta"),
        (4, None, "throttle", "meta"),
        (613, 1487742, "throttle", "meta"),
        (80004, 2446079, "throttle", "meta"),
        (80014, None, "throttle", "meta"),
        (2635, None, "fatal", "operator"),
        (104, None, "proof", "operator"),
        (100, 33, "gone", "ad_account_admin"),
        (100, 1885272, "fatal", "user"),
        (100, 3858079, "fatal", "ad_account_admin"),
        (100, 9999999, "fatal", "operator"),
        (506, None, "fatal", "operator"),
    ],
)
def test_code_and_subcode_decide(code: int, subcode: int | None, kind: Kind, fixed_by: FixedBy) -> None:
    advice = advise(MetaError(code=code, subcode=subcode))
    assert (advice.kind, advice.fixed_by) == (kind, fixed_by)


def test_a_proof_that_meta_calls_invalid_is_known_by_its_text_alone() -> None:
    error = MetaError(code=100, message="Invalid appsecret_proof provided in the API argument")
    assert advise(error).kind == "proof"


def test_a_policy_block_never_advises_to_reconnect() -> None:
    assert "econnect" not in advise(MetaError(code=368)).hint


def test_the_text_has_code_subcode_message_and_hint() -> None:
    error = MetaError(
        code=100,
        subcode=1885272,
        message="Invalid parameter",
        user_title="Budget is too low",
        user_message="Your ad set budget must be more than kr10.00.",
    )
    assert describe(error, advise(error)) == (
        "100 (sub 1885272): Budget is too low: Your ad set budget must be more than kr10.00."
        " Raise the budget in Ads → Setup."
    )


def test_metas_own_code_in_the_message_is_not_repeated() -> None:
    error = MetaError(code=200, message="(#200) Ad account owner has NOT grant ads_management permission")
    assert describe(error, advise(error)).startswith("200: Ad account owner has NOT grant")

"""The internal bodies: what they are called on the wire, and who gets to see the token."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pydantic import ValidationError

from contracts.internal import (
    AdAccount,
    AdAccountList,
    CallbackResult,
    ConnectionStatus,
    Grant,
    OAuthCallback,
    SessionRef,
    SmokeReport,
)

TOKEN = "planted-token-5f2c81"
CONNECTED = {"status": "connected", "version": 3, "adAccountId": "act_1", "accessToken": TOKEN}


def test_a_grant_tells_its_token_on_the_wire_and_nowhere_else() -> None:
    grant = Grant.model_validate(CONNECTED)
    assert json.loads(grant.to_json())["accessToken"] == TOKEN
    for seen in (repr(grant), str(grant), f"{grant}", f"{grant!r}", repr(grant.model_dump()), repr([grant])):
        assert TOKEN not in seen


def test_a_grant_comes_out_of_the_wire_as_it_went_in() -> None:
    expires = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
    grant = Grant.model_validate(CONNECTED | {"tokenExpiresAt": expires, "dsaBeneficiary": "Åhléns AB"})
    read = Grant.model_validate_json(grant.to_json())
    assert read == grant
    assert read.access_token is not None
    assert read.access_token.get_secret_value() == TOKEN


def test_a_grant_without_a_token_says_null() -> None:
    assert json.loads(Grant(status="disconnected").to_json())["accessToken"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"accessToken": TOKEN},
        CONNECTED | {"status": "none"},
        CONNECTED | {"accessToken": [TOKEN]},
        CONNECTED | {"scopes": TOKEN},
    ],
    ids=["no status", "unknown status", "token in a list", "token in a wrong place"],
)
def test_a_grant_that_cannot_be_read_is_refused_without_repeating_the_token(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Grant.model_validate_json(json.dumps(body))
    assert TOKEN not in str(refused.value)
    assert TOKEN not in repr(refused.value)


def test_the_connection_that_users_see_has_no_place_for_a_token() -> None:
    read = ConnectionStatus.model_validate(CONNECTED)
    assert TOKEN not in read.to_json()
    assert not [name for name in ConnectionStatus.model_fields if name.endswith("token")]


def test_the_status_carries_the_names_of_the_http_contract() -> None:
    expires = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
    body = json.loads(ConnectionStatus(status="connected", token_expires_at=expires).to_json())
    promised = {
        "status",
        "metaUserId",
        "adAccountId",
        "scopes",
        "tokenExpiresAt",
        "selectedAdAccountId",
        "hint",
        "grantedScopes",
        "missingScopes",
        "expiresInDays",
    }
    assert promised <= set(body)
    assert body["tokenExpiresAt"] == "2026-05-01T12:00:00.000Z"


def test_an_ad_account_keeps_the_name_that_meta_gave_its_status() -> None:
    text = AdAccountList(
        data=[AdAccount(id="act_1", account_status=1, currency="SEK", min_daily_budget=1000)]
    ).to_json()
    row = json.loads(text)["data"][0]
    assert row["account_status"] == 1
    assert row["minDailyBudget"] == 1000
    assert AdAccountList.model_validate_json(text).data[0].account_status == 1


def test_the_callback_passes_on_metas_own_parameter_names_in_camel_case() -> None:
    session = SessionRef(user_id=uuid4(), customer_id=uuid4(), session_hash="ab" * 32)
    callback = OAuthCallback(state="s", error="access_denied", error_reason="user_denied", session=session)
    body = json.loads(callback.to_json())
    assert body["errorReason"] == "user_denied"
    assert set(body["session"]) == {"userId", "customerId", "sessionHash"}
    assert OAuthCallback.model_validate_json(callback.to_json()) == callback


def test_a_callback_can_only_end_in_one_of_the_known_ways() -> None:
    with pytest.raises(ValidationError):
        CallbackResult.model_validate({"outcome": "maybe"})


def test_a_smoke_report_is_only_written_when_all_is_well() -> None:
    report = SmokeReport.model_validate({"me": {"id": "1", "name": "Ada"}, "adAccounts": []})
    assert json.loads(report.to_json())["ok"] is True
    with pytest.raises(ValidationError):
        SmokeReport.model_validate({"ok": False, "me": {"id": "1", "name": "Ada"}, "adAccounts": []})

import contextlib
import hmac
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest

ACCOUNT = "act_101500000000001"
Create = Callable[..., httpx.Response]
Ledger = Callable[..., list[dict[str, Any]]]
Arm = Callable[..., dict[str, Any]]
NO_WHOLE_ANSWER = (httpx.ReadError, httpx.RemoteProtocolError, httpx.ReadTimeout)


@pytest.fixture
def arm(http: httpx.Client) -> Arm:
    def post(**fault: Any) -> dict[str, Any]:
        answer = http.post("/_sandbox/faults", json=fault)
        assert answer.status_code == 201, answer.text
        armed: dict[str, Any] = answer.json()
        return armed

    return post


@pytest.fixture
def objects(http: httpx.Client) -> Callable[[], list[dict[str, Any]]]:
    def read() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = http.get("/_sandbox/objects").json()["data"]
        return found

    return read


@pytest.mark.parametrize(("at", "stored"), [("before_commit", 0), ("after_commit", 1)])
@pytest.mark.parametrize(
    ("do", "error"),
    [
        ("hang", httpx.ReadTimeout),
        ("reset", httpx.ReadError),
        ("close", httpx.RemoteProtocolError),
        ("cut_body", httpx.RemoteProtocolError),
        ("trickle", httpx.ReadTimeout),
    ],
)
def test_an_answer_is_lost_before_or_after_the_commit(
    *, graph: httpx.Client, new_campaign: Create, arm: Arm, objects: Callable[[], list[Any]], ledger: Ledger,
    at: str, stored: int, do: str, error: type[Exception],
) -> None:  # fmt: skip
    graph.timeout = httpx.Timeout(0.4)
    arm(match={"step": "campaign"}, at=at, do=do, seconds=1 if do == "trickle" else 30)
    with pytest.raises(error):
        new_campaign()
    assert len(objects()) == stored
    entry = ledger(kind="call")[-1]
    assert entry["http_status"] is None
    assert entry["faults"] == [f"{do}@{at.removesuffix('_commit')}"]
    assert bool(entry["object_id"]) == bool(stored)
    assert new_campaign().status_code == 200


@pytest.mark.parametrize(("at", "stored"), [("before_commit", 0), ("after_commit", 1)])
@pytest.mark.parametrize(
    ("do", "status", "text"),
    [
        ("error_500", 500, "Internal Server Error"),
        ("html", 502, "<!doctype html>"),
        ("bad_json", 200, '{"id":"1202'),
        ("missing_id", 200, '{"success":true}'),
        ("code_1", 500, '"code":1,'),
        ("code_2", 500, '"is_transient":true'),
    ],
)
def test_a_wrong_answer_is_given_before_or_after_the_commit(
    *, new_campaign: Create, arm: Arm, objects: Callable[[], list[Any]],
    at: str, stored: int, do: str, status: int, text: str,
) -> None:  # fmt: skip
    arm(at=at, do=do)
    answer = new_campaign()
    assert answer.status_code == status
    assert text in answer.text
    assert len(objects()) == stored


def test_a_reset_is_a_tcp_reset_and_not_a_close(new_campaign: Create, arm: Arm) -> None:
    arm(do="reset")
    with pytest.raises(httpx.ReadError) as caught:
        new_campaign()
    assert "reset by peer" in str(caught.value)


def test_a_trickle_keeps_each_read_short_and_the_whole_long(
    graph: httpx.Client, new_campaign: Create, arm: Arm
) -> None:
    graph.timeout = httpx.Timeout(0.5)
    arm(at="after_commit", do="trickle", seconds=0.03)
    started = time.monotonic()
    assert new_campaign().json()["id"].isdigit()
    assert time.monotonic() - started > 0.6


def test_any_graph_error_can_be_scripted(new_campaign: Create, arm: Arm) -> None:
    arm(do="error", code=368, subcode=1404078, message="Blocked", status=403, headers={"x-extra": "1"})
    answer = new_campaign()
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["error_subcode"]) == (403, 368, 1404078)
    assert answer.headers["x-extra"] == "1"


def test_a_throttle_says_minutes_in_one_header_and_seconds_in_the_other(
    new_campaign: Create, arm: Arm
) -> None:
    arm(do="throttle", regain_minutes=3)
    answer = new_campaign()
    error = answer.json()["error"]
    assert (error["code"], error["error_subcode"], error["is_transient"]) == (80004, 2446079, False)
    assert '"estimated_time_to_regain_access":3' in answer.headers["x-business-use-case-usage"]
    assert '"reset_time_duration":180' in answer.headers["x-ad-account-usage"]
    assert new_campaign().status_code == 200


def test_a_throttled_account_stays_so_for_its_seconds_and_others_go_on(
    graph: httpx.Client, new_campaign: Create, arm: Arm, http: httpx.Client
) -> None:
    arm(match={"account": ACCOUNT}, do="throttle", code=17, seconds=90)
    assert new_campaign().json()["error"]["code"] == 17
    second = graph.get(f"/{ACCOUNT}/campaigns")
    assert second.json()["error"]["code"] == 17
    assert '"estimated_time_to_regain_access":2' in second.headers["x-business-use-case-usage"]
    assert new_campaign("act_101500000000003").status_code == 200
    http.post("/_sandbox/settings", json={"clock_offset_seconds": 91})
    assert graph.get(f"/{ACCOUNT}/campaigns").status_code == 200


def test_a_token_can_be_revoked_at_the_commit(new_campaign: Create, arm: Arm, new_adset: Create) -> None:
    arm(match={"step": "campaign"}, at="after_commit", do="revoke_token", code=463)
    campaign_id = new_campaign().json()["id"]
    error = new_adset(campaign_id).json()["error"]
    assert (error["code"], error["error_subcode"]) == (190, 463)


def test_a_token_revoked_before_the_commit_stops_the_create(
    new_campaign: Create, arm: Arm, objects: Callable[[], list[Any]]
) -> None:
    arm(do="revoke_token")
    assert new_campaign().json()["error"]["error_subcode"] == 460
    assert objects() == []


def test_a_late_commit_lands_after_the_client_has_gone(
    graph: httpx.Client, new_campaign: Create, arm: Arm, objects: Callable[[], list[Any]]
) -> None:
    graph.timeout = httpx.Timeout(0.2)
    arm(do="delay_commit", seconds=0.6)
    with pytest.raises(httpx.ReadTimeout):
        new_campaign()
    assert objects() == []
    assert _eventually(objects)


def test_a_dropped_late_commit_closes_the_connection_at_once(
    new_campaign: Create, arm: Arm, objects: Callable[[], list[Any]]
) -> None:
    arm(do="delay_commit", seconds=0.4, drop=True)
    started = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        new_campaign()
    assert time.monotonic() - started < 0.3
    assert objects() == []
    assert _eventually(objects)


def test_a_request_that_arrives_late_is_judged_by_its_proof_when_it_arrives(
    graph: httpx.Client, http: httpx.Client, new_campaign: Create, arm: Arm, ledger: Ledger
) -> None:
    token = graph.headers["authorization"].removeprefix("Bearer ")
    stamp = str(int(time.time()))
    proof = hmac.new(b"test-app-secret", f"{token}|{stamp}".encode(), sha256).hexdigest()
    arm(do="delay_arrival", seconds=0.3, drop=True)
    with pytest.raises(httpx.RemoteProtocolError):
        new_campaign(appsecret_proof=proof, appsecret_time=stamp)
    http.post("/_sandbox/settings", json={"clock_offset_seconds": 310}).raise_for_status()
    assert _eventually(lambda: [entry for entry in ledger(kind="call") if entry["note"] == "proof_expired"])
    assert http.get("/_sandbox/objects").json()["data"] == []


def test_read_lag_hides_an_object_from_searches_but_not_by_id(
    graph: httpx.Client, http: httpx.Client, new_campaign: Create, arm: Arm
) -> None:
    arm(do="read_lag", seconds=30)
    lagging, plain = new_campaign().json()["id"], new_campaign().json()["id"]

    def listed() -> list[str]:
        return [row["id"] for row in graph.get(f"/{ACCOUNT}/campaigns").json()["data"]]

    assert listed() == [plain]
    assert graph.get(f"/{ACCOUNT}/campaignsbylabels", params={"ad_label_ids": "pa-run-1"}).json()["data"] == [
        {"id": plain}
    ]
    assert graph.get(f"/{lagging}").json()["id"] == lagging
    http.post("/_sandbox/settings", json={"clock_offset_seconds": 31})
    assert listed() == [plain, lagging]


def test_a_fault_hits_the_nth_attempt_of_a_marker_and_step(
    new_campaign: Create, arm: Arm, http: httpx.Client
) -> None:
    match = {"step": "campaign", "marker": "pa-run-1", "attempt": 2}
    armed = arm(match=match, do="error_500", times=None)
    statuses = [new_campaign().status_code for _ in range(3)]
    other = new_campaign(adlabels=[{"name": "pa-run-2"}])
    assert statuses == [200, 500, 200]
    assert other.status_code == 200
    (listed,) = http.get("/_sandbox/faults").json()["data"]
    assert (listed["fault_id"], listed["hits"], listed["times"]) == (armed["fault_id"], 1, None)


def test_faults_run_out_and_are_cleared(new_campaign: Create, arm: Arm, http: httpx.Client) -> None:
    arm(match={"method": "post", "path": "/campaigns"}, do="code_2", times=2)
    arm(match={"step": "campaign"}, do="code_1", times=None)
    assert [new_campaign().json().get("error", {}).get("code") for _ in range(3)] == [2, 2, 1]
    http.delete("/_sandbox/faults").raise_for_status()
    assert new_campaign().status_code == 200
    assert http.get("/_sandbox/faults").json() == {"data": []}


def test_faults_do_not_fire_on_refused_creates_after_the_commit(new_campaign: Create, arm: Arm) -> None:
    arm(at="after_commit", do="close")
    assert new_campaign(name=None).json()["error"]["code"] == 100
    with pytest.raises(httpx.RemoteProtocolError):
        new_campaign()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"do": "explode"},
        {"do": "hang", "at": "noon"},
        {"do": "hang", "match": {"colour": "red"}},
        {"do": "hang", "seconds": "many"},
        {"do": "hang", "tims": 1},
        {"do": "delay_commit"},
        {"do": "error"},
    ],
)
def test_a_fault_that_makes_no_sense_is_not_armed(http: httpx.Client, wrong: dict[str, Any]) -> None:
    answer = http.post("/_sandbox/faults", json=wrong)
    assert answer.status_code == 400
    assert answer.text
    assert http.get("/_sandbox/faults").json() == {"data": []}


def test_many_hanging_calls_do_not_hold_up_others(
    graph: httpx.Client, new_campaign: Create, arm: Arm
) -> None:
    graph.timeout = httpx.Timeout(0.1)
    arm(match={"marker": "pa-run-1"}, do="hang", times=None)
    for _ in range(5):
        with contextlib.suppress(*NO_WHOLE_ANSWER):
            new_campaign()
    graph.timeout = httpx.Timeout(5)
    assert new_campaign(adlabels=[{"name": "pa-run-2"}]).status_code == 200


def _eventually(read: Callable[[], Any], *, seconds: float = 5) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := read():
            return found
    return read()

"""`/auth/sessions`, `/auth/sessions/{id}/end`, `/auth/logout-everywhere`: where somebody is logged in."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from gateway_harness import PASSWORD, NewPerson, Person, StartGateway, log_in, new_email, with_cookie

from chassis.database import Connection

CLEARED = "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
UNKNOWN = {
    "error": {"code": "NOT_FOUND", "message": "Session not found"},
    "message": "Session not found",
    "hint": "List your sessions with GET /auth/sessions.",
}


async def _second_login(person: Person, agent: str = "Other/2.0") -> str:
    answer = await log_in(person.gateway, person.email, PASSWORD, **{"user-agent": agent})
    return answer.cookies["session"]


async def _me(client: httpx.AsyncClient, cookie: str) -> int:
    return (await client.get("/auth/me", headers=with_cookie(cookie))).status_code


async def _sessions(person: Person) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = (await person.get("/auth/sessions"))["data"]
    return data


async def test_a_user_sees_the_open_sessions_and_which_one_asks(person: Person) -> None:
    await _second_login(person)
    sessions = await _sessions(person)
    assert len(sessions) == 2
    for session in sessions:
        assert list(session) == ["id", "createdAt", "lastSeenAt", "userAgent", "current"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", session["lastSeenAt"])
    assert {session["userAgent"]: session["current"] for session in sessions} == {
        "Other/2.0": False,
        person.http.headers["user-agent"]: True,
    }


async def test_the_id_of_a_session_is_neither_its_cookie_nor_the_stored_hash(
    person: Person, stranger: httpx.AsyncClient, admin: Connection
) -> None:
    answer = await person.http.get("/auth/sessions")
    stored = await admin.fetchval("SELECT token_hash FROM sessions WHERE user_id = $1", person.me["userId"])
    assert person.cookie not in answer.text
    assert stored not in answer.text
    assert await _me(stranger, answer.json()["data"][0]["id"]) == 401


@pytest.mark.parametrize(("sent", "kept"), [("x" * 5000, "x" * 120), ("a\tb", "ab"), ("", None)])
async def test_a_user_agent_is_shortened_and_kept_printable(
    person: Person, sent: str, kept: str | None
) -> None:
    await _second_login(person, sent)
    others = [session for session in await _sessions(person) if not session["current"]]
    assert [session["userAgent"] for session in others] == [kept]


async def test_sessions_that_ended_are_not_listed(person: Person, admin: Connection) -> None:
    for state in (
        "revoked_at = now()",
        "expires_at = now()",
        "last_seen_at = now() - interval '7 days 1 second'",
    ):
        await _second_login(person)
        assert len(await _sessions(person)) == 2
        await admin.execute(
            f"UPDATE sessions SET {state} WHERE user_id = $1 AND user_agent = 'Other/2.0'",
            person.me["userId"],
        )
        assert [session["current"] for session in await _sessions(person)] == [True]


async def test_a_user_ends_one_of_the_sessions_and_only_that(
    person: Person, stranger: httpx.AsyncClient
) -> None:
    lost, kept = await _second_login(person, "Lost/1"), await _second_login(person, "Kept/1")
    wanted = next(session for session in await _sessions(person) if session["userAgent"] == "Lost/1")
    answer = await person.http.post(f"/auth/sessions/{wanted['id']}/end", json={})
    assert (answer.status_code, answer.text) == (200, '{"message":"Session ended"}')
    assert "set-cookie" not in answer.headers
    assert [await _me(stranger, cookie) for cookie in (lost, kept, person.cookie)] == [401, 200, 200]


async def test_ending_the_own_session_clears_the_cookie(person: Person, stranger: httpx.AsyncClient) -> None:
    cookie = person.cookie
    own = (await _sessions(person))[0]["id"]
    answer = await person.http.post(f"/auth/sessions/{own}/end", json={})
    assert answer.headers["set-cookie"] == CLEARED
    assert await _me(stranger, cookie) == 401


async def test_a_foreign_session_an_unknown_one_and_an_ended_one_get_the_same_answer(
    person: Person, other: Person
) -> None:
    foreign = (await _sessions(other))[0]["id"]
    await _second_login(person)
    ended = next(session["id"] for session in await _sessions(person) if not session["current"])
    await person.post(f"/auth/sessions/{ended}/end", {}, status=200)
    for session in (foreign, str(uuid4()), ended, "nonsense", "%00"):
        answer = await person.http.post(f"/auth/sessions/{session}/end", json={})
        assert (answer.status_code, answer.json()) == (404, UNKNOWN), session
    assert (await other.http.get("/auth/me")).status_code == 200


async def test_a_colleague_of_the_same_customer_sees_and_ends_the_own_sessions_only(
    person: Person, new_person: NewPerson, stranger: httpx.AsyncClient, admin: Connection
) -> None:
    """Nothing but the user keeps these two apart: their rows are of one customer."""
    colleague = await new_person(person.gateway)
    await admin.execute(
        "UPDATE users SET customer_id = $2 WHERE id = $1", colleague.me["userId"], person.customer
    )
    theirs = [session["id"] for session in await _sessions(colleague)]
    own = [session["id"] for session in await _sessions(person)]
    assert len(theirs) == len(own) == 1
    assert theirs != own
    answer = await person.http.post(f"/auth/sessions/{theirs[0]}/end", json={})
    assert (answer.status_code, answer.json()) == (404, UNKNOWN)
    await person.post("/auth/logout-everywhere", {}, status=200)
    assert await _me(stranger, colleague.cookie) == 200


async def test_logging_out_everywhere_ends_every_session_of_the_user_and_nobody_elses(
    person: Person, other: Person, stranger: httpx.AsyncClient
) -> None:
    cookies = [person.cookie, await _second_login(person), await _second_login(person)]
    answer = await person.http.post("/auth/logout-everywhere", json={})
    assert (answer.status_code, answer.json()) == (200, {"message": "Logged out everywhere", "ended": 3})
    assert answer.headers["set-cookie"] == CLEARED
    assert [await _me(stranger, cookie) for cookie in cookies] == [401] * 3
    assert (await other.http.get("/auth/me")).status_code == 200
    assert (await log_in(person.gateway, person.email, PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/auth/sessions"),
        ("POST", f"/auth/sessions/{uuid4()}/end"),
        ("POST", "/auth/logout-everywhere"),
        ("POST", "/auth/password"),
    ],
)
async def test_only_who_is_logged_in_reaches_sessions_and_passwords(
    stranger: httpx.AsyncClient, method: str, path: str
) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": PASSWORD} if method == "POST" else None
    for headers, message in (
        ({}, "Missing session cookie"),
        (with_cookie("nonsense"), "Session expired or invalid"),
    ):
        answer = await stranger.request(method, path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (401, message)


async def test_what_a_user_does_to_sessions_is_in_the_audit_log(person: Person, admin: Connection) -> None:
    await _second_login(person)
    ended = next(session["id"] for session in await _sessions(person) if not session["current"])
    await person.post(f"/auth/sessions/{ended}/end", {}, status=200)
    await person.post("/auth/logout-everywhere", {}, status=200)
    actions = await admin.fetch(
        "SELECT action FROM audit_log WHERE user_id = $1 ORDER BY id", person.me["userId"]
    )
    assert [row["action"] for row in actions] == ["signup", "login", "session_end", "logout_everywhere"]


@pytest.mark.parametrize(
    ("settings", "cookie"),
    [
        (
            {"SESSION_COOKIE": "__Host-session"},
            r"__Host-session=[\w-]{43}; HttpOnly; SameSite=Lax; Path=/; Max-Age=604800; Secure",
        ),
        (
            {"SESSION_SAME_SITE": "none"},
            r"session=[\w-]{43}; HttpOnly; SameSite=None; Path=/; Max-Age=604800; Secure; Partitioned",
        ),
    ],
)
async def test_name_and_site_of_the_cookie_are_settings(
    start_gateway: StartGateway, settings: dict[str, str], cookie: str
) -> None:
    gateway = start_gateway(PUBLIC_URL="https://api.example.com", **settings)
    async with gateway.client() as client:
        body = {"email": new_email(), "name": "Ada", "password": PASSWORD}
        answer = await client.post("/signup", json=body)
        assert re.fullmatch(cookie, answer.headers["set-cookie"])
        name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
        client.cookies.clear()
        known = await client.get("/auth/me", headers={"cookie": f"{name}={value}"})
        assert known.status_code == 200
        if name != "session":
            other_name = await client.get("/auth/me", headers=with_cookie(value))
            assert other_name.json()["message"] == "Not logged in"
        over = await client.get("/auth/me", headers={"cookie": f"{name}=nonsense"})
        assert over.headers["set-cookie"].startswith(f"{name}=; HttpOnly; ")
        assert "Max-Age=0; Secure" in over.headers["set-cookie"]

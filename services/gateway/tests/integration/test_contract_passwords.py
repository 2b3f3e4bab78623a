"""`/auth/password` and `/auth/password-reset`: a new password, by the old one or by a link that is mailed."""

import asyncio
import re
import stat
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_harness import (
    PASSWORD,
    Gateway,
    Person,
    StartGateway,
    eventually,
    log_in,
    new_email,
    with_cookie,
)

from chassis.database import Connection
from gateway.mail import MailFolder
from gateway.password_changes import PAUSE_SECONDS
from gateway.throttle import account_hash

NEW = "staple battery horse"
ASKED = {"message": "If this address has an account, a link is on its way"}
DEAD = {
    "error": {"code": "VALIDATION_ERROR", "message": "This link is not valid any more"},
    "message": "This link is not valid any more",
    "hint": "Ask for a new one.",
}
LINK = re.compile(r"http://localhost:3000/reset-password#token=([\w.-]+)")

Mails = Callable[[str], list[Message]]
NewLink = Callable[[Person], Awaitable[str]]


@pytest.fixture
def mails(mail_dir: Path) -> Mails:
    """The mails to an address, as far as they were sent."""

    def to(email: str) -> list[Message]:
        found = [message_from_bytes(path.read_bytes()) for path in mail_dir.glob("*.eml")]
        return [mail for mail in found if mail["To"] == email]

    return to


@pytest.fixture
def new_link(stranger: httpx.AsyncClient, mails: Mails) -> NewLink:
    """Ask for a link and read its token from the mail."""

    async def ask(person: Person) -> str:
        before = {_token(mail) for mail in mails(person.email)}
        answer = await stranger.post("/auth/password-reset", json={"email": person.email})
        assert (answer.status_code, answer.json()) == (200, ASKED)

        async def tokens() -> set[str]:
            return {_token(mail) for mail in mails(person.email)} - before

        return (await eventually(tokens, bool)).pop()

    return ask


def _token(mail: Message) -> str:
    text = mail.get_payload(decode=True)
    assert isinstance(text, bytes)
    found = LINK.search(text.decode())
    assert found, text
    return found[1]


async def _change(person: Person, current: str, new: str) -> httpx.Response:
    return await person.http.post("/auth/password", json={"currentPassword": current, "newPassword": new})


async def _confirm(client: httpx.AsyncClient, token: str, new: str = NEW) -> httpx.Response:
    return await client.post("/auth/password-reset/confirm", json={"token": token, "newPassword": new})


async def _me(client: httpx.AsyncClient, cookie: str) -> int:
    return (await client.get("/auth/me", headers=with_cookie(cookie))).status_code


async def test_a_new_password_renews_the_own_session_and_ends_the_others(
    person: Person, stranger: httpx.AsyncClient
) -> None:
    before = person.cookie
    elsewhere = (await log_in(person.gateway, person.email, PASSWORD)).cookies["session"]
    answer = await _change(person, PASSWORD, NEW)
    assert (answer.status_code, answer.text) == (200, '{"message":"Password changed"}')
    assert person.cookie != before
    assert [await _me(stranger, cookie) for cookie in (before, elsewhere, person.cookie)] == [401, 401, 200]
    assert (await log_in(person.gateway, person.email, PASSWORD)).status_code == 401
    assert (await log_in(person.gateway, person.email, NEW)).status_code == 200


async def test_without_the_current_password_nothing_changes(person: Person) -> None:
    answer = await _change(person, "wrong" * 3, NEW)
    assert answer.status_code == 400
    assert answer.json()["error"] == {"code": "VALIDATION_ERROR", "message": "The current password is wrong"}
    assert "set-cookie" not in answer.headers
    assert (await person.http.get("/auth/me")).status_code == 200
    assert (await log_in(person.gateway, person.email, PASSWORD)).status_code == 200


async def test_who_took_a_session_over_cannot_guess_the_password_with_it(person: Person) -> None:
    answers = [await _change(person, "wrong" * 3, NEW) for _ in range(10)]
    assert {answer.status_code for answer in answers} == {400}
    eleventh = await _change(person, PASSWORD, NEW)
    assert (eleventh.status_code, eleventh.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert int(eleventh.headers["retry-after"]) >= 1


@pytest.mark.parametrize("new", ["seven77", "x" * 129, 5, ["hunter2-in-a-list"]])
async def test_a_new_password_that_does_not_fit_is_refused_and_not_repeated(person: Person, new: Any) -> None:
    for answer in (
        await _change(person, PASSWORD, new),
        await _confirm(person.http, "token", new),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
        assert answer.json()["message"].startswith("newPassword must")
        assert "hunter2" not in answer.text


@pytest.mark.parametrize("new", ["12345678", "Password1", "QWERTYUIOP", "iloveyou"])
async def test_a_common_password_is_no_new_password(person: Person, new_link: NewLink, new: str) -> None:
    for answer in (
        await _change(person, PASSWORD, new),
        await _confirm(person.http, await new_link(person), new),
    ):
        assert answer.status_code == 400
        assert answer.json()["message"] == "This password is one of the most common ones"
    assert (await log_in(person.gateway, person.email, PASSWORD)).status_code == 200


async def test_common_passwords_are_refused_at_sign_up_where_a_setting_says_so(
    start_gateway: StartGateway, stranger: httpx.AsyncClient
) -> None:
    body = {"email": new_email(), "name": "Ada", "password": "password123"}
    async with start_gateway(REFUSE_COMMON_PASSWORDS="true").client() as strict:
        refused = await strict.post("/signup", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
        fine = await strict.post("/signup", json={**body, "password": PASSWORD, "email": new_email()})
        assert fine.status_code == 201
    assert (await stranger.post("/signup", json=body)).status_code == 201, "as the contract says"


async def test_of_two_changes_at_once_one_wins(person: Person) -> None:
    cookie = with_cookie(person.cookie)
    async with person.gateway.client(headers=cookie) as one, person.gateway.client(headers=cookie) as two:
        answers = await asyncio.gather(
            *(
                client.post("/auth/password", json={"currentPassword": PASSWORD, "newPassword": new})
                for client, new in ((one, NEW), (two, f"{NEW}!"))
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    works = [(await log_in(person.gateway, person.email, new)).status_code for new in (NEW, f"{NEW}!")]
    assert sorted(works) == [200, 401]


async def test_no_login_with_the_old_password_survives_its_change(
    person: Person, stranger: httpx.AsyncClient
) -> None:
    logins = [log_in(person.gateway, person.email, PASSWORD) for _ in range(8)]
    changed, *answers = await asyncio.gather(_change(person, PASSWORD, NEW), *logins)
    assert changed.status_code == 200
    opened = [answer.cookies["session"] for answer in answers if answer.status_code == 200]
    assert [await _me(stranger, cookie) for cookie in opened] == [401] * len(opened)


async def test_a_mailed_link_sets_a_new_password_once_and_ends_all_sessions(
    person: Person, stranger: httpx.AsyncClient, new_link: NewLink
) -> None:
    cookie, token = person.cookie, await new_link(person)
    answer = await _confirm(stranger, token)
    assert (answer.status_code, answer.text) == (200, '{"message":"Password changed"}')
    assert "session" not in answer.cookies, "who has the link logs in with the new password"
    assert await _me(stranger, cookie) == 401
    assert (await log_in(person.gateway, person.email, PASSWORD)).status_code == 401
    assert (await log_in(person.gateway, person.email, NEW)).status_code == 200
    again = await _confirm(stranger, token)
    assert (again.status_code, again.json()) == (400, DEAD)


async def test_of_many_uses_of_a_link_at_once_one_wins(
    person: Person, stranger: httpx.AsyncClient, new_link: NewLink
) -> None:
    token = await new_link(person)
    answers = await asyncio.gather(*(_confirm(stranger, token, f"{NEW} {n}") for n in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]


async def test_a_new_link_leaves_the_last_one_alone_and_its_use_ends_both(
    person: Person, stranger: httpx.AsyncClient, new_link: NewLink
) -> None:
    first, second = await new_link(person), await new_link(person)
    # Otherwise anybody could make the owner's link worthless by asking for another.
    assert (await _confirm(stranger, first)).status_code == 200
    assert (await _confirm(stranger, second, f"{NEW}!")).json() == DEAD


async def test_a_changed_password_makes_the_links_worthless(
    person: Person, stranger: httpx.AsyncClient, new_link: NewLink
) -> None:
    token = await new_link(person)
    assert (await _change(person, PASSWORD, NEW)).status_code == 200
    assert (await _confirm(stranger, token)).json() == DEAD


async def test_a_link_that_is_too_old_or_not_ours_is_refused(
    person: Person, stranger: httpx.AsyncClient, admin: Connection, new_link: NewLink
) -> None:
    token = await new_link(person)
    secret, end, mark = token.split(".")
    forged = [
        f"{secret}.{int(end) + 60}.{mark}",
        f"{secret[:-1]}{'A' if secret[-1] != 'A' else 'B'}.{end}.{mark}",
        f"{secret}.{end}",
        f"{secret}.{end}.",
        "",
        "..",
        "å.1.x",
        "x" * 200,
    ]
    for value in forged:
        answer = await _confirm(stranger, value)
        assert (answer.status_code, answer.json()) == (400, DEAD), value
    await admin.execute(
        "UPDATE password_resets SET expires_at = now() WHERE user_id = $1", person.me["userId"]
    )
    assert (await _confirm(stranger, token)).json() == DEAD
    assert (await log_in(person.gateway, person.email, PASSWORD)).status_code == 200


async def test_a_link_lives_for_thirty_minutes_and_is_stored_as_a_hash_only(
    person: Person, admin: Connection, new_link: NewLink, gateway: Gateway
) -> None:
    token = await new_link(person)
    row = await admin.fetchrow(
        "SELECT token_hash, extract(epoch FROM expires_at - now()) AS seconds FROM password_resets"
        " WHERE user_id = $1",
        person.me["userId"],
    )
    assert row is not None
    assert 1700 < row["seconds"] <= 1800
    assert re.fullmatch(r"[0-9a-f]{64}", row["token_hash"])
    log = gateway.log.read_text()
    assert "reset_link_sent" in log
    assert token not in log
    assert token.split(".")[0] not in log
    assert person.email not in log


async def test_the_mail_is_plain_and_marked_as_unsent(
    person: Person, new_link: NewLink, mails: Mails
) -> None:
    await new_link(person)
    mail = mails(person.email)[0]
    assert mail["Subject"] == "Set a new password"
    assert mail["X-Not-Sent"]
    assert LINK.search(mail.as_string()), "the link can be copied from the file"
    assert mail.get_content_type() == "text/plain"
    assert b"30 minutes" in mail.get_payload(decode=True)  # type: ignore[operator]  # bytes, of a plain mail


def test_unsent_mails_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "mail"
    sender = MailFolder(folder=folder, sender="no-reply@example.com")
    asyncio.run(sender.send(to="ada@example.com", subject="Hello", text="secret"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_an_unknown_address_gets_the_same_answer_and_no_mail(
    person: Person, stranger: httpx.AsyncClient, mails: Mails, new_link: NewLink
) -> None:
    unknown = new_email()
    answers = [
        await stranger.post("/auth/password-reset", json={"email": email})
        for email in (unknown, "not an address", person.email)
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (200, '{"message":"If this address has an account, a link is on its way"}')
    }
    shapes = {frozenset(answer.headers) for answer in answers}
    assert len(shapes) == 1
    await new_link(person)  # whatever was asked before it has been worked by now
    assert mails(unknown) == []


async def test_the_work_on_a_link_does_not_run_into_the_next_request(
    person: Person, admin: Connection, new_link: NewLink
) -> None:
    """What only an address with an account costs would show in the time of whatever is asked next."""
    for _ in range(3):
        await new_link(person)
    rows = await admin.fetch(
        "SELECT extract(epoch FROM entry.at - attempt.at)::float8 AS seconds FROM"
        " (SELECT at, row_number() OVER (ORDER BY id) FROM login_attempts"
        "  WHERE kind = 'reset' AND account_hash = $1) AS attempt"
        " JOIN (SELECT at, row_number() OVER (ORDER BY id) FROM audit_log"
        "  WHERE action = 'password_reset_request' AND user_id = $2) AS entry USING (row_number)",
        account_hash(person.email),
        person.me["userId"],
    )
    pauses = [row["seconds"] for row in rows]
    assert len(pauses) == 3
    assert min(pauses) >= PAUSE_SECONDS[0]


async def test_another_spelling_of_an_address_gets_no_mail(
    gateway: Gateway, stranger: httpx.AsyncClient, mails: Mails, new_link: NewLink
) -> None:
    """It would be another account at the login as well."""
    async with Person(gateway) as someone:
        someone.email = f"ali-{new_email()}"
        await someone.sign_up()
        await stranger.post("/auth/password-reset", json={"email": someone.email.replace("ali", "alİ")})
        await new_link(someone)
        assert len(mails(someone.email)) == 1


async def test_nobody_gets_more_than_three_mails_however_often_they_are_asked_for(
    person: Person, stranger: httpx.AsyncClient, mails: Mails, gateway: Gateway
) -> None:
    body = {"email": person.email.upper()}
    answers = await asyncio.gather(*(stranger.post("/auth/password-reset", json=body) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}, "who asks does not learn of an account"

    async def told() -> list[str]:
        lines = [line for line in gateway.log.read_text().splitlines() if person.me["customerId"] in line]
        return [
            event for line in lines for event in ("reset_link_sent", "reset_link_withheld") if event in line
        ]

    events = await eventually(told, lambda events: len(events) == 6)
    assert sorted(events) == ["reset_link_sent"] * 3 + ["reset_link_withheld"] * 3
    assert len({_token(mail) for mail in mails(person.email)}) == 3


async def test_what_happens_to_passwords_is_in_the_audit_log(
    person: Person, stranger: httpx.AsyncClient, admin: Connection, new_link: NewLink
) -> None:
    await _change(person, "wrong" * 3, NEW)
    await _change(person, PASSWORD, NEW)
    await _confirm(stranger, await new_link(person))
    rows = await admin.fetch(
        "SELECT action, result FROM audit_log WHERE user_id = $1 ORDER BY id", person.me["userId"]
    )
    assert [tuple(row) for row in rows] == [
        ("signup", "ok"),
        ("password_change", "failed"),
        ("password_change", "ok"),
        ("password_reset_request", "ok"),
        ("password_reset", "ok"),
    ]

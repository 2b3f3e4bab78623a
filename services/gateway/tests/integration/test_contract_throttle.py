"""Who tries too often waits: logins, sign-ups, requests for a link, new runs. No address can be invented."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from gateway_harness import PASSWORD, Gateway, Person, StartGateway, new_email

from chassis.database import Connection

WRONG = "wrong" * 3
PROXIED = {
    "TRUSTED_PROXIES": "127.0.0.1",
    "RERING_AFTER_SECONDS": "600",
    "LOGIN_FAILURES_PER_ADDRESS": "12",
    "LOGIN_FAILURES_PER_ACCOUNT": "15",
    "SIGNUPS_PER_ADDRESS": "3",
    "RUNS_PER_MINUTE": "3",
}


@pytest_asyncio.fixture(scope="module")
async def proxied(start_gateway: StartGateway) -> Gateway:
    """A gateway that believes this machine, as one behind a proxy believes the proxy; with low limits."""
    return start_gateway(**PROXIED)


@pytest_asyncio.fixture
async def proxy(proxied: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with proxied.client() as client:
        yield client


@pytest_asyncio.fixture
async def customer(proxied: Gateway) -> AsyncIterator[Person]:
    """A new customer at an address of their own."""
    async with Person(proxied) as someone:
        someone.http.headers["x-forwarded-for"] = new_address()
        await someone.sign_up()
        yield someone


_addresses = iter(f"203.0.{n // 250}.{n % 250 + 1}" for n in range(60_000))


def new_address() -> str:
    return next(_addresses)


async def _try(
    client: httpx.AsyncClient, email: str, address: str, password: str = WRONG, path: str = "/auth/login"
) -> httpx.Response:
    body = {"email": email, "password": password, "name": "Ada"}
    client.cookies.clear()
    return await client.post(path, json=body, headers={"x-forwarded-for": address})


def _assert_wait(answer: httpx.Response, message: str, *, at_most: int = 900) -> None:
    assert answer.status_code == 429
    assert answer.json()["error"] == {"code": "RATE_LIMITED", "message": message}
    assert 1 <= int(answer.headers["retry-after"]) <= at_most


async def test_ten_failures_for_one_account_make_their_address_wait_and_no_other(
    proxy: httpx.AsyncClient, customer: Person
) -> None:
    here, elsewhere = new_address(), new_address()
    assert [(await _try(proxy, customer.email, here)).status_code for _ in range(10)] == [401] * 10
    _assert_wait(await _try(proxy, customer.email, here, PASSWORD), "Too many failed logins")
    assert (await _try(proxy, customer.email, elsewhere, PASSWORD)).status_code == 200


async def test_what_a_caller_claims_about_the_address_is_not_believed(
    proxy: httpx.AsyncClient, customer: Person
) -> None:
    real = new_address()
    # A proxy appends what it sees; everything before that is the caller's own invention.
    for n in range(10):
        answer = await _try(proxy, customer.email, f"{new_address()}, 10.0.0.{n}, {real}")
        assert answer.status_code == 401
    _assert_wait(await _try(proxy, customer.email, f"{new_address()}, {real}"), "Too many failed logins")
    spoofed = await proxy.post(
        "/auth/login",
        json={"email": customer.email, "password": PASSWORD},
        headers=[("x-forwarded-for", new_address()), ("x-forwarded-for", real)],
    )
    _assert_wait(spoofed, "Too many failed logins")


async def test_other_headers_that_name_an_address_are_ignored(
    proxy: httpx.AsyncClient, customer: Person
) -> None:
    real = new_address()
    for name in ("forwarded", "x-real-ip", "true-client-ip", "cf-connecting-ip", "x-client-ip"):
        for _ in range(2):
            claimed = f"for={new_address()}" if name == "forwarded" else new_address()
            body = {"email": customer.email, "password": WRONG}
            await proxy.post("/auth/login", json=body, headers={"x-forwarded-for": real, name: claimed})
    _assert_wait(await _try(proxy, customer.email, real), "Too many failed logins")


async def test_one_address_cannot_try_many_accounts(proxy: httpx.AsyncClient, customer: Person) -> None:
    here = new_address()
    for _ in range(12):
        assert (await _try(proxy, new_email(), here)).status_code == 401
    _assert_wait(await _try(proxy, new_email(), here), "Too many failed logins")
    _assert_wait(await _try(proxy, customer.email, here, PASSWORD), "Too many failed logins")


async def test_an_ipv6_caller_is_counted_by_network(proxy: httpx.AsyncClient, customer: Person) -> None:
    for n in range(10):
        assert (await _try(proxy, customer.email, f"2001:db8:1:2::{n:x}")).status_code == 401
    _assert_wait(await _try(proxy, customer.email, "2001:db8:1:2:ffff::1"), "Too many failed logins")
    assert (await _try(proxy, customer.email, "2001:db8:1:3::1")).status_code == 401


async def test_an_ipv4_caller_is_the_same_however_written(proxy: httpx.AsyncClient, customer: Person) -> None:
    here = new_address()
    for n in range(10):
        address = here if n % 2 else f"::ffff:{here}"
        assert (await _try(proxy, customer.email, address)).status_code == 401
    _assert_wait(await _try(proxy, customer.email, here), "Too many failed logins")


async def test_many_addresses_cannot_guess_one_password_and_the_owner_still_gets_in(
    proxy: httpx.AsyncClient, customer: Person
) -> None:
    home = customer.http.headers["x-forwarded-for"]
    for _ in range(15):
        assert (await _try(proxy, customer.email, new_address())).status_code == 401
    _assert_wait(await _try(proxy, customer.email, new_address(), PASSWORD), "Too many failed logins")
    assert (await _try(proxy, customer.email, home, PASSWORD)).status_code == 200
    assert (await customer.http.get("/auth/me")).status_code == 200, "an open session is not touched"


async def test_an_unknown_account_waits_as_a_known_one_does(proxy: httpx.AsyncClient) -> None:
    email = new_email()
    for _ in range(15):
        assert (await _try(proxy, email, new_address())).status_code == 401
    _assert_wait(await _try(proxy, email, new_address()), "Too many failed logins")


async def test_another_spelling_of_an_address_is_no_way_around_the_wait(
    proxy: httpx.AsyncClient, admin: Connection
) -> None:
    """Postgres makes an i of İ, Python an i and a dot: the first finds the account, the second counts."""
    email = f"ali-{new_email()}"
    other = email.replace("ali", "alİ")
    here = new_address()
    assert await admin.fetchval("SELECT lower($1::text) = $2", other, email), "not on this database"
    assert (await _try(proxy, email, new_address(), PASSWORD, "/signup")).status_code == 201
    known = await admin.fetchval("SELECT count(*) FROM known_addresses")
    for _ in range(10):
        assert (await _try(proxy, email, here)).status_code == 401
    assert (await _try(proxy, other, here, PASSWORD)).status_code == 401
    assert (await _try(proxy, other, new_address(), PASSWORD)).status_code == 401
    assert await admin.fetchval("SELECT count(*) FROM known_addresses") == known
    _assert_wait(await _try(proxy, email.upper(), here, PASSWORD), "Too many failed logins")


async def test_waiting_helps_although_somebody_goes_on_trying(
    proxy: httpx.AsyncClient, customer: Person, admin: Connection
) -> None:
    here = new_address()
    for _ in range(10):
        await _try(proxy, customer.email, here)
    for _ in range(5):
        assert (await _try(proxy, customer.email, here)).status_code == 429
    await admin.execute("UPDATE login_attempts SET at = at - interval '15 minutes' WHERE address = $1", here)
    assert (await _try(proxy, customer.email, here, PASSWORD)).status_code == 200


async def test_of_many_tries_from_one_address_at_once_no_more_reach_the_password_than_may(
    proxy: httpx.AsyncClient,
) -> None:
    here = new_address()
    answers = await asyncio.gather(*(_try(proxy, new_email(), here) for _ in range(25)))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {401, 429}
    assert statuses.count(401) <= 12


async def test_sign_ups_of_one_address_are_limited(proxy: httpx.AsyncClient) -> None:
    here = new_address()
    made = [await _try(proxy, new_email(), here, PASSWORD, "/signup") for _ in range(3)]
    assert [answer.status_code for answer in made] == [201] * 3
    fourth = await _try(proxy, new_email(), here, PASSWORD, "/signup")
    _assert_wait(fourth, "Too many sign-ups from your address")
    assert (await _try(proxy, new_email(), new_address(), PASSWORD, "/signup")).status_code == 201


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/auth/password-reset", {"email": "nobody@example.com"}, 200, "Too many requests for a link"),
        (
            "/auth/password-reset/confirm",
            {"token": "x", "newPassword": PASSWORD},
            400,
            "Too many tries with a link",
        ),
    ],
)
async def test_requests_for_a_link_and_tries_with_one_are_limited_by_address(
    proxy: httpx.AsyncClient, path: str, body: dict[str, Any], status: int, message: str
) -> None:
    headers = {"x-forwarded-for": new_address()}
    answers = [await proxy.post(path, json=body, headers=headers) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {status}
    _assert_wait(await proxy.post(path, json=body, headers=headers), message)


@pytest.mark.parametrize("kind", ["publish", "sync"])
async def test_a_customer_starts_only_so_many_runs_in_a_minute(
    customer: Person, kind: str, admin: Connection
) -> None:
    async def press(**headers: str) -> httpx.Response:
        return await customer.http.post(f"/ads/{kind}", json={}, headers=headers)

    async def finish_all() -> None:
        await admin.execute(
            "UPDATE ad_runs SET status = 'success' WHERE customer_id = $1", customer.me["customerId"]
        )

    for n in range(3):
        assert (await press(**{"idempotency-key": f"key-{n}"})).status_code == 201
        assert [(await press()).status_code for _ in range(5)] == [200] * 5, (
            "an open run answers and is no new one"
        )
        await finish_all()
    refused = await press(**{"idempotency-key": "key-3"})
    assert (refused.status_code, refused.json()["error"]) == (429, "RATE_LIMITED")
    assert (
        refused.json()["message"]
        == f"Too many {'publishes' if kind == 'publish' else 'syncs'} within a minute"
    )
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    again = await press(**{"idempotency-key": "key-2"})
    assert again.status_code == 201, "the answer of a key that came before"
    assert again.headers["idempotency-replayed"] == "true"
    other = "sync" if kind == "publish" else "publish"
    assert (await customer.http.post(f"/ads/{other}", json={})).status_code == 201
    await admin.execute(
        "UPDATE ad_runs SET created_at = created_at - interval '1 minute' WHERE customer_id = $1",
        customer.me["customerId"],
    )
    assert (await press(**{"idempotency-key": "key-3"})).status_code == 201, "the refused key was not kept"


async def test_a_refused_run_leaves_nothing_behind(customer: Person, admin: Connection) -> None:
    counts = (
        "SELECT (SELECT count(*) FROM ad_runs WHERE customer_id = $1::uuid),"
        " (SELECT count(*) FROM audit_log WHERE customer_id = $1),"
        " (SELECT count(*) FROM idempotency_keys WHERE customer_id = $1),"
        " (SELECT count(*) FROM outbox WHERE body LIKE '%' || $1::uuid || '%')"
    )
    for _ in range(3):
        assert (await customer.http.post("/ads/publish", json={})).status_code == 201
        await admin.execute(
            "UPDATE ad_runs SET status = 'success' WHERE customer_id = $1", customer.me["customerId"]
        )
    before = await admin.fetchrow(counts, customer.me["customerId"])
    refused = await customer.http.post("/ads/publish", json={}, headers={"idempotency-key": "key"})
    assert refused.status_code == 429
    assert await admin.fetchrow(counts, customer.me["customerId"]) == before

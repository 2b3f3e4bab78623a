"""Every route, asked by everybody who should not get in. Routes come from the gateway's own document."""

import hashlib
from typing import Any
from uuid import uuid4

import httpx
from e2e_system import System
from fastapi import APIRouter
from security_people import Tenant, Unharmed, expire, rows_of, unknown_like
from security_requests import (
    CLEARED,
    FOREIGN_CUSTOMER,
    FOREIGN_PAGE,
    NEEDS_SESSION,
    NO_COOKIE,
    NOT_LOGGED_IN,
    OWN_SESSION_OVER,
    READS_CUSTOMER,
    SESSION_OVER,
    Ask,
    Operation,
    guarded,
)
from security_routes import OBJECT_PLACES, ROUTES, UNDOCUMENTED, Guard

from gateway.app import create_app
from gateway.fixed_paths import FixedPaths
from gateway.settings import GatewaySettings


def lines_of(route: Any) -> list[str]:
    """`METHOD /path` of a route, of the routes of a router, or `MOUNT /path`."""
    inner = getattr(route, "original_router", route)
    if isinstance(inner, APIRouter | FixedPaths):
        return [line for one in inner.routes for line in lines_of(one)]
    methods = getattr(route, "methods", None) or ("MOUNT",)
    return [f"{method} {route.path}" for method in methods]


ENDS_SOMETHING = {
    "POST /meta/disconnect",
    "POST /auth/logout-everywhere",
    "POST /auth/password",
    "POST /auth/sessions/{session_id}/end",
}

BELIEVED_BY_SIGNATURE = {name for name, guard in ROUTES.items() if guard is Guard.SIGNED_BY_META}


def test_every_route_of_the_document_is_in_the_matrix_and_nothing_else(operations: list[Operation]) -> None:
    documented = {operation.name for operation in operations}
    assert documented - ROUTES.keys() == set(), (
        "say who may call these: one line each in ROUTES, tests/security/security_routes.py"
    )
    assert ROUTES.keys() - documented == set(), (
        "the gateway has no such routes: remove them from ROUTES, tests/security/security_routes.py"
    )


def test_no_route_is_served_beside_the_document_unless_it_is_named() -> None:
    # Built, not started: that needs neither a database nor a stream.
    app = create_app(GatewaySettings(service_private_key="x"))
    served = {line for route in app.routes for line in lines_of(route)}
    assert served - ROUTES.keys() == UNDOCUMENTED, (
        "a route outside of the document: name it in UNDOCUMENTED, tests/security/security_routes.py"
    )


def test_every_route_that_names_an_object_says_where(operations: list[Operation]) -> None:
    in_path = {operation.name for operation in operations if "{" in operation.path}
    named = {name for name, (place, _) in OBJECT_PLACES.items() if place == "path"}
    assert in_path == named, "see OBJECT_PLACES in tests/security/security_routes.py"
    assert OBJECT_PLACES.keys() <= ROUTES.keys()


async def test_the_right_customer_gets_in_by_the_same_requests(
    operations: list[Operation], door: httpx.AsyncClient, owner: Tenant
) -> None:
    """Otherwise a matrix of refusals would prove nothing."""
    for operation in operations:
        _, name = OBJECT_PLACES.get(operation.name, ("", "run_id"))
        if operation.method != "GET" or ROUTES[operation.name] is Guard.REDIRECT or name not in owner.objects:
            continue
        ask = operation.request().naming(owner.objects)
        answer = await ask.send(door, cookie=owner.cookie, x_customer_id=owner.customer_id)
        assert answer.status_code == 200, (operation.name, answer.text)


async def test_without_a_cookie_nobody_gets_in(
    operations: list[Operation], door: httpx.AsyncClient, owner: Tenant, unharmed: Unharmed
) -> None:
    for operation in guarded(operations, *NEEDS_SESSION, Guard.OWN_SESSION):
        ask = operation.request().naming(owner.objects)
        answer = await ask.send(door, x_customer_id=owner.customer_id)
        expected = NOT_LOGGED_IN if ROUTES[operation.name] is Guard.OWN_SESSION else NO_COOKIE
        assert (answer.status_code, answer.json()) == (401, expected), operation.name
        await unharmed(ask, answer)


async def test_an_expired_session_gets_nobody_in_and_its_cookie_is_cleared(
    operations: list[Operation],
    stack: System,
    door: httpx.AsyncClient,
    owner: Tenant,
) -> None:
    login = {"email": owner.customer.email, "password": "correct horse battery staple"}
    over = (await door.post("/auth/login", json=login)).cookies["session"]
    door.cookies.clear()
    await expire(stack, hashlib.sha256(over.encode()).hexdigest())
    # The login itself wrote about the owner, so the picture before is taken from here on.
    before = await rows_of(stack, owner)
    for operation in guarded(operations, *NEEDS_SESSION, Guard.OWN_SESSION):
        ask = operation.request().naming(owner.objects)
        answer = await ask.send(door, cookie=f"session={over}", x_customer_id=owner.customer_id)
        expected = OWN_SESSION_OVER if ROUTES[operation.name] is Guard.OWN_SESSION else SESSION_OVER
        assert (answer.status_code, answer.json()) == (401, expected), operation.name
        assert answer.headers["set-cookie"] == CLEARED, operation.name
        assert owner.leaks_in(answer.content, sent="") == []
        door.cookies.clear()
    assert await rows_of(stack, owner) == before


async def test_the_session_of_another_user_does_not_open_this_customer(
    operations: list[Operation], door: httpx.AsyncClient, owner: Tenant, intruder: Tenant, unharmed: Unharmed
) -> None:
    """All of the request is the owner's but the cookie."""
    for operation in guarded(operations, *READS_CUSTOMER):
        ask = operation.request().naming(owner.objects)
        answer = await ask.send(door, cookie=intruder.cookie, x_customer_id=owner.customer_id)
        assert (answer.status_code, answer.json()) == (403, FOREIGN_CUSTOMER), operation.name
        await unharmed(ask, answer)
    for operation in guarded(operations, Guard.SESSION, Guard.OWN_SESSION):
        if operation.method != "GET":
            continue  # it would end the session that the next request needs
        ask = operation.request()
        answer = await ask.send(door, cookie=intruder.cookie, x_customer_id=owner.customer_id)
        assert answer.status_code == 200, operation.name
        await unharmed(ask, answer)


async def test_no_foreign_page_changes_anything_by_any_route(
    operations: list[Operation], door: httpx.AsyncClient, owner: Tenant, unharmed: Unharmed
) -> None:
    """All of the request is the owner's own, but for the page that made the browser send it."""
    asked = [each for each in operations if each.method != "GET" and each.name not in BELIEVED_BY_SIGNATURE]
    assert len(asked) >= 12
    for operation in asked:
        ask = operation.request().naming(owner.objects)
        for page in ({"origin": "https://evil.test"}, {"sec_fetch_site": "cross-site"}):
            answer = await ask.send(door, cookie=owner.cookie, x_customer_id=owner.customer_id, **page)
            assert (answer.status_code, answer.json()) == (403, FOREIGN_PAGE), (operation.name, page)
            assert "set-cookie" not in answer.headers
            await unharmed(ask, answer)


async def test_a_foreign_customer_and_an_unknown_one_get_equal_bytes(
    operations: list[Operation], door: httpx.AsyncClient, owner: Tenant, intruder: Tenant, unharmed: Unharmed
) -> None:
    """All of the request is the intruder's but the customer."""
    for operation in guarded(operations, *READS_CUSTOMER):
        ask = operation.request().naming(intruder.objects)
        foreign, unknown = [
            await ask.send(door, cookie=intruder.cookie, x_customer_id=customer)
            for customer in (owner.customer_id, str(uuid4()))
        ]
        assert (foreign.status_code, foreign.json()) == (403, FOREIGN_CUSTOMER), operation.name
        assert (foreign.content, kept_headers(foreign)) == (unknown.content, kept_headers(unknown))
        await unharmed(ask, foreign)


async def test_a_foreign_customer_in_the_query_is_refused_whatever_the_header_says(
    operations: list[Operation], door: httpx.AsyncClient, owner: Tenant, intruder: Tenant, unharmed: Unharmed
) -> None:
    for operation in guarded(operations, Guard.CUSTOMER_BY_HEADER_OR_QUERY):
        ask = operation.request().naming(owner.objects).with_query(customerId=owner.customer_id)
        for header in (None, intruder.customer_id):
            answer = await ask.send(door, cookie=intruder.cookie, x_customer_id=header)
            assert (answer.status_code, answer.json()) == (403, FOREIGN_CUSTOMER), operation.name
            await unharmed(ask, answer)


async def test_a_foreign_object_and_an_unknown_one_get_equal_bytes(
    operations: list[Operation], door: httpx.AsyncClient, owner: Tenant, intruder: Tenant, unharmed: Unharmed
) -> None:
    for operation in operations:
        _, name = OBJECT_PLACES.get(operation.name, ("", ""))
        if name not in owner.objects:
            continue
        foreign_id = owner.objects[name]
        unknown_id = unknown_like(foreign_id)
        answers = []
        for object_id in (foreign_id, unknown_id):
            ask = operation.request().naming({name: object_id})
            answer = await ask.send(door, cookie=intruder.cookie, x_customer_id=intruder.customer_id)
            assert answer.status_code in {400, 404}, (operation.name, answer.text)
            await unharmed(ask, answer)
            answers.append(answer)
        foreign, unknown = answers
        # The name that was sent may come back, and is all that may differ.
        assert foreign.text.replace(foreign_id, unknown_id) == unknown.text, operation.name
        assert foreign.status_code == unknown.status_code
        assert {**kept_headers(foreign), "content-length": ""} == {
            **kept_headers(unknown),
            "content-length": "",
        }


async def test_fields_of_another_customer_in_a_body_or_a_query_change_nothing(
    operations: list[Operation], door: httpx.AsyncClient, owner: Tenant, intruder: Tenant, unharmed: Unharmed
) -> None:
    """The customer comes from the session alone. Each request succeeds or not, for the intruder."""
    theirs = {"customerId": owner.customer_id, "customer_id": owner.customer_id, "userId": owner.user_id}
    for operation in guarded(operations, *READS_CUSTOMER, Guard.SESSION, Guard.OWN_SESSION):
        ask = operation.request().naming(intruder.objects)
        if operation.name in ENDS_SOMETHING:
            continue  # what later requests need
        if ROUTES[operation.name] is not Guard.CUSTOMER_BY_HEADER_OR_QUERY:
            ask = ask.with_query(**theirs)
        if ask.body is not None:
            ask = Ask(operation=operation, path=ask.path, query=ask.query, body={**ask.body, **theirs})
        answer = await ask.send(door, cookie=intruder.cookie, x_customer_id=intruder.customer_id)
        await unharmed(ask, answer)


async def test_the_callback_of_a_stranger_goes_to_a_page_that_tells_nothing(
    operations: list[Operation],
    stack: System,
    door: httpx.AsyncClient,
    owner: Tenant,
    intruder: Tenant,
) -> None:
    [operation] = guarded(operations, Guard.REDIRECT)
    url = (await owner.customer.get("/meta/oauth/connect-url"))["url"]
    state = httpx.URL(url).params["state"]
    before = await rows_of(stack, owner)
    for cookie, query, page in (
        (None, {}, "/settings?meta=error&error=missing_state"),
        (None, {"state": "nonsense"}, "/settings?meta=error&error=invalid_state"),
        (intruder.cookie, {"state": str(uuid4())}, "/settings?meta=error&error=invalid_state"),
        (intruder.cookie, {"state": state, "code": "x"}, "/login?error=session_mismatch"),
    ):
        answer = await operation.request().with_query(**query).send(door, cookie=cookie)
        assert (answer.status_code, answer.headers["location"]) == (302, f"{stack.gateway_url}/console{page}")
        assert owner.leaks_in(answer.content, sent="") == []
    after = await rows_of(stack, owner)
    # The state is used up by the attempt: that is the one thing which may change.
    assert {**after, "meta_auth.oauth_states": []} == {**before, "meta_auth.oauth_states": []}


def kept_headers(answer: httpx.Response) -> dict[str, str]:
    """All headers but those that differ between any two answers."""
    return {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}

"""Every route, asked with what no browser of ours would send: cookies, headers, ids and bodies."""

from uuid import uuid4

import httpx
import pytest
from security_people import Tenant, Unharmed
from security_requests import (
    NEEDS_CUSTOMER,
    NEEDS_SESSION,
    NO_CUSTOMER,
    SESSION_OVER,
    Operation,
    guarded,
    nested,
)
from security_routes import OBJECT_PLACES

NO_COOKIES = [
    "nonsense",
    "a" * 8000,
    '"; DROP TABLE sessions;--"',
    "../../etc/passwd",
    str(uuid4()),
    "é" * 43,
]
NO_CUSTOMERS = [
    "",
    "1",
    "nonsense",
    "{00000000-0000-4000-8000-000000000000}",
    "0" * 32,
    f"urn:uuid:{uuid4()}",
]
NO_IDS = ["1", "nonsense", "%00", "..%2f..", "0" * 400, "' OR 1=1", "%F0%9F%92%A5"]
NO_BODIES = {
    b"": "The body is empty",
    b"{": "The body is not valid JSON",
    b'{"a":NaN}': "The body is not valid JSON",
    b"\xff\xfe": "The body is not valid JSON",
    b'{"a":"\\u0000"}': "The body holds a character that cannot be stored (NUL or half a surrogate pair)",
    b'{"a":"\\ud800"}': "The body holds a character that cannot be stored (NUL or half a surrogate pair)",
    b'{"a":' + b"[" * 40 + b"]" * 40 + b"}": "The body is nested deeper than 32 levels",
    b"[]": "The body must be a JSON object",
    b'"text"': "The body must be a JSON object",
}


@pytest.mark.parametrize("cookie", NO_COOKIES, ids=range(len(NO_COOKIES)))
async def test_a_malformed_cookie_is_no_session(
    operations: list[Operation], door: httpx.AsyncClient, owner: Tenant, cookie: str, unharmed: Unharmed
) -> None:
    for operation in guarded(operations, *NEEDS_SESSION):
        ask = operation.request().naming(owner.objects)
        answer = await ask.send(door, cookie=f"session={cookie}", x_customer_id=owner.customer_id)
        assert (answer.status_code, answer.json()) == (401, SESSION_OVER), operation.name
        door.cookies.clear()
    await unharmed(ask, answer)


@pytest.mark.parametrize("header", NO_CUSTOMERS, ids=range(len(NO_CUSTOMERS)))
async def test_a_malformed_customer_is_no_customer(
    operations: list[Operation], door: httpx.AsyncClient, owner: Tenant, header: str, unharmed: Unharmed
) -> None:
    for operation in guarded(operations, *NEEDS_CUSTOMER):
        ask = operation.request().naming(owner.objects)
        answer = await ask.send(door, cookie=owner.cookie, x_customer_id=header)
        assert (answer.status_code, answer.json()) == (401, NO_CUSTOMER), operation.name
    await unharmed(ask, answer)


@pytest.mark.parametrize("object_id", NO_IDS, ids=range(len(NO_IDS)))
async def test_a_malformed_object_is_refused(
    operations: list[Operation], door: httpx.AsyncClient, intruder: Tenant, object_id: str, unharmed: Unharmed
) -> None:
    for operation in operations:
        if operation.name not in OBJECT_PLACES:
            continue
        ask = operation.request().naming({OBJECT_PLACES[operation.name][1]: object_id})
        answer = await ask.send(door, cookie=intruder.cookie, x_customer_id=intruder.customer_id)
        assert answer.status_code in {400, 404}, (operation.name, answer.text)
        if not answer.headers["content-type"].startswith("text/html"):  # the page for a person
            assert answer.json()["message"]
        await unharmed(ask, answer)


@pytest.mark.parametrize("body", NO_BODIES, ids=range(len(NO_BODIES)))
async def test_a_malformed_body_is_refused_in_the_shape_of_its_family(
    operations: list[Operation], door: httpx.AsyncClient, intruder: Tenant, body: bytes, unharmed: Unharmed
) -> None:
    for operation in operations:
        if not operation.takes_json:
            continue
        ask = operation.request().naming({})
        answer = await door.request(
            operation.method,
            ask.target,
            content=body,
            headers={
                "cookie": intruder.cookie,
                "x-customer-id": intruder.customer_id,
                "content-type": "application/json",
            },
        )
        message = NO_BODIES[body]
        found = answer.json()
        assert (answer.status_code, found["message"]) == (400, message), operation.name
        expected = "VALIDATION_ERROR" if operation.is_flat else nested("VALIDATION_ERROR", message)["error"]
        assert found["error"] == expected, operation.name
    await unharmed(ask, answer)

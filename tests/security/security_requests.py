"""Requests made from the OpenAPI document: for each operation one that a customer might send."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from security_routes import NEEDED_QUERY, OBJECT_PLACES, ROUTES, Guard


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path of the document."""

    name: str
    method: str
    path: str
    described: Mapping[str, Any]
    schemas: Mapping[str, Any]

    @property
    def takes_json(self) -> bool:
        return "application/json" in self.described.get("requestBody", {}).get("content", {})

    @property
    def is_flat(self) -> bool:
        """Whether its own errors have the flat shape of the contract."""
        return self.path.startswith(("/meta/", "/ads/")) or self.path == "/runs"

    def example(self) -> dict[str, Any]:
        """The first example of the body, as the document gives it."""
        schema = self.described["requestBody"]["content"]["application/json"]["schema"]
        if "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        return dict(schema["examples"][0])

    def request(self) -> "Ask":
        """A request that is right but for who sends it and which object it names."""
        return Ask(
            operation=self,
            path={},
            query=dict(NEEDED_QUERY.get(self.name, {})),
            body=self.example() if self.takes_json else None,
        )


@dataclass(frozen=True, kw_only=True)
class Ask:
    """One request, not yet sent."""

    operation: Operation
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any

    def naming(self, objects: Mapping[str, str]) -> Self:
        """The same request for one of these objects, if it names one at all."""
        place, name = OBJECT_PLACES.get(self.operation.name, ("", ""))
        object_id = objects.get(name, NOBODYS)
        if place == "path":
            return replace(self, path={**self.path, name: object_id})
        if place == "query":
            return replace(self, query={**self.query, name: object_id})
        return replace(self, body={**self.body, name: object_id}) if place == "body" else self

    def with_query(self, **query: str) -> Self:
        return replace(self, query={**self.query, **query})

    @property
    def target(self) -> str:
        path = self.operation.path
        for name, value in self.path.items():
            path = path.replace(f"{{{name}}}", value)
        return f"{path}?{urlencode(self.query)}" if self.query else path

    async def send(self, client: httpx.AsyncClient, **headers: str | None) -> httpx.Response:
        """Send it with these headers and nothing of the client's own."""
        given = {
            name.replace("_", "-"): value.encode("latin-1")
            for name, value in headers.items()
            if value is not None
        }
        kwargs: dict[str, Any] = {} if self.body is None else {"json": self.body}
        return await client.request(self.operation.method, self.target, headers=given, **kwargs)


def operations_of(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, described in item.items():
            yield Operation(
                name=f"{method.upper()} {path}",
                method=method.upper(),
                path=path,
                described=described,
                schemas=document["components"]["schemas"],
            )


NOBODYS = "00000000-0000-4000-8000-000000000000"
NEEDS_SESSION = frozenset(
    {
        Guard.SESSION,
        Guard.SESSION_AND_OPTIONAL_CUSTOMER,
        Guard.CUSTOMER,
        Guard.CUSTOMER_BY_HEADER_OR_QUERY,
    }
)
NEEDS_CUSTOMER = frozenset({Guard.CUSTOMER, Guard.CUSTOMER_BY_HEADER_OR_QUERY})
READS_CUSTOMER = NEEDS_CUSTOMER | {Guard.SESSION_AND_OPTIONAL_CUSTOMER}


def nested(code: str, message: str, hint: str | None = None) -> dict[str, Any]:
    """The error body with the nested part."""
    body = {"error": {"code": code, "message": message}, "message": message}
    return {**body, "hint": hint} if hint else body


NO_COOKIE = nested("UNAUTHORIZED", "Missing session cookie", "Log in to continue.")
SESSION_OVER = nested("UNAUTHORIZED", "Session expired or invalid", "Log in again to continue.")
NOT_LOGGED_IN = nested("UNAUTHORIZED", "Not logged in", "Log in to continue.")
OWN_SESSION_OVER = nested("UNAUTHORIZED", "Session expired", "Log in again to continue.")
NO_CUSTOMER = nested(
    "UNAUTHORIZED",
    "Missing or invalid x-customer-id header (UUID required)",
    "Send the customerId of GET /auth/me.",
)
FOREIGN_CUSTOMER = nested("FORBIDDEN", "Session customerId does not match x-customer-id header")
FOREIGN_PAGE = nested(
    "FORBIDDEN", "This origin may not call this API", "Add it to CORS_ORIGINS if it is yours."
)
CLEARED = "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"


def guarded(operations: list[Operation], *guards: Guard) -> list[Operation]:
    return [operation for operation in operations if ROUTES.get(operation.name) in guards]

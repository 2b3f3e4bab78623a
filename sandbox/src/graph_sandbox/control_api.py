"""Every operation of `/_sandbox`: its route, and its description as an OpenAPI document and as a page."""

import inspect
import re
import types
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, fields
from html import escape
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from graph_sandbox import control, overview
from graph_sandbox.faults import TYPES
from graph_sandbox.pages import page
from graph_sandbox.personas import Account
from graph_sandbox.state import Settings

Handler = Callable[[Request], Awaitable[Response]]
Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
JSON_NAMES: dict[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    type(None): "null",
}


def schema_of(hint: Any) -> Schema:
    """The JSON schema of a type that the settings use."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in {Union, types.UnionType}:
        return {"anyOf": [schema_of(one) for one in inner]}
    if origin is list:
        return {"type": "array", "items": schema_of(inner[0])}
    return {"type": JSON_NAMES[hint]}


def schemas_of(cls: type, *, but: frozenset[str] = frozenset()) -> dict[str, Schema]:
    hints = get_type_hints(cls)
    return {one.name: schema_of(hints[one.name]) for one in fields(cls) if one.name not in but}


FAULT: dict[str, Schema] = {
    name: {"type": [JSON_NAMES[kind] for kind in kinds] if len(kinds) > 1 else JSON_NAMES[kinds[0]]}
    for name, kinds in TYPES.items()
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One call; its handler's docstring describes it."""

    method: str
    path: str
    handler: Handler
    body: Mapping[str, Schema] = field(default_factory=dict)
    query: Mapping[str, Schema] = field(default_factory=dict)

    @property
    def description(self) -> str:
        return inspect.cleandoc(self.handler.__doc__ or "")


OPERATIONS = (
    Operation("GET", "/health", control.health),
    Operation(
        "GET",
        "/ledger",
        control.read_ledger,
        query={"account": TEXT, "kind": TEXT, "since": COUNT, "limit": COUNT},
    ),
    Operation("GET", "/objects", control.read_objects, query={"account": TEXT, "deleted": {"enum": ["1"]}}),
    Operation(
        "POST",
        "/objects/{object_id}",
        control.change_object,
        body={"ad_ids": {"type": "array", "items": TEXT}, "spend": TEXT},
    ),
    Operation("GET", "/personas", control.read_personas),
    Operation(
        "POST", "/personas/{key}/accounts", control.add_accounts, body={"count": COUNT, "dsa_defaults": FLAG}
    ),
    Operation("POST", "/personas/{key}/remove-app", control.remove_app),
    Operation("POST", "/personas/{key}/delete-data", control.delete_data),
    Operation("GET", "/accounts/{account}", control.read_account),
    Operation(
        "POST",
        "/accounts/{account}",
        control.change_account,
        body=schemas_of(Account, but=control.FIXED_ACCOUNT_FIELDS),
    ),
    Operation("GET", "/settings", control.read_settings),
    Operation("POST", "/settings", control.change_settings, body=schemas_of(Settings)),
    Operation("GET", "/clock", control.read_clock),
    Operation("POST", "/clock", control.change_clock, body={"advance_seconds": NUMBER, "stopped": FLAG}),
    Operation(
        "POST",
        "/tokens/revoke",
        control.revoke_tokens,
        body={"user": TEXT, "subcode": {"enum": [*sorted(control.REVOKE_SUBCODES), None]}},
    ),
    Operation("POST", "/tokens/expire", control.expire_tokens, body={"user": TEXT}),
    Operation("GET", "/faults", control.list_faults),
    Operation("POST", "/faults", control.arm_fault, body=FAULT),
    Operation("DELETE", "/faults", control.clear_faults),
    Operation("GET", "/snapshot", control.snapshot),
    Operation("POST", "/restore", control.restore, body={"format": COUNT}),
    Operation("POST", "/reset", control.reset, body={"keep_logins": FLAG}),
)


def routes() -> list[Route]:
    described = [
        Route(one.path, one.handler if one.method == "GET" else _noted(one.handler), methods=[one.method])
        for one in OPERATIONS
    ]
    return [
        Route("/", overview.show),
        Route("/openapi.json", read_openapi),
        Route("/docs", show_docs),
        *described,
    ]


def _noted(handler: Handler) -> Handler:
    """Tells the world that it was changed, so that a state file is written."""

    async def handle(request: Request) -> Response:
        response = await handler(request)
        request.app.state.world.driven += 1
        return response

    return handle


async def to_page(request: Request) -> Response:
    return RedirectResponse(request.url.path + "/")


async def read_openapi(_: Request) -> Response:
    return JSONResponse(openapi())


async def show_docs(_: Request) -> Response:
    return HTMLResponse(page("Driving the sandbox", _docs(), wide=True))


def openapi() -> dict[str, Any]:
    """OpenAPI 3.1 of all operations."""
    paths: dict[str, dict[str, Any]] = {}
    for one in OPERATIONS:
        summary, _, rest = one.description.partition("\n")
        paths.setdefault(f"/_sandbox{one.path}", {})[one.method.lower()] = {
            "operationId": one.handler.__name__,
            "summary": summary,
            **({"description": rest.strip()} if rest.strip() else {}),
            "parameters": _parameters(one),
            **({"requestBody": _request_body(one)} if one.body else {}),
            "responses": {
                "200": {"description": "Done; the body is JSON.", "content": {"application/json": {}}},
                "400": {"description": "The request makes no sense; the body says why, as text."},
                "404": {"description": "There is no such thing."},
            },
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Graph sandbox", "version": "1", "description": "Look inside, and drive it."},
        "paths": paths,
    }


def _parameters(one: Operation) -> list[dict[str, Any]]:
    in_path = [part[1:-1] for part in one.path.split("/") if part.startswith("{")]
    return [
        *({"name": name, "in": "path", "required": True, "schema": TEXT} for name in in_path),
        *({"name": name, "in": "query", "schema": schema} for name, schema in one.query.items()),
    ]


def _request_body(one: Operation) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": {"type": "object", "properties": dict(one.body)}}}}


def _docs() -> str:
    rows = "".join(
        f"<tr><th scope=row><code>{one.method} /_sandbox{escape(one.path)}</code></th>"
        f"<td>{_with_code(one.description)}</td>"
        f"<td>{', '.join(f'<code>{escape(name)}</code>' for name in (*one.query, *one.body))}</td></tr>"
        for one in OPERATIONS
    )
    return (
        '<h1>Driving the sandbox</h1><p><a href="./">What it holds</a> · '
        '<a href="openapi.json">OpenAPI document</a></p>'
        "<div class=scroll tabindex=0 role=region aria-label=Operations><table class=text>"
        "<tr><th scope=col>call</th><th scope=col>what it does</th><th scope=col>takes</th></tr>"
        f"{rows}</table></div>"
    )


def _with_code(text: str) -> str:
    """What stands in backticks set as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))

"""The page that shows what "Meta" saw: people, ad accounts, objects, calls, faults. Never a token."""

from collections import Counter
from collections.abc import Iterable
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from graph_sandbox.faults import FaultBoard
from graph_sandbox.ledger import iso_milliseconds
from graph_sandbox.pages import page
from graph_sandbox.state import AdObject, World

MOST_ROWS = 50
STATUS_WORDS = {1: "active", 2: "disabled", 3: "unsettled", 101: "closed"}
Row = Iterable[object]


async def show(request: Request) -> Response:
    """Everything at a glance; `?account=act_…` shows one ad account."""
    world: World = request.app.state.world
    faults: FaultBoard = request.app.state.faults
    account_id = request.query_params.get("account", "").removeprefix("act_") or None
    body = "".join(
        (
            "<h1>Graph sandbox</h1>",
            f"<p>App {escape(world.app.app_id)}, {escape(iso_milliseconds(world.now()))} by its clock. ",
            'Nothing here reaches Meta. <a href="./">All accounts</a> · ',
            '<a href="docs">How to drive it</a></p>',
            _faults(faults),
            _objects(world, account_id),
            _calls(world, account_id),
            _accounts(world),
            _people(world),
        )
    )
    return HTMLResponse(page("Graph sandbox", body, wide=True), headers={"cache-control": "no-store"})


def _people(world: World) -> str:
    return _section(
        "People",
        ("log in as", "name", "situation", "ad accounts", "granted"),
        (
            (
                person.key,
                person.name,
                person.about,
                len(person.account_ids),
                ", ".join(world.granted_scopes(person.user_id)) or "nothing",
            )
            for person in world.personas.values()
        ),
    )


def _accounts(world: World) -> str:
    held: Counter[str] = Counter()
    for (account_id, _), ids in world.by_account.items():
        held[account_id] += len(ids)
    ordered = sorted(world.accounts.values(), key=lambda account: -held[account.account_id])
    return _section(
        "Ad accounts",
        ("id", "name", "currency", "status", "objects", "names for the EU"),
        (
            (
                _Link(f"act_{account.account_id}"),
                account.name,
                account.currency,
                STATUS_WORDS.get(account.account_status, account.account_status),
                held[account.account_id],
                account.default_dsa_payor or "none",
            )
            for account in ordered[:MOST_ROWS]
        ),
        more=len(ordered) - MOST_ROWS,
    )


def _objects(world: World, account_id: str | None) -> str:
    found = [one for one in reversed(world.objects.values()) if account_id in (None, one.account_id)]
    return _section(
        "Objects",
        ("id", "kind", "ad account", "below", "name", "status", "effective status", "labels", "created"),
        (_object_row(world, one) for one in found[:MOST_ROWS]),
        more=len(found) - MOST_ROWS,
    )


def _object_row(world: World, one: AdObject) -> Row:
    return (
        one.object_id,
        one.kind,
        _Link(f"act_{one.account_id}"),
        one.parent_id or "",
        one.values.get("name", ""),
        one.values["status"],
        world.effective_status(one),
        ", ".join(world.label_names_of(one.label_ids)),
        iso_milliseconds(one.created_at),
    )


def _calls(world: World, account_id: str | None) -> str:
    entries = world.ledger.newest("call", MOST_ROWS if account_id is None else MOST_ROWS * 20)
    found = [entry for entry in entries if account_id in (None, entry["account_id"])][:MOST_ROWS]
    return _section(
        "Recent calls",
        ("at", "call", "version", "HTTP", "error", "rule", "faults that fired", "made"),
        (
            (
                entry["at"],
                f"{entry['method']} {entry['path']}",
                entry["version"] or "",
                entry["http_status"] or "no answer",
                "/".join(str(code) for code in (entry["error_code"], entry["error_subcode"]) if code),
                entry["rule"] or "",
                ", ".join(entry["faults"]),
                entry["object_id"] or "",
            )
            for entry in found
        ),
    )


def _faults(board: FaultBoard) -> str:
    return _section(
        "Faults",
        ("do", "moment", "matches", "left", "fired"),
        (
            (
                fault["do"],
                fault["slot"],
                ", ".join(f"{key}={value}" for key, value in fault["match"].items()) or "every call",
                "always" if fault["times"] is None else fault["times"],
                fault["hits"],
            )
            for fault in board.listed()
        ),
    )


class _Link(str):
    """An ad account's id that leads to its own view."""

    __slots__ = ()


def _section(title: str, head: tuple[str, ...], rows: Iterable[Row], *, more: int = 0) -> str:
    lines = "".join("<tr>" + "".join(f"<td>{_cell(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    columns = "".join(f"<th scope=col>{escape(name)}</th>" for name in head)
    table = (
        f'<div class=scroll tabindex=0 role=region aria-label="{escape(title)}">'
        f"<table><tr>{columns}</tr>{lines}</table></div>"
        if lines
        else "<p class=note>None.</p>"
    )
    rest = f"<p class=note>And {more} more.</p>" if more > 0 else ""
    return f"<h2>{escape(title)}</h2>{table}{rest}"


def _cell(value: object) -> str:
    text = escape(str(value))
    return f'<a href="?account={text}">{text}</a>' if isinstance(value, _Link) else text

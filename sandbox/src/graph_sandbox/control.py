"""`/_sandbox`: look into the sandbox and change how it behaves. Not part of Meta's API."""

import json
from dataclasses import asdict, fields
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from graph_sandbox.assignment import BadValueError, assign, fits
from graph_sandbox.callbacks import send_callback
from graph_sandbox.faults import BadFaultError, FaultBoard
from graph_sandbox.personas import Account, Persona
from graph_sandbox.snapshot import restore_snapshot, take_snapshot
from graph_sandbox.state import AdObject, Settings, World

MAX_NEW_ACCOUNTS = 10_000
REVOKE_SUBCODES = frozenset({458, 459, 460, 463, 464, 467})
FIXED_ACCOUNT_FIELDS = frozenset({"account_id"})
FIXED_OBJECT_FIELDS = frozenset(field.name for field in fields(AdObject)) - {"ad_ids", "spend"}


async def health(request: Request) -> Response:
    """Whether it serves, for which app, and how much it holds."""
    world = _world(request)
    return JSONResponse(
        {
            "ok": True,
            "app_id": world.app.app_id,
            "redirect_uris": list(world.app.redirect_uris),
            "objects": len(world.objects),
            "ledger_seq": world.ledger.last_seq,
        }
    )


async def read_ledger(request: Request) -> Response:
    """Entries after `since`, of one `account` (with or without `act_`), of one `kind` of event or object."""
    query = request.query_params
    limit = query.get("limit")
    entries = _world(request).ledger.read(
        account_id=_digits(query["account"]) if "account" in query else None,
        kind=query.get("kind"),
        since=_number(query.get("since", "0")),
        limit=_number(limit) if limit is not None else None,
    )
    return JSONResponse({"data": entries, "last_seq": _world(request).ledger.last_seq})


async def read_objects(request: Request) -> Response:
    """What exists now; deleted objects only with `?deleted=1`."""
    world = _world(request)
    query = request.query_params
    account_id = _digits(query["account"]) if "account" in query else None
    found = [
        {
            "id": one.object_id,
            "kind": one.kind,
            "account_id": one.account_id,
            "parent_id": one.parent_id,
            "status": one.values["status"],
            "effective_status": world.effective_status(one),
            "labels": world.label_names_of(one.label_ids),
            "marker": world.marker_of(one.label_ids),
            "created_at": one.created_at,
            "values": one.values,
            "name": one.values.get("name"),
        }
        for one in world.objects.values()
        if account_id in (None, one.account_id)
        and (query.get("deleted") == "1" or world.effective_status(one) != "DELETED")
    ]
    return JSONResponse({"data": found})


async def read_personas(request: Request) -> Response:
    """The people who can log in, and their ad accounts."""
    world = _world(request)
    return JSONResponse({"data": [asdict(person) for person in world.personas.values()]})


async def add_accounts(request: Request) -> Response:
    """Give a persona `count` more ad accounts; answers with their ids.

    They are ready to advertise in the EU, unless `dsa_defaults` is false.
    """
    world, key, body = _world(request), _person(request).key, await _body(request)
    count, dsa_defaults = body.get("count", 1), body.get("dsa_defaults", True)
    if type(count) is not int or not 1 <= count <= MAX_NEW_ACCOUNTS:
        raise HTTPException(400, f"count must be a whole number from 1 to {MAX_NEW_ACCOUNTS}")
    if not isinstance(dsa_defaults, bool):
        raise HTTPException(400, "dsa_defaults must be true or false")
    return JSONResponse({"data": world.add_accounts(key, count, dsa_defaults=dsa_defaults)}, status_code=201)


async def read_settings(request: Request) -> Response:
    """All settings."""
    return JSONResponse(asdict(_world(request).settings))


async def change_settings(request: Request) -> Response:
    """Change the named settings; the rest stay. Answers with all of them."""
    settings = _world(request).settings
    _assign(settings, await _body(request))
    return JSONResponse(asdict(settings))


async def read_account(request: Request) -> Response:
    """Everything about one ad account."""
    return JSONResponse(asdict(_account(request)))


async def change_account(request: Request) -> Response:
    """Change the named facts of an ad account; the rest stay."""
    account = _account(request)
    _assign(account, await _body(request), fixed=FIXED_ACCOUNT_FIELDS)
    return JSONResponse(asdict(account))


async def change_object(request: Request) -> Response:
    """Give a campaign or ad set what only a person and time give it: `ad_ids`, `spend`."""
    found = _world(request).objects.get(request.path_params["object_id"])
    if found is None:
        raise HTTPException(404, "no such object")
    _assign(found, await _body(request), fixed=FIXED_OBJECT_FIELDS)
    return JSONResponse({"id": found.object_id, "ad_ids": found.ad_ids, "spend": found.spend})


async def revoke_tokens(request: Request) -> Response:
    """Make the tokens of `user` (key or id; without it all) answer 190 with `subcode`; null restores."""
    world = _world(request)
    body = await _body(request)
    subcode = body.get("subcode", 460)
    if subcode is not None and subcode not in REVOKE_SUBCODES:
        raise HTTPException(400, f"subcode must be null or one of {sorted(REVOKE_SUBCODES)}")
    users = _users(world, body.get("user"))
    return JSONResponse({"tokens": sum(world.invalidate_tokens(user_id, subcode) for user_id in users)})


async def expire_tokens(request: Request) -> Response:
    """End the lifetime of the tokens of `user` now (key or id; without it all): they answer 190/463."""
    world = _world(request)
    users = _users(world, (await _body(request)).get("user"))
    return JSONResponse({"tokens": sum(map(world.expire_tokens, users))})


async def remove_app(request: Request) -> Response:
    """The person removes the app in their settings: tokens answer 458, and `deauthorize_url` is called.

    Answers with what that said.
    """
    world, user_id = _world(request), _person(request).user_id
    world.remove_app(user_id)
    return JSONResponse(await send_callback(world, "deauthorize", user_id))


async def delete_data(request: Request) -> Response:
    """The person wants their data deleted: `data_deletion_url` is called. Answers with what it said."""
    return JSONResponse(await send_callback(_world(request), "data_deletion", _person(request).user_id))


async def list_faults(request: Request) -> Response:
    """Every fault that was armed, with how often it fired."""
    return JSONResponse({"data": _faults(request).listed()})


async def arm_fault(request: Request) -> Response:
    """Arm a fault; what can be said is in the README."""
    try:
        fault = _faults(request).arm(await _body(request))
    except BadFaultError as error:
        raise HTTPException(400, str(error)) from error
    return JSONResponse(fault.public(), status_code=201)


async def clear_faults(request: Request) -> Response:
    """Disarm all."""
    _faults(request).clear()
    return JSONResponse({"ok": True})


async def read_clock(request: Request) -> Response:
    """The sandbox's time, and how it differs from the machine's."""
    world = _world(request)
    return JSONResponse(
        {
            "now": world.now(),
            "offset_seconds": world.settings.clock_offset_seconds,
            "stopped": world.settings.clock_stopped_at is not None,
        }
    )


async def change_clock(request: Request) -> Response:
    """Go on by `advance_seconds`, stop or start with `stopped`. Tokens, codes and limits follow."""
    world, body = _world(request), await _body(request)
    seconds, stopped = body.pop("advance_seconds", 0), body.pop("stopped", None)
    if body or not fits(seconds, float) or not fits(stopped, bool | None):
        raise HTTPException(400, "only advance_seconds (a number) and stopped (true or false) are known")
    world.settings.clock_offset_seconds += seconds
    if stopped is not None:
        world.settings.clock_stopped_at = (
            world.now() - world.settings.clock_offset_seconds if stopped else None
        )
    return await read_clock(request)


async def snapshot(request: Request) -> Response:
    """Everything but armed faults and login codes, tokens included. Give it back to `restore`."""
    return JSONResponse(take_snapshot(_world(request)))


async def restore(request: Request) -> Response:
    """Put everything back to a snapshot; what happened since is gone, the ledger's entries too."""
    try:
        restore_snapshot(_world(request), await _body(request))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HTTPException(400, f"not a snapshot: {error}") from error
    _forget_the_moment(request)
    return JSONResponse({"ok": True})


async def reset(request: Request) -> Response:
    """Back to the first day; `{"keep_logins": true}` keeps tokens and grants."""
    world = _world(request)
    world.reset(keep_logins=bool((await _body(request)).get("keep_logins")))
    _forget_the_moment(request)
    return JSONResponse({"ok": True})


def _forget_the_moment(request: Request) -> None:
    _faults(request).reset()
    request.app.state.limits.reset()


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


def _users(world: World, who: Any) -> list[str]:
    users = [person.user_id for key, person in world.personas.items() if who in (None, key, person.user_id)]
    if not users:
        raise HTTPException(400, f"no such user; known: {', '.join(world.personas)}")
    return users


def _person(request: Request) -> Persona:
    world = _world(request)
    found = world.personas.get(request.path_params["key"])
    if found is None:
        raise HTTPException(404, f"no such persona; known: {', '.join(world.personas)}")
    return found


def _faults(request: Request) -> FaultBoard:
    board: FaultBoard = request.app.state.faults
    return board


async def _body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return body


def _account(request: Request) -> Account:
    account = _world(request).accounts.get(_digits(request.path_params["account"]))
    if account is None:
        raise HTTPException(404, "no such ad account")
    return account


def _digits(account: str) -> str:
    return account.removeprefix("act_")


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise HTTPException(400, f"not a number: {text}")
    return int(text)


def _assign(
    target: Settings | Account | AdObject, values: dict[str, Any], *, fixed: frozenset[str] = frozenset()
) -> None:
    try:
        assign(target, values, fixed=fixed)
    except BadValueError as error:
        raise HTTPException(400, str(error)) from error

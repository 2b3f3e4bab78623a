"""Carrying out a fault: the wrong answer, or no answer, that a client gets.

Before the commit nothing was stored, so no answer made here ever names an object that does not exist.
"""

from starlette.responses import HTMLResponse, PlainTextResponse, Response

from graph_sandbox.answers import accept, record, refuse
from graph_sandbox.call import Call
from graph_sandbox.errors import GraphError
from graph_sandbox.faults import Fault, account_of
from graph_sandbox.limit_refusals import throttle_error
from graph_sandbox.wire import Connection

CUT_ID = b'{"id":"1202'
ENDLESS = b" " * 100_000
"""A body that never gets to say anything, for a trickle without a commit."""
DEFAULT_PAUSE_SECONDS = 1.0
DEFAULT_SUBCODE = 460
SERVER_ERROR = 500
BAD_GATEWAY = 502
GATEWAY_PAGE = (
    "<!doctype html><html><head><title>Error</title></head><body>Sorry, something went wrong.</body></html>"
)


async def deliver_broken(
    fault: Fault, call: Call, wire: Connection, response: Response | None
) -> tuple[bool, Response | None]:
    """Carry out `fault` on a call whose good `response` exists only after the commit.

    Returns whether the call is dealt with, and what is still to be sent for it.
    """
    call.answer_headers |= fault.headers
    if fault.do == "revoke_token":
        _revoke(fault, call)
        return False, response
    if await _break_connection(fault, call, wire, response):
        return True, None
    error = _graph_error(fault, call)
    if error is not None:
        record(call, error.status, error)
        return True, refuse(call, error)
    wrong = _wrong_body(fault, call)
    record(call, wrong.status_code)
    return True, wrong


async def _break_connection(fault: Fault, call: Call, wire: Connection, response: Response | None) -> bool:
    """The faults that leave the client without a whole answer; recorded first, as they may take long."""
    if fault.do not in {"hang", "reset", "close", "cut_body", "trickle"}:
        return False
    record(call, None)
    good = response or accept(call, {})
    if fault.do == "hang":
        await wire.hang(fault.seconds)
    elif fault.do == "reset":
        await wire.reset()
    elif fault.do == "close":
        await wire.close()
    elif fault.do == "cut_body":
        await wire.cut(good, bytes(good.body) if response else CUT_ID * 2)
    else:
        body = bytes(good.body) if response else ENDLESS
        await wire.trickle(good, body, fault.seconds or DEFAULT_PAUSE_SECONDS)
    return True


def _graph_error(fault: Fault, call: Call) -> GraphError | None:
    """The faults that are errors in Graph's envelope."""
    if fault.do == "code_1":
        return GraphError("An unknown error occurred", code=1, status=fault.status or SERVER_ERROR)
    if fault.do == "code_2":
        message = "An unexpected error has occurred. Please retry your request later."
        return GraphError(message, code=2, status=fault.status or SERVER_ERROR, transient=True)
    if fault.do == "throttle":
        return _throttle(fault, call)
    if fault.do == "error":
        return GraphError(
            fault.message or "Invalid parameter",
            code=fault.code or 0,
            subcode=fault.subcode,
            status=fault.status or 400,
            user_message=fault.user_message,
        )
    return None


def _throttle(fault: Fault, call: Call) -> GraphError:
    """Refuse this call; with `seconds`, every call on the account until then as well."""
    account_id = account_of(call)
    call.account = call.world.accounts.get(account_id) if account_id else None
    call.regain_minutes = fault.regain_minutes
    error = throttle_error(fault.code or 80004)
    if fault.subcode is not None:
        error.subcode = fault.subcode
    if call.account is not None and fault.seconds:
        call.account.throttled_until = call.world.now() + fault.seconds
        call.account.throttle_code = error.code
    return error


def _wrong_body(fault: Fault, call: Call) -> Response:
    """The faults that are whole HTTP answers without Graph's meaning."""
    found = accept(call, {"success": True})
    if fault.do == "bad_json":
        found.body = CUT_ID
        found.headers["content-length"] = str(len(CUT_ID))
    elif fault.do == "error_500":
        return PlainTextResponse("Internal Server Error", status_code=fault.status or SERVER_ERROR)
    elif fault.do == "html":
        return HTMLResponse(GATEWAY_PAGE, status_code=fault.status or BAD_GATEWAY)
    return found


def _revoke(fault: Fault, call: Call) -> None:
    token = call.world.tokens.get(call.raw_token or "")
    if token is not None and token.user_id is not None:
        call.world.invalidate_tokens(token.user_id, fault.code or DEFAULT_SUBCODE)

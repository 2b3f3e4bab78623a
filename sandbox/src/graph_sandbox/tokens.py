"""Getting and inspecting tokens: code exchange, long-lived exchange, app token, `debug_token`.

Sources: https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow and
https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived
"""

import hmac

from graph_sandbox.access import token_problem
from graph_sandbox.call import Body, Call
from graph_sandbox.errors import GraphError
from graph_sandbox.login_refusals import (
    APP_SECRET,
    APP_UNKNOWN,
    CODE_EXPIRED,
    CODE_UNKNOWN,
    CODE_USED,
    REDIRECT_DIFFERS,
)
from graph_sandbox.marketing import Change
from graph_sandbox.refusals import BAD_TOKEN, invalid_param, missing_param
from graph_sandbox.state import Token


def issue_access_token(call: Call) -> Body | Change:
    """`/oauth/access_token`, by `grant_type`; without one it is the exchange of a login code."""
    _check_client(call)
    grant_type = call.params.text("grant_type") or "authorization_code"
    if grant_type == "authorization_code":
        return _exchange_code(call)
    if grant_type == "fb_exchange_token":
        return _exchange_for_long(call)
    if grant_type == "client_credentials":
        return Change(lambda: _answer(call.world.issue_token(None, 0)))
    raise invalid_param("grant_type", f"has an unknown value - got {grant_type}.")


def debug_token(call: Call) -> Body:
    """What is known about `input_token`; an invalid one is an answer, not an error.

    Raises:
        GraphError: 100 when the input token is missing.
    """
    raw = call.params.text("input_token")
    if not raw:
        raise missing_param("input_token")
    token = call.world.tokens.get(raw)
    if token is None:
        return {"data": {"is_valid": False, "scopes": [], "error": _short(BAD_TOKEN.error())}}
    return {"data": _describe(call, token)}


def _check_client(call: Call) -> None:
    app = call.world.app
    if call.params.text("client_id") != app.app_id:
        raise APP_UNKNOWN.error()
    secret = call.params.text("client_secret") or ""
    if not hmac.compare_digest(secret.encode(), app.app_secret.encode()):
        raise APP_SECRET.error()


def _exchange_code(call: Call) -> Change:
    world = call.world
    code = world.codes.get(call.params.text("code") or "")
    if code is None:
        raise CODE_UNKNOWN.error()
    if code.used:
        raise CODE_USED.error()
    if code.expires_at <= world.now():
        raise CODE_EXPIRED.error()
    if call.params.text("redirect_uri") != code.redirect_uri:
        raise REDIRECT_DIFFERS.error()

    def apply() -> Body:
        code.used = True
        return _answer(world.issue_token(code.user_id, world.settings.short_token_seconds))

    return Change(apply)


def _exchange_for_long(call: Call) -> Change:
    world = call.world
    token = world.tokens.get(call.params.text("fb_exchange_token") or "")
    if token is None or token.user_id is None:
        raise BAD_TOKEN.error()
    problem = token_problem(call, token)
    if problem is not None:
        raise problem
    return Change(lambda: _answer(world.issue_token(token.user_id, world.settings.long_token_seconds)))


def _answer(token: Token) -> Body:
    body: Body = {"access_token": token.value, "token_type": "bearer"}
    if token.expires_at:
        body["expires_in"] = round(token.expires_at - token.issued_at)
    return body


def _describe(call: Call, token: Token) -> Body:
    problem = token_problem(call, token)
    body: Body = {
        "app_id": call.world.settings.token_app_id or call.world.app.app_id,
        "type": "USER" if token.user_id else "APP",
        "application": call.world.app.name,
        "expires_at": round(token.expires_at),
        "is_valid": problem is None,
        "issued_at": round(token.issued_at),
    }
    if token.user_id:
        scopes = call.world.granted_scopes(token.user_id)
        body |= {
            "data_access_expires_at": round(token.issued_at + call.world.settings.data_access_seconds),
            "scopes": scopes,
            "granular_scopes": [{"scope": scope} for scope in scopes],
            "user_id": call.world.settings.token_user_id or token.user_id,
        }
    if problem is not None:
        body["error"] = _short(problem)
    return body


def _short(error: GraphError) -> Body:
    short: Body = {"code": error.code, "message": error.message}
    return short if error.subcode is None else {**short, "subcode": error.subcode}

"""The consent dialog: what a person sees when an app asks for access, and the redirect their decision causes.

A wrong `client_id` or `redirect_uri` shows an error page and never redirects, as Meta's dialog does.
Source: https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from graph_sandbox import pages
from graph_sandbox.state import AuthCode, World

ALWAYS_GRANTED = "public_profile"
DECISIONS = frozenset({"approve", "decline", "partial"})
LONGEST_VALUE = 4096


@dataclass(frozen=True, slots=True)
class Asked:
    """One request for consent, from the dialog's query or carried through its form."""

    client_id: str
    redirect_uri: str
    state: str
    scopes: tuple[str, ...]
    response_type: str
    rerequest: bool
    persona: str

    @classmethod
    def read(cls, values: Mapping[str, str], world: World) -> "Asked":
        """Take the known parameters; scopes may be separated by commas or spaces."""
        scopes = values.get("scope", "").replace(",", " ").split()
        persona = values.get("persona", "")
        return cls(
            client_id=values.get("client_id", ""),
            redirect_uri=values.get("redirect_uri", ""),
            state=values.get("state", "")[:LONGEST_VALUE],
            scopes=tuple(dict.fromkeys([ALWAYS_GRANTED, *scopes])),
            response_type=values.get("response_type", "code"),
            rerequest=values.get("auth_type") == "rerequest",
            persona=persona if persona in world.personas else next(iter(world.personas)),
        )

    def problem(self, world: World) -> str | None:
        """Why this request gets an error page instead of a dialog."""
        if self.client_id != world.app.app_id:
            return "Invalid App ID: The provided app ID does not look like a valid app ID."
        if self.redirect_uri not in world.app.redirect_uris:
            return (
                "URL blocked: This redirect failed because the redirect URI is not white-listed in the app's "
                "client OAuth settings. It must match one of the registered addresses exactly."
            )
        if "code" not in self.response_type.replace(",", " ").split():
            return "Invalid response_type: only the code flow is supported here."
        return None

    def askable(self, world: World) -> list[str]:
        """The scopes this dialog asks for: declined ones only with `auth_type=rerequest`."""
        known = world.grants.get(world.personas[self.persona].user_id, {})
        return [scope for scope in self.scopes if self.rerequest or known.get(scope) != "declined"]


async def show_dialog(request: Request) -> Response:
    world: World = request.app.state.world
    asked = Asked.read(request.query_params, world)
    if problem := asked.problem(world):
        return _error_page(problem)
    return HTMLResponse(pages.consent(asked, world, request.url.path + "/decision"))


async def decide(request: Request) -> Response:
    """Turn the submitted form into grants and a redirect."""
    world: World = request.app.state.world
    pairs = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    values = dict(pairs)
    asked = Asked.read(values, world)
    if problem := asked.problem(world):
        return _error_page(problem)
    decision = values.get("decision", "")
    if decision not in DECISIONS:
        return _error_page("Choose one of the buttons: approve, only some, or cancel.")
    user_id = world.personas[asked.persona].user_id
    ticked = {value for name, value in pairs if name == "granted"}
    asked_now = asked.askable(world)
    granted = [s for s in asked_now if decision == "approve" or s in ticked or s == ALWAYS_GRANTED]
    world.ledger.append(
        "consent",
        world.now(),
        user_id=user_id,
        decision=decision,
        granted=[] if decision == "decline" else granted,
        asked=asked_now,
    )
    if decision == "decline":
        return _redirect(asked, _denied())
    grants = world.grants.setdefault(user_id, {})
    grants.update({scope: "granted" if scope in granted else "declined" for scope in asked_now})
    return _redirect(asked, _approved(world, asked, user_id))


def _approved(world: World, asked: Asked, user_id: str) -> dict[str, str]:
    value = "AQ" + secrets.token_urlsafe(96)
    expires_at = world.now() + world.settings.code_seconds
    world.codes[value] = AuthCode(user_id, asked.redirect_uri, expires_at)
    answer = {"code": value}
    if "granted_scopes" in asked.response_type:
        grants = world.grants[user_id]
        for status, name in (("granted", "granted_scopes"), ("declined", "denied_scopes")):
            answer[name] = ",".join(scope for scope in asked.scopes if grants.get(scope) == status)
    return answer


def _denied() -> dict[str, str]:
    return {
        "error": "access_denied",
        "error_code": "200",
        "error_description": "Permissions error.",
        "error_reason": "user_denied",
    }


def _redirect(asked: Asked, answer: dict[str, str]) -> Response:
    """Keep the query the address has; `state` is echoed as it came."""
    parts = urlsplit(asked.redirect_uri)
    query = "&".join(part for part in (parts.query, urlencode({**answer, "state": asked.state})) if part)
    return RedirectResponse(urlunsplit(parts._replace(query=query)), status_code=302)


def _error_page(problem: str) -> HTMLResponse:
    return HTMLResponse(pages.error(problem), status_code=400)

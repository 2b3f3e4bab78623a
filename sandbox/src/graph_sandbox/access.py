"""Who is calling and may they: version, token, proof, object and permission, in the order Graph checks.

Sources: https://developers.facebook.com/docs/graph-api/guides/versioning,
https://developers.facebook.com/docs/facebook-login/security (proofs),
https://developers.facebook.com/docs/graph-api/guides/error-handling (190 and its subcodes).
"""

import hmac
from datetime import UTC, datetime
from hashlib import sha256

from graph_sandbox.call import Call
from graph_sandbox.errors import GRAPH_METHOD, GraphError, unknown_path, unsupported
from graph_sandbox.personas import CLOSED, DISABLED, Account
from graph_sandbox.state import Token

CAN_WRITE = frozenset({"ADVERTISE", "MANAGE"})
CAN_READ_ADS = frozenset({"ads_read", "ads_management"})

INVALID_TOKEN_TEXTS = {
    458: "Error validating access token: The user has not authorized application {app_id}.",
    459: "Error validating access token: The session is invalid because the user has been checkpointed. "
    "The user must log in at https://www.facebook.com to continue.",
    460: "Error validating access token: The session has been invalidated because the user changed their "
    "password or Facebook has changed the session for security reasons.",
    463: "Error validating access token: Session has expired on {expired}. The current time is {now}.",
    464: "Error validating access token: Sessions for the user are not allowed because the user is not a "
    "confirmed user.",
    467: "Error validating access token: The access token is invalid since the user has logged out.",
}

AD_LIMIT = 2446079
TOO_MANY = "There have been too many calls to this ad-account. Wait a bit and try again."
THROTTLES: dict[int, tuple[str, int | None]] = {
    4: ("Application request limit reached", None),
    17: ("User request limit reached", AD_LIMIT),
    32: ("Page request limit reached", None),
    341: ("Application limit reached", None),
    613: ("Calls to this api have exceeded the rate limit.", 1487742),
    80000: (TOO_MANY, AD_LIMIT),
    80003: (TOO_MANY, AD_LIMIT),
    80004: (TOO_MANY, AD_LIMIT),
    80014: (TOO_MANY, AD_LIMIT),
}
"""Message and subcode of each throttle code. Source: Marketing API rate limiting."""


def check_version(call: Call, *, marketing: bool, always_upgrade: bool = False) -> None:
    """Decide which version serves the call.

    Raises:
        GraphError: 2635 for a Marketing call below the oldest live version while the gate refuses.
    """
    settings = call.world.settings
    asked = call.asked_version
    if asked is not None and asked > settings.latest_version:
        raise unknown_path(f"/v{asked}.0/{call.path}")
    if not marketing:
        call.version = max(asked or 0, settings.minimum_graph_version)
        return
    oldest = settings.minimum_marketing_version
    if asked is not None and asked >= oldest:
        call.version = asked
        return
    if asked is None or (settings.version_gate == "refuse" and not always_upgrade):
        call.version = oldest
        raise GraphError(
            "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest "
            f"version: v{settings.latest_version}.0.",
            code=2635,
        )
    call.version = oldest
    call.answer_headers["x-ad-api-version-warning"] = (
        f"The call has been auto-upgraded to v{oldest}.0 as v{asked}.0 has been deprecated."
    )


def check_token(call: Call) -> None:
    """Find the token and its user; app tokens are `{app id}|{app secret}` or issued ones."""
    raw = call.raw_token
    if not raw:
        if call.path.startswith("me"):
            raise GraphError(
                "An active access token must be used to query information about the current user.", code=2500
            )
        raise GraphError("An access token is required to request this resource.", code=104)
    app = call.world.app
    token = call.world.tokens.get(raw)
    if token is None and hmac.compare_digest(raw.encode(), f"{app.app_id}|{app.app_secret}".encode()):
        token = Token(raw, None, 0, 0)
    if token is None:
        raise GraphError("Invalid OAuth access token - Cannot parse access token", code=190)
    problem = token_problem(call, token)
    if problem is not None:
        raise problem
    call.token = token
    call.user = call.world.users.get(token.user_id) if token.user_id else None


def token_problem(call: Call, token: Token) -> GraphError | None:
    """The 190 this token gets now, or None while it is good."""
    now = call.world.now()
    subcode = token.invalid_subcode
    if subcode is None and token.expires_at and token.expires_at <= now:
        subcode = 463
    if subcode is None:
        return None
    expired = min(token.expires_at or now, now)
    text = INVALID_TOKEN_TEXTS.get(subcode, "Error validating access token: The session is invalid.")
    text = text.format(app_id=call.world.app.app_id, expired=_long_date(expired), now=_long_date(now))
    return GraphError(text, code=190, subcode=subcode, status=401)


def check_proof(call: Call) -> None:
    """Check `appsecret_proof` when it is there; plain, or bound to `appsecret_time`."""
    settings = call.world.settings
    proof, stamp = call.params.text("appsecret_proof"), call.params.text("appsecret_time")
    if not proof:
        if settings.require_proof:
            call.note = "proof_missing"
            raise GraphError(
                "API calls from the server require an appsecret_proof argument", code=100, kind=GRAPH_METHOD
            )
        return
    signed = call.raw_token or ""
    if stamp:
        signed = f"{signed}|{stamp}"
    wanted = hmac.new(call.world.app.app_secret.encode(), signed.encode(), sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), proof.encode()):
        call.note = "proof_wrong"
    elif stamp:
        call.note = _stamp_problem(call, stamp)
    if call.note is not None:
        raise GraphError("Invalid appsecret_proof provided in the API argument", code=100, kind=GRAPH_METHOD)


def check_account(call: Call, account_id: str, *, write: bool) -> Account:
    """The caller's own account, with the scope and role the call needs.

    Raises:
        GraphError: 100/33 unknown or foreign; 200 scope declined or account shut; 10 role too small.
    """
    account = call.world.accounts.get(account_id)
    user = call.user
    if account is None or user is None or account_id not in user.account_ids:
        raise unsupported(call.method, f"act_{account_id}")
    call.account = account
    scopes = set(call.world.granted_scopes(user.user_id))
    if not scopes & ({"ads_management"} if write else CAN_READ_ADS):
        raise GraphError(
            "(#200) Ad account owner has NOT grant ads_management or ads_read permission",
            code=200,
            status=403,
        )
    if write and not CAN_WRITE & set(user.tasks):
        raise GraphError(
            "(#10) The user does not have permission to manage campaigns in this ad account",
            code=10,
            status=403,
        )
    if write and account.account_status in {DISABLED, CLOSED}:
        word = "disabled" if account.account_status == DISABLED else "closed"
        raise GraphError(
            f"(#200) This ad account is {word}",
            code=200,
            status=403,
            title=f"Ad account {word}",
            user_message=f"The ad account is {word}, so no ads can be created or changed in it.",
        )
    return account


def check_throttle(call: Call) -> None:
    """Refuse while the account is throttled; the usage headers say for how long."""
    account = call.account
    if account is not None and account.throttled_until > call.world.now():
        raise throttle_error(account.throttle_code)


def throttle_error(code: int) -> GraphError:
    """The refusal of each limit, with the subcode seen with it."""
    message, subcode = THROTTLES.get(code, THROTTLES[80004])
    return GraphError(
        f"(#{code}) {message}",
        code=code,
        subcode=subcode,
        title="Ad account has too many API calls" if subcode == AD_LIMIT else None,
        user_message=message if subcode == AD_LIMIT else None,
    )


def _stamp_problem(call: Call, stamp: str) -> str | None:
    """Why a well-signed stamp is refused: not a time, older than it may be, or from the future."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= len("9999999999")):
        return "proof_time_unreadable"
    age_seconds = call.world.now() - int(stamp)
    if age_seconds > call.world.settings.proof_seconds:
        return "proof_expired"
    return "proof_from_future" if -age_seconds > call.world.settings.proof_future_seconds else None


def _long_date(unix_seconds: float) -> str:
    return datetime.fromtimestamp(unix_seconds, UTC).strftime("%A, %d-%b-%y %H:%M:%S UTC")

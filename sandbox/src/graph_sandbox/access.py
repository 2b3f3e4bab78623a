"""Who is calling and may they: version, token, proof, object and permission, in the order Graph checks.

Sources: https://developers.facebook.com/docs/graph-api/guides/versioning,
https://developers.facebook.com/docs/facebook-login/security (proofs),
https://developers.facebook.com/docs/graph-api/guides/error-handling (190 and its subcodes).
"""

import hmac
from datetime import UTC, datetime
from hashlib import sha256

from graph_sandbox.call import Call
from graph_sandbox.errors import GraphError
from graph_sandbox.personas import CLOSED, DISABLED, Account
from graph_sandbox.refusals import (
    BAD_PROOF,
    BAD_TOKEN,
    DEAD_TOKENS,
    DEAD_VERSION,
    NO_PROOF,
    NO_ROLE,
    NO_SCOPE,
    NO_TOKEN,
    NO_TOKEN_FOR_ME,
    SHUT_ACCOUNTS,
    unknown_path,
    unsupported,
)
from graph_sandbox.state import Token

CAN_WRITE = frozenset({"ADVERTISE", "MANAGE"})
SHUT = {DISABLED: "disabled", CLOSED: "closed"}
CAN_READ_ADS = frozenset({"ads_read", "ads_management"})


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
        raise DEAD_VERSION.error(latest=settings.latest_version)
    call.version = oldest
    call.answer_headers["x-ad-api-version-warning"] = (
        f"The call has been auto-upgraded to v{oldest}.0 as v{asked}.0 has been deprecated."
    )


def check_token(call: Call) -> None:
    """Find the token and its user; app tokens are `{app id}|{app secret}` or issued ones."""
    raw = call.raw_token
    if not raw:
        raise (NO_TOKEN_FOR_ME if call.path.startswith("me") else NO_TOKEN).error()
    app = call.world.app
    token = call.world.tokens.get(raw)
    if token is None and hmac.compare_digest(raw.encode(), f"{app.app_id}|{app.app_secret}".encode()):
        token = Token(raw, None, 0, 0)
    if token is None:
        raise BAD_TOKEN.error()
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
    return DEAD_TOKENS[subcode].error(
        app_id=call.world.app.app_id, expired=_long_date(expired), now=_long_date(now)
    )


def check_proof(call: Call) -> None:
    """Check `appsecret_proof` when it is there; plain, or bound to `appsecret_time`."""
    settings = call.world.settings
    proof, stamp = call.params.text("appsecret_proof"), call.params.text("appsecret_time")
    if not proof:
        if settings.require_proof:
            call.note = "proof_missing"
            raise NO_PROOF.error()
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
        raise BAD_PROOF.error()


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
        raise NO_SCOPE.error()
    if write and not CAN_WRITE & set(user.tasks):
        raise NO_ROLE.error()
    if write and account.account_status in SHUT:
        raise SHUT_ACCOUNTS[SHUT[account.account_status]].error()
    return account


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

"""Refusals that do not depend on what a create or update says: version, token, permission, limits, reading.

Each is an entry, like a rule: what Graph answers, when, and where that is known from.
Sources: https://developers.facebook.com/docs/graph-api/guides/error-handling,
https://developers.facebook.com/docs/marketing-api/error-reference
"""

from graph_sandbox.errors import GRAPH_METHOD, UNAUTHORIZED, GraphError
from graph_sandbox.limit_refusals import BUDGET_EDITS, MUTATIONS, THROTTLES
from graph_sandbox.login_refusals import LOGIN_REFUSALS
from graph_sandbox.refusal import Refusal

GRAPH_ERRORS = "https://developers.facebook.com/docs/graph-api/guides/error-handling"
VERSIONS = "https://developers.facebook.com/docs/graph-api/guides/versioning"
SECURITY = "https://developers.facebook.com/docs/facebook-login/security"
BATCHES = "https://developers.facebook.com/docs/graph-api/batch-requests"
RESULTS = "https://developers.facebook.com/docs/graph-api/results"
FORBIDDEN = 403
SESSION = "Error validating access token: "


UNKNOWN_PATH = Refusal(
    "path.unknown", "no such node, edge or version", "Unknown path components: {path}", 2500, "field"
)
DEAD_VERSION = Refusal(
    "version.dead",
    "a Marketing call below the oldest live version, or without one, while `version_gate` refuses",
    "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: "
    "v{latest}.0.",
    2635,
    "doc",
    VERSIONS,
)
NO_TOKEN_FOR_ME = Refusal(
    "token.missing_me",
    "no token, on `/me`",
    "An active access token must be used to query information about the current user.",
    2500,
    "field",
)
NO_TOKEN = Refusal(
    "token.missing", "no token", "An access token is required to request this resource.", 104, "field"
)
BAD_TOKEN = Refusal(
    "token.unreadable",
    "a token that was never issued here",
    "Invalid OAuth access token - Cannot parse access token",
    190,
    "field",
)
NO_PROOF = Refusal(
    "proof.missing",
    "no `appsecret_proof`, while `require_proof` is set",
    "API calls from the server require an appsecret_proof argument",
    100,
    "doc",
    SECURITY,
    kind=GRAPH_METHOD,
)
BAD_PROOF = Refusal(
    "proof.invalid",
    "a proof of another secret or token, or a stamp older than `proof_seconds` or from the future",
    "Invalid appsecret_proof provided in the API argument",
    100,
    "doc",
    SECURITY,
    kind=GRAPH_METHOD,
)
UNSUPPORTED = Refusal(
    "object.unsupported",
    "gone, foreign, or not an operation of this object: Meta does not say which",
    "Unsupported {method} request. Object with ID '{object_id}' does not exist, cannot be loaded due to "
    "missing permissions, or does not support this operation. Please read the Graph API documentation at "
    "https://developers.facebook.com/docs/graph-api",
    100,
    "field",
    subcode=33,
    kind=GRAPH_METHOD,
)
NO_SCOPE = Refusal(
    "permission.scope",
    "the person did not grant `ads_management` (for reads: nor `ads_read`)",
    "(#200) Ad account owner has NOT grant ads_management or ads_read permission",
    200,
    "field",
    status=FORBIDDEN,
)
NO_ROLE = Refusal(
    "permission.role",
    "a change by a person who may only look",
    "(#10) The user does not have permission to manage campaigns in this ad account",
    10,
    "inferred",
    status=FORBIDDEN,
)
SHUT_ACCOUNTS = {
    word: Refusal(
        f"account.{word}",
        f"a change in an ad account that is {word}",
        f"(#200) This ad account is {word}",
        200,
        "inferred",
        status=FORBIDDEN,
        title=f"Ad account {word}",
        user_message=f"The ad account is {word}, so no ads can be created or changed in it.",
    )
    for word in ("disabled", "closed")
}
PARAM = Refusal(
    "param.invalid", "a parameter of the wrong type or value", "(#100) Param {param} {what}", 100, "field"
)
DATE_FORMAT = Refusal(
    "param.date_format",
    "`date_format`, in every version since 2026-10-27",
    "(#100) Param date_format is no longer supported.",
    100,
    "field",
    VERSIONS,
)
PARAM_MISSING = Refusal(
    "param.missing",
    "a parameter that the call needs",
    "(#100) The parameter {param} is required.",
    100,
    "spec",
)
BODY = Refusal(
    "body.unreadable",
    "a body that is not what its content type says",
    "(#100) The request body is not a valid {what}.",
    100,
    "inferred",
)
FIELDS_SYNTAX = Refusal(
    "fields.syntax",
    "braces in `fields` that do not match",
    "Syntax error in fields: {what}",
    2500,
    "inferred",
)
FIELD_UNKNOWN = Refusal(
    "fields.unknown",
    "a field that the node does not have",
    "(#100) Tried accessing nonexisting field ({name}) on node type ({node})",
    100,
    "field",
)
FILTER_UNSUPPORTED = Refusal(
    "filtering.unsupported",
    "a field or operator that the edge cannot filter by",
    "(#100) Filtering field '{name}' with operation '{operator}' is not supported",
    100,
    "field",
)
TIME_RANGE_TOO_OLD = Refusal(
    "time_range.old",
    "a `time_range` that began more than 37 months ago",
    "(#3018) The start date of the time range cannot be beyond 37 months from the current date",
    3018,
    "doc",
)
CURSOR = Refusal(
    "paging.cursor", "a cursor from elsewhere", "(#100) Invalid cursors values", 100, "inferred", RESULTS
)
BATCH_TOO_LONG = Refusal(
    "batch.length",
    "more than 50 members",
    "(#100) Too many requests in batch message. Maximum batch size is {most}",
    100,
    "doc",
    BATCHES,
)

DEAD_TOKENS = {
    subcode: Refusal(
        f"token.{subcode}", when, SESSION + text, 190, "field", GRAPH_ERRORS, subcode, status=UNAUTHORIZED
    )
    for subcode, when, text in (
        (458, "the person removed the app", "The user has not authorized application {app_id}."),
        (
            459,
            "the person is checkpointed",
            (
                "The session is invalid because the user has been checkpointed. The user must log in at "
                "https://www.facebook.com to continue."
            ),
        ),
        (
            460,
            "the password changed",
            (
                "The session has been invalidated because the user changed their password or Facebook has "
                "changed the session for security reasons."
            ),
        ),
        (463, "it has expired", "Session has expired on {expired}. The current time is {now}."),
        (
            464,
            "the person is not confirmed",
            "Sessions for the user are not allowed because the user is not a confirmed user.",
        ),
        (467, "the person logged out", "The access token is invalid since the user has logged out."),
    )
}


REFUSALS: tuple[Refusal, ...] = (
    UNKNOWN_PATH,
    DEAD_VERSION,
    NO_TOKEN_FOR_ME,
    NO_TOKEN,
    BAD_TOKEN,
    *DEAD_TOKENS.values(),
    NO_PROOF,
    BAD_PROOF,
    UNSUPPORTED,
    NO_SCOPE,
    NO_ROLE,
    *SHUT_ACCOUNTS.values(),
    *THROTTLES.values(),
    MUTATIONS,
    BUDGET_EDITS,
    PARAM,
    DATE_FORMAT,
    PARAM_MISSING,
    BODY,
    FIELDS_SYNTAX,
    FIELD_UNKNOWN,
    FILTER_UNSUPPORTED,
    TIME_RANGE_TOO_OLD,
    CURSOR,
    BATCH_TOO_LONG,
    *LOGIN_REFUSALS,
)


def unsupported(method: str, object_id: str) -> GraphError:
    return UNSUPPORTED.error(method=method.lower(), object_id=object_id)


def unknown_path(path: str) -> GraphError:
    return UNKNOWN_PATH.error(path=path)


def invalid_param(name: str, what: str) -> GraphError:
    """A parameter of the wrong type; Graph numbers these with a `(#100)` prefix and no subcode."""
    return PARAM.error(param=name, what=what)


def missing_param(name: str) -> GraphError:
    return PARAM_MISSING.error(param=name)

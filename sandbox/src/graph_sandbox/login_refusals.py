"""What Graph answers when a login code or the app's own credentials are not taken."""

from graph_sandbox.refusal import Refusal

LOGIN = "https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow"

APP_UNKNOWN = Refusal(
    "login.app",
    "another `client_id`",
    "Error validating application. Cannot get application info due to a system error.",
    101,
    "field",
)
APP_SECRET = Refusal("login.secret", "another `client_secret`", "Error validating client secret.", 1, "field")
CODE_UNKNOWN = Refusal(
    "login.code",
    "a code that was never issued",
    "Invalid verification code format.",
    100,
    "field",
    LOGIN,
    36007,
)
CODE_USED = Refusal(
    "login.code_used",
    "a code for the second time",
    "This authorization code has been used.",
    100,
    "field",
    LOGIN,
    36009,
)
CODE_EXPIRED = Refusal(
    "login.code_expired",
    "a code older than `code_seconds`",
    "This authorization code has expired.",
    100,
    "field",
    LOGIN,
    36007,
)
REDIRECT_DIFFERS = Refusal(
    "login.redirect_uri",
    "another `redirect_uri` than the dialog's",
    "Error validating verification code. Please make sure your redirect_uri is identical to the one you used "
    "in the OAuth dialog request",
    100,
    "field",
    LOGIN,
    36008,
)
LOGIN_REFUSALS = (APP_UNKNOWN, APP_SECRET, CODE_UNKNOWN, CODE_USED, CODE_EXPIRED, REDIRECT_DIFFERS)

"""What Graph answers when a limit is used up.

Source: https://developers.facebook.com/docs/marketing-api/overview/rate-limiting
"""

from graph_sandbox.errors import GraphError
from graph_sandbox.refusal import Refusal
from graph_sandbox.rule import Source

LIMITS = "https://developers.facebook.com/docs/marketing-api/overview/rate-limiting"
AD_LIMIT = 2446079
TOO_MANY = "There have been too many calls to this ad-account. Wait a bit and try again."


def _limit(code: int, when: str, message: str, subcode: int | None = None, source: Source = "doc") -> Refusal:
    is_ad_limit = subcode == AD_LIMIT
    return Refusal(
        f"limit.{code}" + (f"_{subcode}" if code == 613 and subcode else ""),  # noqa: PLR2004 - the code with several
        when,
        f"(#{code}) {message}",
        code,
        source,
        LIMITS,
        subcode,
        title="Ad account has too many API calls" if is_ad_limit else None,
        user_message=message if is_ad_limit else None,
    )


USE_CASE = "a fault; the hourly limit of this use case"
THROTTLES = {
    4: _limit(4, "the hourly calls of the app are used up", "Application request limit reached"),
    17: _limit(17, "the score of the ad account is full", "User request limit reached", AD_LIMIT),
    32: _limit(32, "a fault; the hourly limit of pages", "Page request limit reached"),
    341: _limit(341, "a fault", "Application limit reached"),
    613: _limit(613, "a fault; too many calls", "Calls to this api have exceeded the rate limit.", 1487742),
    80000: _limit(80000, USE_CASE, TOO_MANY, AD_LIMIT),
    80003: _limit(80003, USE_CASE, TOO_MANY, AD_LIMIT),
    80004: _limit(80004, "the hourly ads-management calls of the ad account are used up", TOO_MANY, AD_LIMIT),
    80014: _limit(80014, USE_CASE, TOO_MANY, AD_LIMIT),
}
"""By code; pages, Instagram and other use cases have codes of their own and no subcode."""

MUTATIONS = _limit(
    613,
    "more than 100 changes a second in one ad account",
    "Calls to this api have exceeded the rate limit of 100 mutations per second.",
    5044001,
)
BUDGET_EDITS = _limit(
    613,
    "more than four changes of an ad set's budget an hour",
    "Calls to this api have exceeded the rate limit: an ad set's budget can be changed 4 times an hour.",
    1487632,
)


def throttle_error(code: int) -> GraphError:
    """The refusal of each limit, with the subcode seen with it."""
    known = THROTTLES.get(code)
    if known is not None:
        return known.error()
    error = THROTTLES[80004].error()
    error.code, error.message = code, f"(#{code}) Calls to this api have exceeded the rate limit."
    error.subcode = error.title = error.user_message = None
    return error

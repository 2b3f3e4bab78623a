"""What a Meta error means for the person who reads it: the hint, and who can do something about it.

Keyed on code and subcode, never on `type` (nearly everything is an OAuthException) nor on texts.
Source: https://developers.facebook.com/docs/marketing-api/error-reference
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ads_publisher.outcomes import MetaError
from contracts.events import FixedBy

Kind = Literal["fatal", "throttle", "token", "proof", "gone"]
"""What the publisher does: fail the run, wait, ask for a reconnect, stamp afresh, treat as deleted."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    kind: Kind
    hint: str
    fixed_by: FixedBy


_RECONNECT: Final = Advice(kind="token", hint="Reconnect Meta in Settings.", fixed_by="user")
_LOG_IN_AT_FACEBOOK: Final = Advice(
    kind="fatal",
    hint="Log in at facebook.com and confirm your account there. Then publish again.",
    fixed_by="user",
)
_WAIT: Final = Advice(
    kind="throttle", hint="Meta limits how often this can be called. We wait.", fixed_by="meta"
)
_POLICY: Final = Advice(
    kind="fatal",
    hint="Meta has blocked this action. See Account Quality at facebook.com/accountquality.",
    fixed_by="user",
)
_PERMISSION: Final = Advice(
    kind="fatal",
    hint="Ask an admin of the ad account to give you the Advertise task. Then reconnect Meta in Settings.",
    fixed_by="ad_account_admin",
)
_VERSION: Final = Advice(
    kind="fatal", hint="Set META_GRAPH_VERSION to a version that Meta still serves.", fixed_by="operator"
)
_PROOF: Final = Advice(
    kind="proof", hint="Check META_APP_SECRET and the clock of this machine.", fixed_by="operator"
)
_DSA: Final = Advice(
    kind="fatal",
    hint="Set the default beneficiary and payor of the ad account in Meta Ads Manager"
    " or META_DSA_BENEFICIARY and META_DSA_PAYOR for the publisher.",
    fixed_by="ad_account_admin",
)
_BUDGET: Final = Advice(kind="fatal", hint="Raise the budget in Ads → Setup.", fixed_by="user")
_OURS: Final = Advice(
    kind="fatal", hint="Contact support: the request does not suit this ad account.", fixed_by="operator"
)

BY_CODE_AND_SUBCODE: Final[Mapping[tuple[int, int | None], Advice]] = {
    (3, None): Advice(kind="fatal", hint="The Meta app lacks this capability.", fixed_by="operator"),
    (10, None): _PERMISSION,
    (100, 33): Advice(
        kind="gone",
        hint="Meta does not show this object to you. Select the ad account again or ask its admin.",
        fixed_by="ad_account_admin",
    ),
    (100, 1487901): _BUDGET,
    (100, 1885272): _BUDGET,
    (100, 1885364): Advice(kind="fatal", hint="Set where to advertise in Ads → Setup.", fixed_by="user"),
    (100, 1885183): Advice(
        kind="fatal", hint="Switch the Meta app to Live in the App Dashboard.", fixed_by="operator"
    ),
    (100, 3858079): _DSA,
    (100, 3858081): _DSA,
    (102, None): _RECONNECT,
    (104, None): _PROOF,
    (190, None): _RECONNECT,
    (190, 459): _LOG_IN_AT_FACEBOOK,
    (190, 464): _LOG_IN_AT_FACEBOOK,
    (200, None): _PERMISSION,
    (200, 4841013): _WAIT,
    (270, None): Advice(
        kind="fatal", hint="The Meta app needs a higher access tier for this ad account.", fixed_by="operator"
    ),
    (294, None): Advice(
        kind="fatal", hint="The Meta app needs ads_management with advanced access.", fixed_by="operator"
    ),
    (300, None): _OURS,
    (368, None): _POLICY,
    (900, None): Advice(kind="fatal", hint="Check META_APP_ID.", fixed_by="operator"),
    (2635, None): _VERSION,
    (2641, None): Advice(kind="fatal", hint="Change the location in Ads → Setup.", fixed_by="user"),
}
OPERATOR_CODES: Final = (
    "INTERNAL",
    "CONFIG_ERROR",
    "META_UNCONFIRMED",
    *(
        f"META_{code}"
        for code in sorted({code for code, _ in BY_CODE_AND_SUBCODE})
        if all(advice.fixed_by == "operator" for key, advice in BY_CODE_AND_SUBCODE.items() if key[0] == code)
    ),
)
"""Codes of failed runs that nobody but the operator can mend: an alert rule names them."""
KNOWN_CODES: Final = frozenset(
    {
        *OPERATOR_CODES,
        "MISSING_PREREQUISITE",
        "DSA_MISSING",
        *(f"META_{code}" for code, _ in BY_CODE_AND_SUBCODE),
    }
)
"""Codes of failed runs that are counted from 0, so that the first one can be seen to come."""
_THROTTLES: Final = frozenset({4, 17, 32, 341, 613, *range(80000, 80015)})
_PERMISSIONS: Final = range(200, 300)


def advise(error: MetaError) -> Advice:
    """Choose the advice for an error: by code and subcode, else by code, else by family."""
    if error.code in _THROTTLES:
        return _WAIT
    for key in ((error.code, error.subcode), (error.code, None)):
        if key in BY_CODE_AND_SUBCODE:
            return BY_CODE_AND_SUBCODE[key]
    if error.code in _PERMISSIONS:
        return _PERMISSION
    if error.code == 100 and "appsecret_proof" in error.message:  # noqa: PLR2004 - Meta gives it no code of its own
        return _PROOF
    return _OURS


def describe(error: MetaError, advice: Advice) -> str:
    """The run's text: `<code>[ (sub <subcode>)]: <message>. <hint>`, the fact before the first comma."""
    subcode = f" (sub {error.subcode})" if error.subcode else ""
    message = error.message.removeprefix(f"(#{error.code})").strip()
    if error.user_message:
        message = f"{error.user_title}: {error.user_message}" if error.user_title else error.user_message
    return f"{error.code}{subcode}: {message.strip().rstrip('.')}. {advice.hint}"

"""What guards each route of the gateway. A new route gets one line here; the matrix does the rest."""

from enum import Enum, auto
from typing import Final


class Guard(Enum):
    """Who may call a route, and therefore how everybody else is answered."""

    OPEN = auto()
    """Anybody; it knows nothing of any customer."""
    ACCOUNT = auto()
    """Anybody; it looks at the cookie or at a password itself and answers for that person only."""
    OWN_SESSION = auto()
    """A session, checked by the route itself with the texts of `GET /auth/me`."""
    SESSION = auto()
    """A session; it shows no customer's data, so it reads no customer header."""
    SESSION_AND_OPTIONAL_CUSTOMER = auto()
    """A session; a customer header may be missing, but a foreign one is refused."""
    CUSTOMER = auto()
    """A session and the header with its customer."""
    CUSTOMER_BY_HEADER_OR_QUERY = auto()
    """The same, or `customerId` in the query, for an EventSource."""
    REDIRECT = auto()
    """Always a redirect to the frontend, whoever comes."""
    SIGNED_BY_META = auto()
    """No session; a signature of Meta's over the body."""


ROUTES: Final = {
    "GET /health": Guard.OPEN,
    "GET /health/live": Guard.OPEN,
    "GET /health/ready": Guard.OPEN,
    "POST /signup": Guard.ACCOUNT,
    "POST /auth/login": Guard.ACCOUNT,
    "POST /auth/logout": Guard.ACCOUNT,
    "GET /auth/me": Guard.OWN_SESSION,
    "GET /auth/sessions": Guard.SESSION,
    "POST /auth/sessions/{session_id}/end": Guard.SESSION,
    "POST /auth/logout-everywhere": Guard.SESSION,
    "POST /auth/password": Guard.SESSION,
    "POST /auth/password-reset": Guard.ACCOUNT,
    "POST /auth/password-reset/confirm": Guard.ACCOUNT,
    "POST /meta/deauthorize": Guard.SIGNED_BY_META,
    "POST /meta/data-deletion": Guard.SIGNED_BY_META,
    "GET /meta/data-deletion/{code}": Guard.OPEN,
    "GET /meta/status": Guard.CUSTOMER,
    "GET /meta/oauth/connect-url": Guard.CUSTOMER,
    "GET /meta/oauth/callback": Guard.REDIRECT,
    "POST /meta/dev-connect": Guard.CUSTOMER,
    "POST /meta/disconnect": Guard.CUSTOMER,
    "GET /meta/ad-accounts": Guard.CUSTOMER,
    "POST /meta/ad-accounts/select": Guard.CUSTOMER,
    "GET /meta/debug/smoke": Guard.CUSTOMER,
    "GET /ads/status": Guard.CUSTOMER,
    "POST /ads/settings": Guard.CUSTOMER,
    "POST /ads/publish": Guard.CUSTOMER,
    "POST /ads/sync": Guard.CUSTOMER,
    "GET /ads/runs": Guard.CUSTOMER,
    "GET /ads/runs/{run_id}": Guard.CUSTOMER,
    "GET /ads/runs/{run_id}/bundle": Guard.CUSTOMER,
    "GET /ads/runs/{run_id}/events": Guard.CUSTOMER_BY_HEADER_OR_QUERY,
    "GET /runs": Guard.SESSION_AND_OPTIONAL_CUSTOMER,
    "GET /ads/objects": Guard.CUSTOMER,
    "GET /inventory/items": Guard.SESSION,
    "GET /templates/config": Guard.SESSION,
    "GET /onboarding/status": Guard.SESSION,
}
"""Every operation of the OpenAPI document."""

UNDOCUMENTED: Final = {
    "HEAD /health",
    "GET /docs",
    "GET /openapi.json",
    "HEAD /openapi.json",
}
"""What the gateway serves beside them; none of it knows a customer."""

OBJECT_PLACES: Final = {
    "POST /auth/sessions/{session_id}/end": ("path", "session_id"),
    "GET /meta/data-deletion/{code}": ("path", "code"),
    "GET /ads/runs/{run_id}": ("path", "run_id"),
    "GET /ads/runs/{run_id}/bundle": ("path", "run_id"),
    "GET /ads/runs/{run_id}/events": ("path", "run_id"),
    "GET /ads/runs": ("query", "before"),
    "GET /runs": ("query", "before"),
    "POST /meta/ad-accounts/select": ("body", "adAccountId"),
}
"""Where a request names an object of a customer."""

NEEDED_QUERY: Final = {"GET /runs": {"type": "ads"}}
"""Without these a route answers 400 before it looks at anything."""

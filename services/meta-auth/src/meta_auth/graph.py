"""Read-only Graph client, and the one call that takes a grant back.

The token travels in the `Authorization` header, with a proof that the app's secret is ours: with the app's
own token as well, although Meta could do without, so that no call is an exception. Reads are repeated on
transient failures, since that changes nothing at Meta.
Source: https://developers.facebook.com/docs/graph-api, https://developers.facebook.com/docs/facebook-login/security
"""

import asyncio
import hmac
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import httpx2
from pydantic import SecretStr

from chassis.errors import MetaApiError, Unavailable
from chassis.telemetry import get_logger
from contracts.internal import MetaUser
from meta_auth.graph_errors import MetaRefused, read_refusal
from meta_auth.metrics import annotate_status, meta_call
from meta_auth.settings import MetaApp
from meta_auth.transport import CLIENT_OPTIONS, MetaTransport, no_answer

PAGE_SIZE: Final = 100
MAX_PAGES: Final = 50
"""5,000 ad accounts; beyond that the list would be of no use to a person anyway."""
READ_ATTEMPTS: Final = 3
RETRY_PAUSE_SECONDS: Final = 0.25
SERVER_ERROR: Final = 500
LAST_SECOND: Final = 253_402_300_799
"""The year 9999 ends: later times cannot be kept."""
ACCOUNT_FIELDS: Final = (
    "id,name,account_status,currency,user_tasks,min_daily_budget,default_dsa_beneficiary,default_dsa_payor"
)

_PERSON_ID: Final = re.compile(r"[0-9]{1,25}")
_ACCOUNT_ID: Final = re.compile(r"act_[0-9]{1,25}")

_CALLS: Final = {
    ("GET", "debug_token"): "debug_token",
    ("GET", "me"): "me",
    ("GET", "me/permissions"): "permissions",
    ("GET", "me/adaccounts"): "ad_accounts",
    ("DELETE", "me/permissions"): "revoke",
}
"""How metrics name the calls."""

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class GraphAccount:
    """One ad account as Meta describes it. The budget is in minor units of the currency."""

    id: str
    name: str | None
    status: int | None
    currency: str | None
    tasks: frozenset[str] | None
    min_daily_budget_minor: int | None
    dsa_beneficiary: str | None
    dsa_payor: str | None


@dataclass(frozen=True, kw_only=True)
class TokenFacts:
    """What Meta says about a token. A time is None where Meta names no end."""

    app_id: str
    user_id: str
    is_valid: bool
    scopes: list[str]
    expires_at: datetime | None
    data_access_expires_at: datetime | None
    code: int | None
    subcode: int | None
    """Why it is not valid."""


class Graph:
    """Graph of one version, for one app."""

    def __init__(
        self,
        *,
        base_url: str,
        version: str,
        app: MetaApp,
        transport: MetaTransport,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self._root = f"{base_url}/{version}"
        self._app_secret = app.app_secret
        self._app_token = SecretStr(f"{app.app_id}|{app.app_secret.get_secret_value()}")
        self._page_size = page_size
        self._client = httpx2.AsyncClient(transport=transport, **CLIENT_OPTIONS)

    async def me(self, token: SecretStr) -> MetaUser:
        """The person that the token belongs to.

        Raises:
            MetaApiError: Meta refused, or answered something unreadable.
            Unavailable: Meta did not answer. The same goes for the other reads.
        """
        body = await self._read("me", token, {"fields": "id,name"})
        return MetaUser(id=_id(body, _PERSON_ID), name=str(body.get("name") or ""))

    async def inspect(self, token: SecretStr) -> TokenFacts:
        """What Meta says about a token, asked as the app; a dead token is an answer, not an error.

        The one call with a user's token in its address: Meta documents no other place for `input_token`.
        Addresses go into no log, span or metric of ours.
        Source: https://developers.facebook.com/docs/graph-api/reference/debug_token
        """
        body = await self._read("debug_token", self._app_token, {"input_token": token.get_secret_value()})
        return read_facts(body)

    async def granted_scopes(self, token: SecretStr) -> list[str]:
        """What the person granted; the dialog may have been answered with less than was asked."""
        body = await self._read("me/permissions", token, {})
        return [_text(row, "permission") for row in _rows(body) if row.get("status") == "granted"]

    async def ad_accounts(self, token: SecretStr) -> list[GraphAccount]:
        """Every ad account of the person, page by page."""
        accounts: list[GraphAccount] = []
        params = {"fields": ACCOUNT_FIELDS, "limit": str(self._page_size)}
        for _ in range(MAX_PAGES):
            body = await self._read("me/adaccounts", token, params)
            accounts += [_account(row) for row in _rows(body)]
            after = _next_cursor(body)
            if after is None:
                return accounts
            params["after"] = after
        _log.warning("ad_account_list_cut", accounts=len(accounts))
        return accounts

    async def revoke(self, token: SecretStr) -> None:
        """Take back everything that the person granted to the app."""
        await self._once("DELETE", "me/permissions", token, {})

    async def _read(self, path: str, token: SecretStr, params: dict[str, str]) -> dict[str, Any]:
        for attempt in range(1, READ_ATTEMPTS):
            try:
                return await self._once("GET", path, token, params)
            except (MetaRefused, Unavailable) as exc:
                if isinstance(exc, MetaRefused) and not exc.is_transient:
                    raise
                await asyncio.sleep(RETRY_PAUSE_SECONDS * attempt)
        return await self._once("GET", path, token, params)

    async def _once(self, method: str, path: str, token: SecretStr, params: dict[str, str]) -> dict[str, Any]:
        with meta_call(_CALLS[method, path], method, f"/{path}", host=str(httpx2.URL(self._root).host)):
            try:
                response = await self._client.request(
                    method,
                    f"{self._root}/{path}",
                    params={**params, **_proof(token, self._app_secret)},
                    headers={"authorization": f"Bearer {token.get_secret_value()}"},
                )
            except httpx2.TransportError as exc:
                raise no_answer() from exc
            annotate_status(response)
            return read_answer(response)


def read_answer(response: httpx2.Response) -> dict[str, Any]:
    """The JSON object in an answer of Meta.

    Raises:
        MetaRefused: it is Graph's error envelope.
        Unavailable: a server error without one.
        MetaApiError: anything else that is not what Graph answers.
    """
    try:
        body = response.json()
    except ValueError:
        body = None
    refused = read_refusal(body)
    if refused is not None:
        _log.warning(
            "meta_refused", meta_code=refused.meta_code, subcode=refused.subcode, fbtrace_id=refused.trace_id
        )
        raise refused
    if response.status_code >= SERVER_ERROR:
        raise Unavailable(f"Meta answered with HTTP {response.status_code}.", hint="Try again in a moment.")
    if not response.is_success or not isinstance(body, dict):
        raise MetaApiError(f"Meta's answer cannot be read (HTTP {response.status_code}).")
    return body


def read_facts(body: dict[str, Any]) -> TokenFacts:
    """The answer to `debug_token`.

    Raises:
        MetaApiError: it is something else.
    """
    data = body.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("is_valid"), bool):
        raise MetaApiError("Meta's answer does not describe a token.")
    scopes, error = data.get("scopes"), data.get("error")
    reason = error if isinstance(error, dict) else {}
    return TokenFacts(
        # Meta's own sample shows a number, its servers send a text.
        app_id=str(data.get("app_id", "")),
        user_id=str(data.get("user_id", "")),
        is_valid=data["is_valid"],
        scopes=[str(scope) for scope in scopes] if isinstance(scopes, list) else [],
        expires_at=_moment(data.get("expires_at")),
        data_access_expires_at=_moment(data.get("data_access_expires_at")),
        code=_number(reason.get("code")),
        subcode=_number(reason.get("subcode")),
    )


def _moment(seconds: Any) -> datetime | None:
    number = _number(seconds)
    return datetime.fromtimestamp(number, UTC) if number and number <= LAST_SECOND else None


def _proof(token: SecretStr, app_secret: SecretStr) -> dict[str, str]:
    now = str(int(time.time()))
    message = f"{token.get_secret_value()}|{now}".encode()
    digest = hmac.new(app_secret.get_secret_value().encode(), message, sha256).hexdigest()
    return {"appsecret_proof": digest, "appsecret_time": now}


def _rows(body: dict[str, Any]) -> list[dict[str, Any]]:
    rows = body.get("data")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MetaApiError("Meta's answer has no list of data.")
    return rows


def _next_cursor(body: dict[str, Any]) -> str | None:
    # `paging.next` holds the token and could lead anywhere: it only says that there is more.
    paging = body.get("paging")
    if not isinstance(paging, dict) or "next" not in paging:
        return None
    after = (paging.get("cursors") or {}).get("after")
    return after if isinstance(after, str) else None


def _account(row: dict[str, Any]) -> GraphAccount:
    tasks = row.get("user_tasks")
    return GraphAccount(
        id=_id(row, _ACCOUNT_ID),
        name=row.get("name"),
        status=row.get("account_status"),
        currency=row.get("currency"),
        tasks=frozenset(tasks) if isinstance(tasks, list) else None,
        min_daily_budget_minor=_number(row.get("min_daily_budget")),
        dsa_beneficiary=row.get("default_dsa_beneficiary") or None,
        dsa_payor=row.get("default_dsa_payor") or None,
    )


def _number(value: Any) -> int | None:
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else None


def _id(row: dict[str, Any], shape: re.Pattern[str]) -> str:
    # Ids are kept, compared, and put into paths by the publisher: what is none stops here.
    value = _text(row, "id")
    if not shape.fullmatch(value):
        raise MetaApiError("Meta's answer has an id that cannot be one.")
    return value


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise MetaApiError(f"Meta's answer has no {key}.")
    return value

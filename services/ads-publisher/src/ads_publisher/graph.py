"""The Marketing API over httpx: paths, proof, limits, and the one place that says what an outcome means.

No business rule, no retry. Source: https://developers.facebook.com/docs/marketing-api/
"""

import asyncio
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from opentelemetry.trace import SpanKind

from chassis.telemetry import span

MAX_BODY_BYTES: Final = 1_048_576
"""A longer answer is not one of Meta's."""
PROOF_VALID_SECONDS: Final = 300
"""Meta refuses a time-stamped proof that is older.
Source: https://developers.facebook.com/docs/facebook-login/security"""
IDLE_CONNECTION_SECONDS: Final = 5.0
"""A connection idle for longer is not used again: one that Meta is just closing would lose an answer."""
CONNECT_SECONDS: Final = 5.0
MAX_PAGES: Final = 40
SERVER_ERROR: Final = 500
CLIENT_ERROR: Final = 400
_OBJECT_ID: Final = re.compile(r"\d{1,25}")
_ACCOUNT_ID: Final = re.compile(r"act_\d{1,25}")
_UNKNOWN_CODES: Final = frozenset({1, 2})
"""Meta's "please retry later": seen to come after the object had been created."""


@dataclass(frozen=True, kw_only=True)
class MetaError:
    """Meta's error envelope, whole. Decide on `code` and `subcode` only: texts are localised."""

    code: int
    subcode: int | None = None
    message: str = ""
    user_title: str | None = None
    user_message: str | None = None
    blame_fields: tuple[str, ...] = ()
    fbtrace_id: str | None = None
    is_transient: bool = False
    http_status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def passing(self) -> bool:
        """A fault of the moment on Meta's side: a read may be repeated, a create may have happened."""
        return self.code in _UNKNOWN_CODES or self.is_transient or self.http_status >= SERVER_ERROR


@dataclass(frozen=True, kw_only=True)
class Created:
    """Meta answered with the id of the new object."""

    object_id: str
    version_warning: str | None = None


@dataclass(frozen=True, kw_only=True)
class NotSent:
    """Nothing reached Meta."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Meta said no, and certainly created nothing."""

    error: MetaError


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """It may have happened."""

    reason: str


Outcome = Created | NotSent | Refused | Unknown


def classify_failure(exc: Exception) -> NotSent | Unknown:
    """What a transport failure says about a create: only failing to connect proves that nothing was sent."""
    not_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
    if isinstance(exc, not_sent):
        return NotSent(reason=type(exc).__name__)
    return Unknown(reason=type(exc).__name__)


def classify_answer(status: int, body: bytes, headers: Mapping[str, str]) -> Created | Refused | Unknown:
    """What an answer says about a create. Anything that is not plainly yes or no is unknown."""
    payload = _parse(body)
    error = parse_error(status, payload, headers)
    if CLIENT_ERROR <= status < SERVER_ERROR and error:
        if error.passing:
            return Unknown(reason=f"Meta error {error.code}")
        return Refused(error=error)
    object_id = payload.get("id") if isinstance(payload, dict) and not error else None
    if status < 300 and isinstance(object_id, str) and _OBJECT_ID.fullmatch(object_id):  # noqa: PLR2004 - 2xx
        return Created(object_id=object_id, version_warning=headers.get("x-ad-api-version-warning"))
    return Unknown(reason=f"HTTP {status} without a usable answer")


def parse_error(status: int, payload: Any, headers: Mapping[str, str]) -> MetaError | None:
    """Read Meta's error envelope; None when there is none."""
    raw = payload.get("error") if isinstance(payload, dict) else None
    if not isinstance(raw, dict) or not isinstance(raw.get("code"), int):
        return None
    subcode = raw.get("error_subcode")
    return MetaError(
        code=raw["code"],
        subcode=subcode if isinstance(subcode, int) else None,
        message=str(raw.get("message", "")),
        user_title=raw.get("error_user_title"),
        user_message=raw.get("error_user_msg"),
        blame_fields=_blame_fields(raw.get("error_data")),
        fbtrace_id=raw.get("fbtrace_id"),
        is_transient=raw.get("is_transient") is True,
        http_status=status,
        headers={key.lower(): value for key, value in headers.items()},
    )


def _blame_fields(error_data: Any) -> tuple[str, ...]:
    # Meta sends this as an object or as JSON text within the JSON.
    data = _parse(error_data.encode()) if isinstance(error_data, str) else error_data
    specs = data.get("blame_field_specs") if isinstance(data, dict) else None
    if not isinstance(specs, list):
        return ()
    return tuple(".".join(map(str, spec)) for spec in specs if isinstance(spec, list))


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


class ReadFailed(Exception):
    """A read came to nothing: Meta refused it (`error`) or could not be reached. Reads are safe to repeat."""

    def __init__(self, reason: str, error: MetaError | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error


@dataclass(frozen=True, kw_only=True)
class Access:
    """A token for one ad account. Lives in memory only, and never shows in a repr."""

    ad_account_id: str
    token: str = field(repr=False)


class GraphClient:
    """One small client per executor task: httpx's shared pool costs several times the CPU under load."""

    def __init__(self, *, base_url: str, version: str, app_secret: str, timeout_seconds: float) -> None:
        self._base = f"{base_url.rstrip('/')}/{version}"
        self._version = version
        self._app_secret = app_secret
        self._timeout_seconds = timeout_seconds
        self._http = httpx.AsyncClient(
            # Connecting has its own, shorter limit: running into the total deadline would make it a doubt.
            timeout=httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds / 2)),
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=2, keepalive_expiry=IDLE_CONNECTION_SECONDS),
            headers={"accept-encoding": "identity", "user-agent": "project-auto-ads"},
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def create(
        self, access: Access, edge: str, params: Mapping[str, Any], *, proof_time: int
    ) -> Outcome:
        """Create one PAUSED object below the ad account. Never raises for what Meta or the network does.

        `proof_time` is the stamp from the journaled intent: a request that is late by more than the admit
        window is refused by Meta itself.
        """
        if params.get("status") != "PAUSED":
            raise ValueError("only PAUSED objects may be created")
        form = {
            key: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), sort_keys=True)
            for key, value in params.items()
        }
        request = self._request("POST", self._account_path(access, edge), access, proof_time, data=form)
        with span(f"POST {{ad_account}}/{edge}", kind=SpanKind.CLIENT) as current:
            try:
                status, body, headers = await self._send(request)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, AnswerTooLong) as exc:
                outcome: Outcome = classify_failure(exc)
            else:
                outcome = classify_answer(status, body, headers)
                current.set_attribute("http.response.status_code", status)
            current.set_attribute("meta.outcome", type(outcome).__name__)
            if isinstance(outcome, Refused) and outcome.error.fbtrace_id:
                current.set_attribute("meta.fbtrace_id", outcome.error.fbtrace_id)
        return outcome

    async def read_object(self, access: Access, object_id: str, fields: str) -> dict[str, Any]:
        """Read one node.

        Raises:
            ReadFailed: refused or unreachable.
        """
        if not _OBJECT_ID.fullmatch(object_id):
            raise ReadFailed("not an id of Meta's")
        return await self._read(access, f"/{object_id}", {"fields": fields})

    async def read_account(
        self, access: Access, edge: str = "", params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Read the ad account itself or one of its edges.

        Raises:
            ReadFailed: refused or unreachable.
        """
        return await self._read(access, self._account_path(access, edge), params or {})

    async def read_edge(self, access: Access, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """All rows of a list, page by page.

        The next page is asked for by its cursor: Meta's own link for it carries the token.

        Raises:
            ReadFailed: refused or unreachable.
        """
        rows: list[dict[str, Any]] = []
        query = dict(params)
        for _ in range(MAX_PAGES):
            page = await self._read(access, path, query)
            rows.extend(row for row in page.get("data", []) if isinstance(row, dict))
            paging = page.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            if not paging.get("next") or not after:
                return rows
            query["after"] = after
        raise ReadFailed("more pages than there can be")

    async def _read(self, access: Access, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        request = self._request("GET", path, access, int(time.time()), params=params)
        with span("GET " + re.sub(r"\d{5,}", "{id}", path), kind=SpanKind.CLIENT) as current:
            try:
                status, body, headers = await self._send(request)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, AnswerTooLong) as exc:
                raise ReadFailed(type(exc).__name__) from exc
            current.set_attribute("http.response.status_code", status)
        payload = _parse(body)
        if error := parse_error(status, payload, headers):
            raise ReadFailed(f"Meta error {error.code}", error)
        if status >= 300 or not isinstance(payload, dict):  # noqa: PLR2004 - 2xx
            raise ReadFailed(f"HTTP {status} without a usable answer")
        return payload

    def _request(
        self, method: str, path: str, access: Access, proof_time: int, **kwargs: Any
    ) -> httpx.Request:
        proof = hmac.new(
            self._app_secret.encode(), f"{access.token}|{proof_time}".encode(), hashlib.sha256
        ).hexdigest()
        signed = {"appsecret_proof": proof, "appsecret_time": str(proof_time)}
        target = "data" if method == "POST" else "params"
        kwargs[target] = {**kwargs.get(target, {}), **signed}
        return self._http.build_request(
            method, self._base + path, headers={"authorization": f"Bearer {access.token}"}, **kwargs
        )

    async def _send(self, request: httpx.Request) -> tuple[int, bytes, Mapping[str, str]]:
        # httpx bounds each read, not the whole: a body that trickles would hold the task for ever.
        async with asyncio.timeout(self._timeout_seconds):
            response = await self._http.send(request, stream=True)
            try:
                chunks = bytearray()
                async for chunk in response.aiter_raw():
                    chunks += chunk
                    if len(chunks) > MAX_BODY_BYTES:
                        raise AnswerTooLong
                return response.status_code, bytes(chunks), response.headers
            finally:
                await response.aclose()

    def _account_path(self, access: Access, edge: str) -> str:
        if not _ACCOUNT_ID.fullmatch(access.ad_account_id):
            raise ValueError(f"not an ad account id: {access.ad_account_id!r}")
        return f"/{access.ad_account_id}/{edge}".rstrip("/")


class AnswerTooLong(Exception):
    """The body passed `MAX_BODY_BYTES`."""

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
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from ads_publisher import calls
from ads_publisher.calls import CallLog
from ads_publisher.meta_calls import meta_call
from ads_publisher.outcomes import (
    OBJECT_ID,
    Created,
    Outcome,
    ReadFailed,
    Refused,
    Unknown,
    classify_answer,
    classify_failure,
    parse_error,
    parse_json,
)
from ads_publisher.usage import APP, Usage, account_usage, app_usage
from chassis.tls import tls_context

MAX_BODY_BYTES: Final = 1_048_576
"""A longer answer is not one of Meta's."""
PROOF_VALID_SECONDS: Final = 300
"""Meta refuses a time-stamped proof that is older.
Source: https://developers.facebook.com/docs/facebook-login/security"""
IDLE_CONNECTION_SECONDS: Final = 5.0
"""A connection idle for longer is not used again: one that Meta is just closing would lose an answer."""
CONNECT_SECONDS: Final = 5.0
TOLERATED_SKEW_SECONDS: Final = 3
"""Clocks closer than this need no correction; the `Date` header has whole seconds."""
MAX_PAGES: Final = 40
_ACCOUNT_ID: Final = re.compile(r"act_[0-9]{1,25}")
_PATH: Final = re.compile(r"/(act_)?[0-9]{1,25}(/[a-z_]{1,40})?")
"""Every path we ever ask for: one id, and at most one edge of it."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """A token for one ad account. Lives in memory only, and never shows in a repr."""

    ad_account_id: str
    token: str = field(repr=False)
    log: CallLog = field(default_factory=CallLog, repr=False)
    """What was asked with it."""


class GraphClient:
    """One small client per executor task: httpx's shared pool costs several times the CPU under load."""

    def __init__(self, *, base_url: str, version: str, app_secret: str, timeout_seconds: float) -> None:
        self._base = f"{base_url.rstrip('/')}/{version}"
        self._app_secret = app_secret
        self._timeout_seconds = timeout_seconds
        self._skew_seconds = 0
        """How far Meta's clock is ahead of ours, where that matters to a proof."""
        self._usage: dict[str, Usage] = {}
        self._http = httpx.AsyncClient(
            # Connecting has its own, shorter limit: running into the total deadline would make it a doubt.
            timeout=httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds / 2)),
            trust_env=False,
            verify=tls_context(),
            follow_redirects=False,
            limits=httpx.Limits(max_connections=2, keepalive_expiry=IDLE_CONNECTION_SECONDS),
            headers={"accept-encoding": "identity", "user-agent": "project-auto-ads"},
        )

    async def close(self) -> None:
        await self._http.aclose()

    @property
    def wants_pause(self) -> bool:
        """Whether an answer since `take_pauses` asks for one."""
        return any(usage.pause_seconds() for usage in self._usage.values())

    def take_pauses(self) -> dict[str, float]:
        """Seconds to pause by scope (an ad account, or all), as the answers since the last call ask for."""
        pauses = {scope: usage.pause_seconds() for scope, usage in self._usage.items()}
        self._usage.clear()
        return {scope: seconds for scope, seconds in pauses.items() if seconds}

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
        with meta_call(
            f"create_{edge.removesuffix('s')}", "POST", f"{{ad_account}}/{edge}", host=request.url.host
        ) as call:
            try:
                status, body, headers = await self._send(request, access)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, AnswerTooLong) as exc:
                outcome: Outcome = classify_failure(exc)
            else:
                call.answered(status, headers)
                outcome = classify_answer(status, body, headers)
            call.became(outcome)
        return outcome

    async def delete(self, access: Access, object_id: str) -> Outcome:
        """Delete one object. `Created` means that it is gone now; never raises for what Meta does.

        Safe to repeat: deleting what is deleted changes nothing.
        """
        if not OBJECT_ID.fullmatch(object_id):
            raise ValueError(f"not an id of Meta's: {object_id!r}")
        stamp = int(time.time()) + self._skew_seconds
        request = self._request("DELETE", f"/{object_id}", access, stamp)
        with meta_call("delete_object", "DELETE", "/{id}", host=request.url.host) as call:
            try:
                status, body, headers = await self._send(request, access)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, AnswerTooLong) as exc:
                outcome: Outcome = classify_failure(exc)
            else:
                call.answered(status, headers)
                outcome = _deleted(object_id, status, body, headers)
            call.became(outcome)
        return outcome

    async def read_object(self, access: Access, object_id: str, fields: str) -> dict[str, Any]:
        """Read one node.

        Raises:
            ReadFailed: refused or unreachable.
        """
        if not OBJECT_ID.fullmatch(object_id):
            raise ReadFailed("not an id of Meta's")
        return await self._read("read_object", access, f"/{object_id}", {"fields": fields})

    async def read_account(
        self, access: Access, edge: str = "", params: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Read the ad account itself or one of its edges.

        Raises:
            ReadFailed: refused or unreachable.
        """
        return await self._read("read_account", access, self._account_path(access, edge), params or {})

    async def read_edge(self, access: Access, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        """All rows of a list, page by page.

        The next page is asked for by its cursor: Meta's own link for it carries the token.

        Raises:
            ReadFailed: refused or unreachable.
        """
        rows: list[dict[str, Any]] = []
        query = dict(params)
        for _ in range(MAX_PAGES):
            page = await self._read("list_objects", access, path, query)
            rows.extend(row for row in page.get("data", []) if isinstance(row, dict))
            paging = page.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after")
            if not paging.get("next") or not after:
                return rows
            query["after"] = after
        raise ReadFailed("more pages than there can be")

    async def _read(self, call: str, access: Access, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        skew = self._skew_seconds
        try:
            return await self._read_once(call, access, path, params)
        except ReadFailed:
            # The answer has told Meta's time: if the proof was wrong only for our clock, it is right now.
            if self._skew_seconds == skew:
                raise
            return await self._read_once(call, access, path, params)

    async def _read_once(
        self, name: str, access: Access, path: str, params: Mapping[str, str]
    ) -> dict[str, Any]:
        if not _PATH.fullmatch(path):
            raise ReadFailed("not a path of Meta's")
        stamp = int(time.time()) + self._skew_seconds
        request = self._request("GET", path, access, stamp, params=params)
        with meta_call(name, "GET", re.sub(r"\d{5,}", "{id}", path), host=request.url.host) as call:
            try:
                status, body, headers = await self._send(request, access)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, AnswerTooLong) as exc:
                call.became(classify_failure(exc))
                raise ReadFailed(type(exc).__name__) from exc
            call.answered(status, headers)
            payload = parse_json(body)
            if error := parse_error(status, payload, headers):
                call.refused(error)
                raise ReadFailed(f"Meta error {error.code}", error)
            if status >= 300 or not isinstance(payload, dict):  # noqa: PLR2004 - 2xx
                raise ReadFailed(f"HTTP {status} without a usable answer")
            call.outcome = "ok"
        return payload

    def _request(
        self, method: str, path: str, access: Access, proof_time: int, **kwargs: Any
    ) -> httpx.Request:
        if not _PATH.fullmatch(path):
            raise ValueError(f"not a path of Meta's: {path!r}")
        proof = hmac.new(
            self._app_secret.encode(), f"{access.token}|{proof_time}".encode(), hashlib.sha256
        ).hexdigest()
        signed = {"appsecret_proof": proof, "appsecret_time": str(proof_time)}
        target = "data" if method == "POST" else "params"
        kwargs[target] = {**kwargs.get(target, {}), **signed}
        return self._http.build_request(
            method, self._base + path, headers={"authorization": f"Bearer {access.token}"}, **kwargs
        )

    async def _send(self, request: httpx.Request, access: Access) -> tuple[int, bytes, Mapping[str, str]]:
        started = time.monotonic()
        try:
            answer = await self._exchange(request, access)
        except Exception as exc:
            access.log.calls.append(calls.failed(request, time.monotonic() - started, exc))
            raise
        secrets = (access.token, self._app_secret)
        access.log.calls.append(calls.answered(request, time.monotonic() - started, answer, secrets))
        return answer

    async def _exchange(self, request: httpx.Request, access: Access) -> tuple[int, bytes, Mapping[str, str]]:
        # httpx bounds each read, not the whole: a body that trickles would hold the task for ever.
        async with asyncio.timeout(self._timeout_seconds):
            response = await self._http.send(request, stream=True)
            try:
                self._learn(access, response.headers)
                chunks = bytearray()
                async for chunk in response.aiter_raw():
                    chunks += chunk
                    if len(chunks) > MAX_BODY_BYTES:
                        raise AnswerTooLong
                # Whatever Meta repeats of our token goes no further than this line.
                body = bytes(chunks).replace(access.token.encode(), b"[redacted]")
                return response.status_code, body, response.headers
            finally:
                await response.aclose()

    def _learn(self, access: Access, headers: Mapping[str, str]) -> None:
        self._usage[access.ad_account_id] = account_usage(headers)
        self._usage[APP] = app_usage(headers)
        if served := served_at(headers):
            skew = round(served - time.time())
            self._skew_seconds = skew if abs(skew) > TOLERATED_SKEW_SECONDS else 0

    def _account_path(self, access: Access, edge: str) -> str:
        if not _ACCOUNT_ID.fullmatch(access.ad_account_id):
            raise ValueError(f"not an ad account id: {access.ad_account_id!r}")
        return f"/{access.ad_account_id}/{edge}".rstrip("/")


def _deleted(object_id: str, status: int, body: bytes, headers: Mapping[str, str]) -> Outcome:
    payload = parse_json(body)
    if error := parse_error(status, payload, headers):
        return Refused(error=error)
    return Created(object_id=object_id) if payload == {"success": True} else Unknown(reason=f"HTTP {status}")


class AnswerTooLong(Exception):
    """The body passed `MAX_BODY_BYTES`."""


def served_at(headers: Mapping[str, str]) -> float | None:
    """Meta's clock when it answered, unix seconds, by its `Date` header."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except ValueError:
        return None

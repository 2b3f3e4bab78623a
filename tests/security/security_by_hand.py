"""The requests that need what no generator can know: a password, a mailed link, a signature of Meta's."""

import asyncio
import base64
import email
import email.policy
import hashlib
import hmac
import json
import re
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from e2e_driver import PASSWORD, Advertiser, eventually
from e2e_system import System

NEW_PASSWORD = "another horse battery staple"
LINK = re.compile(r"#token=(\S+)")


def signed_by_meta(secret: str, **payload: Any) -> str:
    """A `signed_request` as Meta makes it, with this app secret."""
    body = {"algorithm": "HMAC-SHA256", "issued_at": int(time.time()), **payload}
    encoded = _encode(json.dumps(body).encode())
    return f"{_encode(hmac.digest(secret.encode(), encoded.encode(), hashlib.sha256))}.{encoded}"


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def reach_by_hand(stack: System, mail_dir: Path) -> dict[str, int]:
    """Make each of these requests rightly once; the statuses by operation."""
    statuses: dict[str, int] = {}

    async def ask(name: str, made: Awaitable[httpx.Response]) -> httpx.Response:
        answer = await made
        statuses[name] = answer.status_code
        return answer

    async with Advertiser(stack.gateway_url) as person:
        await person.sign_up()
        await ask(
            "POST /auth/password",
            person.request(
                "POST", "/auth/password", json={"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
            ),
        )
        await person.request("POST", "/auth/password-reset", json={"email": person.email})
        token = await eventually(_link_to(mail_dir, person.email), lambda found: found is not None)
        await ask(
            "POST /auth/password-reset/confirm",
            person.request(
                "POST", "/auth/password-reset/confirm", json={"token": token, "newPassword": PASSWORD}
            ),
        )
        await person.sign_up_or_log_in(person.email, PASSWORD)
        listed = (await person.request("GET", "/auth/sessions")).json()["data"]
        end = f"/auth/sessions/{listed[0]['id']}/end"
        await ask("POST /auth/sessions/{session_id}/end", person.request("POST", end, json={}))
        await _as_meta(person, stack.credentials.app_secret, ask)
    return statuses


async def _as_meta(
    person: Advertiser,
    secret: str,
    ask: Callable[[str, Awaitable[httpx.Response]], Awaitable[httpx.Response]],
) -> None:
    form = {"signed_request": signed_by_meta(secret, user_id="987654321")}
    await ask("POST /meta/deauthorize", person.request("POST", "/meta/deauthorize", data=form))
    answer = await ask("POST /meta/data-deletion", person.request("POST", "/meta/data-deletion", data=form))
    code = answer.json()["confirmation_code"]
    await ask("GET /meta/data-deletion/{code}", person.request("GET", f"/meta/data-deletion/{code}"))


def _link_to(folder: Path, address: str) -> Callable[[], Awaitable[str | None]]:
    def look() -> str | None:
        for path in folder.glob("*.eml"):
            mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            if mail["To"] == address and (found := LINK.search(mail.get_content())):
                return found[1]
        return None

    return partial(asyncio.to_thread, look)

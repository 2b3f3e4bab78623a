"""The two signed calls that Meta makes to an app: the person removed it, or wants their data deleted.

Sources: https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow#deauth-callback,
https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback
"""

import asyncio
import base64
import hmac
import http.client
import json
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from graph_sandbox.state import World

Event = Literal["deauthorize", "data_deletion"]
ANSWER_SECONDS = 10.0
LONGEST_ANSWER = 4096
REQUEST_LIFE_SECONDS = 3600


def signed_request(secret: str, payload: dict[str, Any]) -> str:
    """Signature and payload, each in base64url without padding; the signature is over the encoded payload."""
    body = _unpadded(json.dumps(payload, separators=(",", ":")).encode())
    return f"{_unpadded(hmac.new(secret.encode(), body.encode(), sha256).digest())}.{body}"


def callback_url(world: World, event: Event) -> str | None:
    settings = world.settings
    return settings.deauthorize_url if event == "deauthorize" else settings.data_deletion_url


async def send_callback(world: World, event: Event, user_id: str) -> dict[str, Any]:
    """Call the app as Meta does, and tell what it answered; `status` is None when nobody did.

    Without a configured address nothing is sent.
    """
    url = callback_url(world, event)
    if url is None:
        return {"sent": False, "status": None, "body": None}
    now = int(world.now())
    payload: dict[str, Any] = {"user_id": user_id, "algorithm": "HMAC-SHA256", "issued_at": now}
    if event == "data_deletion":
        payload["expires"] = now + REQUEST_LIFE_SECONDS
    form = urlencode({"signed_request": signed_request(world.app.app_secret, payload)})
    status, body = await asyncio.to_thread(_post, url, form)
    world.ledger.append("callback", world.now(), callback=event, user_id=user_id, http_status=status)
    return {"sent": True, "status": status, "body": body}


def _post(url: str, form: str) -> tuple[int | None, str | None]:
    """One POST, no redirects, no proxy. The address is the operator's own setting."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=ANSWER_SECONDS)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, form, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(LONGEST_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException, ValueError):
        return None, None
    finally:
        connection.close()


def _unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
